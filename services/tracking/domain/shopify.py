"""Shopify's webhooks: what an order or refund payload means, from the signed body alone wherever the body can tell.

The signature covers only the body, so the topic header is a hint: an order body that says `cancelled_at: null` is never a
cancel, whatever its headers claim. Unknown fields, nulls, and strings for numbers are normal.

Promise: `read` gives claims, or nothing for a topic that is not used, or names the fields it cannot use. Refunds inside
order bodies are ignored. What can go wrong: a refund whose currency nobody tells is read with the exponent of the
workspace's currency and left without one, which means the order's.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from services.tracking.domain.claims import (
    AdjustmentClaim,
    ConversionClaim,
    Flaw,
    PersonClaim,
    Rejected,
)
from services.tracking.domain.intake import joined, microseconds
from services.tracking.domain.touches import CLICK_PARAMETER, click_parameter
from shared.events import CODES_MAX, KEY_LENGTH_MAX, TEXT_LENGTH_MAX
from shared.money import MoneyError, parse_minor

ORDER_TOPICS: Final = frozenset(
    ("orders/create", "orders/paid", "orders/updated", "orders/cancelled")
)
REFUND_TOPIC: Final = "refunds/create"
CANCEL_ID: Final = "cancel"  # an order is cancelled once

ADDRESS_LENGTH_MAX: Final = 8_192

_CLICK_ID: Final = re.compile(r"[A-Za-z0-9_-]{50}", re.ASCII)

Payload = Mapping[str, Any]
Claims = tuple[ConversionClaim | AdjustmentClaim, ...]


class _Unusable(Exception):
    """A field that is needed and cannot be used."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.flaw = Flaw(field, message)


def read(topic: str, payload: object, workspace_currency: str | None) -> Claims | Rejected:
    """The claims in one delivery; none for a topic that is not used."""
    if topic not in ORDER_TOPICS and topic != REFUND_TOPIC:
        return ()
    if not isinstance(payload, dict):
        return Rejected((Flaw("body", "is not a JSON object"),))
    try:
        if topic == REFUND_TOPIC:
            return _refund(payload, workspace_currency)
        return _order(topic, payload)
    except _Unusable as problem:
        return Rejected((problem.flaw,))


# --- orders ----------------------------------------------------------------------------------------------


def _order(topic: str, payload: Payload) -> Claims:
    order_id = _identifier(payload, "id")
    currency = _text(payload.get("currency")) or ""
    occurred_at = _first_moment(payload, "processed_at", "created_at")
    updated_at = _moment(payload, "updated_at") or occurred_at
    taxes_included = payload.get("taxes_included") is True
    net = _amount(payload, "subtotal_price", currency)
    if taxes_included:
        net -= _goods_tax(payload, currency)
    if net < 0:
        raise _Unusable("subtotal_price", "is less than the tax it includes")
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
        natural_key=joined(order_id, updated_at.isoformat(), topic),
    )
    cancelled_at = _cancelled_at(topic, payload, updated_at)
    return (order,) if cancelled_at is None else (order, _cancel(order_id, cancelled_at))


def _goods_tax(payload: Payload, currency: str) -> int:
    """The tax inside the subtotal: the order's, without the part that the shipping lines carry."""
    shipping_tax = sum(
        _minor(line.get("price"), currency, "shipping_lines.tax_lines.price")
        for shipping in _objects(payload, "shipping_lines")
        for line in _objects(shipping, "tax_lines")
        if line.get("price") is not None
    )
    if payload.get("total_tax") is None:
        return 0
    return max(0, _amount(payload, "total_tax", currency) - shipping_tax)


def _cancelled_at(topic: str, payload: Payload, updated_at: datetime) -> datetime | None:
    if "cancelled_at" in payload:
        return _moment(payload, "cancelled_at")
    return updated_at if topic == "orders/cancelled" else None


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
        click_id=_click_id(payload),
        customer_id=_text(customer.get("id")),
        email=_email(payload) or _email(customer),
    )


def _email(payload: Payload) -> str | None:
    text = _text(payload.get("email"))
    return text if text is not None and "@" in text else None


def _click_id(payload: Payload) -> str | None:
    for attribute in _objects(payload, "note_attributes"):
        if attribute.get("name") == CLICK_PARAMETER:
            value = _text(attribute.get("value"))
            if value is not None:
                return value
    found = click_parameter(_text(payload.get("landing_site"), length_max=ADDRESS_LENGTH_MAX))
    if found is not None:
        return found
    # The referral part of the landing address: the click id itself, or an address that carries it.
    reference = _text(payload.get("landing_site_ref"), length_max=ADDRESS_LENGTH_MAX)
    if reference is not None and _CLICK_ID.fullmatch(reference):
        return reference
    return click_parameter(reference)


def _codes(payload: Payload) -> tuple[str, ...]:
    codes = (_text(item.get("code")) for item in _objects(payload, "discount_codes"))
    return tuple(code for code in codes if code is not None)[:CODES_MAX]


# --- refunds ---------------------------------------------------------------------------------------------


def _refund(payload: Payload, workspace_currency: str | None) -> Claims:
    refund_id = _identifier(payload, "id")
    order_id = _identifier(payload, "order_id")
    occurred_at = _first_moment(payload, "processed_at", "created_at")
    currency = _refund_currency(payload)
    scale = currency or workspace_currency
    if scale is None:
        raise _Unusable("transactions.currency", "no currency is given")
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
    """What goes back for goods, and the tax that is known to be inside it."""
    lines = [
        line for line in _objects(payload, "refund_line_items") if line.get("subtotal") is not None
    ]
    if lines:
        field = "refund_line_items"
        amount = sum(_minor(line["subtotal"], currency, f"{field}.subtotal") for line in lines)
        taxed = [line for line in lines if line.get("total_tax") is not None]
        return amount, sum(
            _minor(line["total_tax"], currency, f"{field}.total_tax") for line in taxed
        )
    paid_back = sum(
        _minor(transaction.get("amount"), currency, "transactions.amount")
        for transaction in _objects(payload, "transactions")
        if transaction.get("kind") == "refund" and transaction.get("status") == "success"
    )
    return paid_back, 0


def _refund_currency(payload: Payload) -> str | None:
    for line in _objects(payload, "refund_line_items"):
        money = _object(_object(line, "subtotal_set"), "shop_money")
        if isinstance(money.get("currency_code"), str):
            return str(money["currency_code"])
    for transaction in _objects(payload, "transactions"):
        if isinstance(transaction.get("currency"), str):
            return str(transaction["currency"])
    return None


# --- fields ----------------------------------------------------------------------------------------------


def _object(payload: Payload, field: str) -> Payload:
    value = payload.get(field)
    return value if isinstance(value, dict) else {}


def _objects(payload: Payload, field: str) -> Sequence[Payload]:
    value = payload.get(field)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object, *, length_max: int = KEY_LENGTH_MAX) -> str | None:
    """A text or whole number that can be stored; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) >= 10**TEXT_LENGTH_MAX:
        return None
    text = str(value).strip()
    is_storable = "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    return text if 0 < len(text) <= length_max and is_storable else None


def _identifier(payload: Payload, field: str) -> str:
    text = _text(payload.get(field), length_max=TEXT_LENGTH_MAX)
    if text is None:
        raise _Unusable(field, "is missing or not an id")
    return text


def _moment(payload: Payload, field: str) -> datetime | None:
    value = payload.get(field)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None or moment.tzinfo is None or not 1970 <= moment.year < 9000:
            raise ValueError(field)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Unusable(field, "is not a time with offset") from None


def _first_moment(payload: Payload, *fields: str) -> datetime:
    for field in fields:
        moment = _moment(payload, field)
        if moment is not None:
            return moment
    raise _Unusable(fields[-1], "is missing")


def _amount(payload: Payload, field: str, currency: str) -> int:
    if payload.get(field) is None:
        raise _Unusable(field, "is missing")
    return _minor(payload[field], currency, field)


def _minor(value: object, currency: str, field: str) -> int:
    """Minor units of a number or a string; Shopify sends both, and may pad with zeros."""
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise MoneyError("is not an amount")
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > 18:
            raise MoneyError("is not an amount")
        return parse_minor(f"{number.normalize():f}", currency)
    except (MoneyError, InvalidOperation) as error:
        message = str(error) if isinstance(error, MoneyError) else "is not an amount"
        raise _Unusable(field, message) from None
