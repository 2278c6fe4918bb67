"""The refunds of Shopify: what of the goods was given back.

Postage, duties, tips, gift cards and tax that are given back do not lower the net of an order. What
the shop keeps of a returned line stays: it is an adjustment of kind `refund_discrepancy`. A refund
counts from the time it is made; money that could not be paid back comes back to the net.

Promise: a refund in a delivery of its own and the same refund inside its order give one event id.
Its transactions only grow in number and only settle, so a later state has a greater `version`.
What can go wrong: a refund names no currency. It is read with the exponent of the workspace's
currency, and its claim has no currency, which means the currency of the order.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import structs

from services.tracking.adapters.payload import (
    Payload,
    Unusable,
    first_moment,
    identifier,
    object_of,
    objects_of,
    text_of,
)
from services.tracking.adapters.shopify.amounts import (
    amount_if_any,
    has_amount,
    shop_amount,
    shop_currency,
)
from services.tracking.adapters.shopify.goods import is_gift_card, is_tip
from services.tracking.domain.claimed_events import joined
from services.tracking.domain.claims import AdjustmentClaim

# The release of this reading: a better one of an old body is a new version.
READING: Final = 2
FAILED: Final = frozenset(("failure", "error"))
SETTLED: Final = FAILED | {"success"}
SHIPPING_KIND: Final = "shipping_refund"
SHIPPING_REASON: Final = "shipping refund"


class Given(NamedTuple):
    """What was given back of the goods, and the tax inside it, in minor units."""

    amount: int
    tax: int = 0


def refund_claim(refund: Payload, order_id: str, workspace_currency: str | None) -> AdjustmentClaim:
    """Return the claim of one refund. Raises `Unusable`."""
    refund_id = identifier(refund, "id")
    occurred_at = first_moment(refund, "processed_at", "created_at")
    currency = _currency(refund)
    scale = currency or workspace_currency
    if scale is None:
        raise Unusable("transactions.currency", "no currency is given")
    payments = _payments(refund)
    given = _given_back(refund, payments, scale)
    statuses = [text_of(payment.get("status")) for payment in payments]
    claim = AdjustmentClaim(
        conversion_kind="purchase",
        natural_id=order_id,
        adjustment_id=refund_id,
        kind="refund",
        occurred_at=occurred_at,
        amount_minor=given.amount,
        tax_minor=given.tax,
        capped=True,
        currency=currency,
        version=1 + len(statuses) + sum(status in SETTLED for status in statuses),
        pending="pending" in statuses,
    )
    return structs.replace(claim, natural_key=_natural_key(claim))


def _natural_key(claim: AdjustmentClaim) -> str:
    """Return what the event id of a refund is made of: all that its event holds."""
    state = (claim.amount_minor, claim.tax_minor, claim.currency, claim.version, claim.pending)
    ids = (claim.natural_id, claim.adjustment_id, claim.occurred_at.isoformat())
    return joined("refund", str(READING), *ids, *map(str, state))


def _payments(refund: Payload) -> Sequence[Payload]:
    payments = objects_of(refund, "transactions")
    return [payment for payment in payments if payment.get("kind") == "refund"]


def _given_back(refund: Payload, payments: Sequence[Payload], currency: str) -> Given:
    lines = [
        line for line in objects_of(refund, "refund_line_items") if has_amount(line, "subtotal")
    ]
    has_failed = any(text_of(payment.get("status")) in FAILED for payment in payments)
    if not lines:
        return Given(_paid_back(refund, payments, currency))
    given = _of_lines(refund, lines, currency)
    if not has_failed:
        return given
    # A part of the money, or all of it, is with the shop again.
    amount = min(given.amount, _paid_back(refund, payments, currency))
    return Given(amount, min(given.tax, amount))


def _of_lines(refund: Payload, lines: Sequence[Payload], currency: str) -> Given:
    goods = [line for line in lines if _is_goods(object_of(line, "line_item"))]
    name = "refund_line_items"
    amount = sum(shop_amount(line, "subtotal", currency, f"{name}.subtotal") for line in goods)
    tax = sum(amount_if_any(line, "total_tax", currency, f"{name}.total_tax") for line in goods)
    kept = sum(
        amount_if_any(item, "amount", currency, "order_adjustments.amount")
        for item in objects_of(refund, "order_adjustments")
        if not _is_shipping(item)
    )
    return Given(max(amount - kept, 0), tax)


def _is_goods(line: Payload) -> bool:
    return not is_gift_card(line) and not is_tip(line)


def _paid_back(refund: Payload, payments: Sequence[Payload], currency: str) -> int:
    """Return the money for goods: what was paid and did not fail, less all that is no goods."""
    paid = sum(
        shop_amount(payment, "amount", currency, "transactions.amount")
        for payment in payments
        if text_of(payment.get("status")) not in FAILED
    )
    shipping, shipping_tax = _shipping(refund, currency)
    left = paid - shipping - _duties(refund, currency) - _tax_of_adjustments(refund, currency)
    # The vendor does not say how much of the tax of the shipping was given back with it.
    return 0 if left <= shipping_tax else left


def _shipping(refund: Payload, currency: str) -> tuple[int, int]:
    """Return the shipping that was given back, and the tax that its lines carry beside it."""
    adjusted = [a for a in objects_of(refund, "order_adjustments") if _is_shipping(a)]
    if adjusted:
        name = "order_adjustments"
        return sum(
            abs(amount_if_any(item, "amount", currency, f"{name}.amount"))
            + abs(amount_if_any(item, "tax_amount", currency, f"{name}.tax_amount"))
            for item in adjusted
        ), 0
    lines = objects_of(refund, "refund_shipping_lines")
    taxes = [
        tax for line in lines for tax in objects_of(object_of(line, "shipping_line"), "tax_lines")
    ]
    name = "refund_shipping_lines"
    return (
        sum(
            amount_if_any(line, "subtotal_amount", currency, f"{name}.subtotal_amount")
            for line in lines
        ),
        sum(amount_if_any(tax, "price", currency, f"{name}.tax_lines.price") for tax in taxes),
    )


def _is_shipping(adjustment: Payload) -> bool:
    kind = text_of(adjustment.get("kind"))
    if kind is not None:
        return kind == SHIPPING_KIND
    return (text_of(adjustment.get("reason")) or "").lower() == SHIPPING_REASON


def _duties(refund: Payload, currency: str) -> int:
    """Return the duties that were given back; the vendor sends them as a list or inside one."""
    duties = objects_of(refund, "duties") or objects_of(object_of(refund, "duties"), "duties")
    return sum(amount_if_any(duty, "amount", currency, "duties.amount") for duty in duties)


def _tax_of_adjustments(refund: Payload, currency: str) -> int:
    return sum(
        abs(amount_if_any(item, "tax_amount", currency, "order_adjustments.tax_amount"))
        for item in objects_of(refund, "order_adjustments")
        if not _is_shipping(item)
    )


def _currency(refund: Payload) -> str | None:
    for line in objects_of(refund, "refund_line_items"):
        code = shop_currency(line, "subtotal")
        if code is not None:
            return code
    for payment in objects_of(refund, "transactions"):
        code = shop_currency(payment, "amount")
        if code is None and isinstance(payment.get("currency"), str):
            code = str(payment["currency"])
        if code is not None:
            return code
    return None
