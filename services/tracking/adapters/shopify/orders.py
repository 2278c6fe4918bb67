"""Claims from the orders and refunds of Shopify.

The signature covers the body only, so the body says what it is. The topic header is not signed: it
only separates versions of one order with one `updated_at`. For example, an order without
`cancelled_at` is never a cancel, also under the topic `orders/cancelled`. Unknown fields, nulls,
and texts instead of numbers are normal.

Promise: `read` returns claims, or no claims for a body that is not used, or the fields that it
cannot use. Refunds inside order bodies are ignored, because Shopify sends each as a delivery.
What can go wrong: a refund names no currency. It is read with the exponent of the workspace's
currency, and its claim has no currency, which means the currency of the order.
"""

import re
from datetime import datetime
from typing import Final

from services.tracking.adapters.payload import (
    Payload,
    Unusable,
    amount_of,
    first_moment,
    id_of,
    identifier,
    minor_units,
    moment,
    object_of,
    objects_of,
    read_json,
    text_of,
)
from services.tracking.adapters.shopify.click_ids import click_ids
from services.tracking.domain.claimed_events import joined, microseconds
from services.tracking.domain.claims import (
    CLAIM_TOKEN_LENGTH_MIN,
    AdjustmentClaim,
    ConversionClaim,
    Flaw,
    PersonClaim,
    Rejected,
)
from services.tracking.domain.deliveries import Claims, Delivery
from shared.events import CODES_MAX

TOPIC_HEADER: Final = b"x-shopify-topic"
ORDER_TOPICS: Final = frozenset(
    ("orders/create", "orders/paid", "orders/updated", "orders/cancelled")
)
# Version of an order under any other topic: a body is an order whatever the header says.
OTHER_TOPIC: Final = "orders/updated"
USED_TOPICS: Final = ORDER_TOPICS | {"refunds/create"}
ORDER: Final = "Order"
REFUND: Final = "Refund"
CANCEL_ID: Final = "cancel"  # an order is cancelled once

_GRAPH_ID: Final = re.compile(r"gid://shopify/([A-Za-z]+)/.*", re.ASCII)


def read(delivery: Delivery, currency: str | None) -> Claims | Rejected:
    """Return the claims in one delivery; none for a body that is not used."""
    return claims_of(delivery.text(TOPIC_HEADER), read_json(delivery.body), currency)


def claims_of(topic: str, payload: object, workspace_currency: str | None) -> Claims | Rejected:
    """Return the claims in a parsed payload; `payload` None means that it was not JSON."""
    resource = _resource(payload) if isinstance(payload, dict) else None
    # A refusal is logged, and a repeated delivery can have any text in this header.
    known_topic = topic if topic in USED_TOPICS else ""
    try:
        if isinstance(payload, dict) and resource == ORDER:
            return _order(topic, payload)
        if isinstance(payload, dict) and resource == REFUND:
            return _refund(payload, workspace_currency)
    except Unusable as problem:
        return Rejected((problem.flaw,), known_topic)
    if known_topic:
        return Rejected((Flaw("body", "is not an order and not a refund"),), known_topic)
    return ()


def _resource(payload: Payload) -> str | None:
    """Return what the body is: `Order`, `Refund`, or None for a body that is not used.

    Only some fields are in every version of the vendor's API, so the id of its graph counts first.
    No order has an `order_id`, and a checkout has the address of an abandoned one.
    """
    named = _GRAPH_ID.fullmatch(text_of(payload.get("admin_graphql_api_id")) or "")
    if named is not None:
        return named[1] if named[1] in (ORDER, REFUND) else None
    if "order_id" in payload:
        return REFUND if "refund_line_items" in payload or "transactions" in payload else None
    is_order = "subtotal_price" in payload and "abandoned_checkout_url" not in payload
    return ORDER if is_order else None


# --- orders ------------------------------------------------------------------------------------


def _order(topic: str, payload: Payload) -> Claims:
    order_id = identifier(payload, "id")
    currency = text_of(payload.get("currency")) or ""
    occurred_at = first_moment(payload, "processed_at", "created_at")
    updated_at = moment(payload, "updated_at") or occurred_at
    taxes_included = payload.get("taxes_included") is True
    net = amount_of(payload, "subtotal_price", currency)
    if taxes_included:
        net -= _goods_tax(payload, currency)
    if net < 0:
        raise Unusable("subtotal_price", "is less than the tax it includes")
    token = _claim_token(payload)
    order = ConversionClaim(
        kind="purchase",
        natural_id=order_id,
        occurred_at=occurred_at,
        net_minor=net,
        currency=currency,
        person=_person(payload),
        codes=_codes(payload),
        taxes_included=taxes_included,
        version=microseconds(updated_at),
        natural_key=_natural_key(order_id, updated_at, topic, token),
        claim_token=token,
    )
    cancelled_at = moment(payload, "cancelled_at")
    return (order,) if cancelled_at is None else (order, _cancel(order_id, cancelled_at))


def _natural_key(order_id: str, updated_at: datetime, topic: str, token: str | None) -> str:
    """Return what the event id of an order is made of. Ids never expire, so no form ever changes.

    A body that was read without its token before gets another id, so it is a new version.
    """
    read_topic = topic if topic in ORDER_TOPICS else OTHER_TOPIC
    parts = (order_id, updated_at.isoformat(), read_topic)
    return joined(*parts) if token is None else joined(*parts, "claim_token")


def _goods_tax(payload: Payload, currency: str) -> int:
    """Return the tax inside the subtotal: the order's tax minus the tax on shipping."""
    shipping_tax = sum(
        minor_units(line.get("price"), currency, "shipping_lines.tax_lines.price")
        for shipping in objects_of(payload, "shipping_lines")
        for line in objects_of(shipping, "tax_lines")
        if line.get("price") is not None
    )
    if payload.get("total_tax") is None:
        return 0
    return max(0, amount_of(payload, "total_tax", currency) - shipping_tax)


def _cancel(order_id: str, occurred_at: datetime) -> AdjustmentClaim:
    return AdjustmentClaim(
        conversion_kind="purchase",
        natural_id=order_id,
        adjustment_id=CANCEL_ID,
        kind="cancel",
        occurred_at=occurred_at,
    )


def _person(payload: Payload) -> PersonClaim:
    customer = payload.get("customer")
    customer = customer if isinstance(customer, dict) else {}
    return PersonClaim(
        click_ids=click_ids(payload),
        customer_id=id_of(customer.get("id")),
        email=_email(payload) or _email(customer),
    )


def _claim_token(payload: Payload) -> str | None:
    """Return the token of the checkout, else of the cart: the page of the checkout knows both."""
    tokens = (text_of(payload.get(name)) for name in ("checkout_token", "cart_token"))
    return next((t for t in tokens if t is not None and len(t) >= CLAIM_TOKEN_LENGTH_MIN), None)


def _email(payload: Payload) -> str | None:
    text = text_of(payload.get("email"))
    return text if text is not None and "@" in text else None


def _codes(payload: Payload) -> tuple[str, ...]:
    codes = (text_of(item.get("code")) for item in objects_of(payload, "discount_codes"))
    return tuple(code for code in codes if code is not None)[:CODES_MAX]


# --- refunds -----------------------------------------------------------------------------------


def _refund(payload: Payload, workspace_currency: str | None) -> Claims:
    refund_id = identifier(payload, "id")
    order_id = identifier(payload, "order_id")
    occurred_at = first_moment(payload, "processed_at", "created_at")
    currency = _refund_currency(payload)
    scale = currency or workspace_currency
    if scale is None:
        raise Unusable("transactions.currency", "no currency is given")
    amount, tax = _refund_amount(payload, scale)
    if amount <= 0:
        return ()
    return (
        AdjustmentClaim(
            conversion_kind="purchase",
            natural_id=order_id,
            adjustment_id=refund_id,
            kind="refund",
            occurred_at=occurred_at,
            amount_minor=amount,
            tax_minor=tax,
            capped=True,
            currency=currency,
        ),
    )


def _refund_amount(payload: Payload, currency: str) -> tuple[int, int]:
    """Return the amount paid back for goods, and the tax inside it, both in minor units."""
    lines = [
        line
        for line in objects_of(payload, "refund_line_items")
        if line.get("subtotal") is not None
    ]
    if lines:
        field = "refund_line_items"
        amount = sum(minor_units(line["subtotal"], currency, f"{field}.subtotal") for line in lines)
        taxed = [line for line in lines if line.get("total_tax") is not None]
        return amount, sum(
            minor_units(line["total_tax"], currency, f"{field}.total_tax") for line in taxed
        )
    paid_back = sum(
        minor_units(transaction.get("amount"), currency, "transactions.amount")
        for transaction in objects_of(payload, "transactions")
        if transaction.get("kind") == "refund" and transaction.get("status") == "success"
    )
    return paid_back, 0


def _refund_currency(payload: Payload) -> str | None:
    for line in objects_of(payload, "refund_line_items"):
        money = object_of(object_of(line, "subtotal_set"), "shop_money")
        if isinstance(money.get("currency_code"), str):
            return str(money["currency_code"])
    for transaction in objects_of(payload, "transactions"):
        if isinstance(transaction.get("currency"), str):
            return str(transaction["currency"])
    return None
