"""The orders of Shopify, with the refunds inside them.

Versions of one order go by the vendor's clock (`updated_at`, whole seconds), then by the time at
which the delivery was triggered, then by the order of the topics, then by the reading. A cancelled
or voided order has the net 0 in that version; a later version without it brings the order back.
The refunds inside an order tell which payments failed after the refund was sent.
What can go wrong: `Unusable` names a field of the order. A refund inside it that cannot be used is
left out: it was sent in a delivery of its own, which tells what is wrong with it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.tracking.adapters.payload import (
    Payload,
    Unusable,
    first_moment,
    id_of,
    identifier,
    moment,
    object_of,
    objects_of,
    text_of,
)
from services.tracking.adapters.shopify.click_ids import click_ids
from services.tracking.adapters.shopify.goods import net_of_goods
from services.tracking.adapters.shopify.refunds import READING, refund_claim
from services.tracking.domain.claimed_events import joined, microseconds
from services.tracking.domain.claims import (
    CLAIM_TOKEN_LENGTH_MIN,
    AdjustmentClaim,
    ConversionClaim,
    PersonClaim,
)
from services.tracking.domain.deliveries import Claims
from shared.events import CODES_MAX
from shared.moments import in_calendar

# In the order in which the vendor sends them for one order.
ORDER_TOPICS: Final = ("orders/create", "orders/paid", "orders/updated", "orders/cancelled")
# The topic of an order under any other one: a body is an order whatever the header says.
OTHER_TOPIC: Final = "orders/updated"
UNPAID: Final = frozenset(("pending", "authorized", "partially_paid", "expired"))
VOIDED: Final = "voided"
REFUNDS_MAX: Final = 100  # of one order; the others come in deliveries of their own

TIME_LENGTH_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers tell about a body, and its digest.

    `triggered` is a time in microseconds from 1970, 0 when the headers do not tell it.
    """

    topic: str
    triggered: int = 0
    digest: str = ""


def told(topic: str, triggered_at: str, body: bytes) -> Told:
    """Return what the headers of a delivery tell."""
    digest = hashlib.blake2b(body, digest_size=16).hexdigest()
    return Told(topic, _triggered(triggered_at), digest)


def _triggered(text: str) -> int:
    try:
        found = datetime.fromisoformat(text[:TIME_LENGTH_MAX])
        return 0 if found.tzinfo is None else max(0, microseconds(in_calendar(found)))
    except (ValueError, ArithmeticError):
        return 0


def order_claims(heard: Told, payload: Payload) -> Claims:
    """Return the claim of an order, and those of its refunds. Raises `Unusable`."""
    order_id = identifier(payload, "id")
    currency = text_of(payload.get("currency")) or ""
    occurred_at = first_moment(payload, "processed_at", "created_at")
    updated_at = moment(payload, "updated_at") or occurred_at
    topic = heard.topic if heard.topic in ORDER_TOPICS else OTHER_TOPIC
    status = text_of(payload.get("financial_status"))
    order = ConversionClaim(
        kind="purchase",
        natural_id=order_id,
        occurred_at=occurred_at,
        net_minor=net_of_goods(payload, currency),
        currency=currency,
        person=_person(payload),
        codes=_codes(payload),
        taxes_included=payload.get("taxes_included") is True,
        version=microseconds(updated_at),
        tie_break=(heard.triggered, ORDER_TOPICS.index(topic), READING),
        natural_key=joined(
            "order", str(READING), order_id, updated_at.isoformat(), topic, heard.digest
        ),
        claim_token=_claim_token(payload),
        cancelled=moment(payload, "cancelled_at") is not None or status == VOIDED,
        test=payload.get("test") is True,
        unpaid=status in UNPAID,
        customer_orders=_customer_orders(payload),
    )
    return (order, *_refunds(payload, order_id, currency))


def _refunds(payload: Payload, order_id: str, currency: str) -> list[AdjustmentClaim]:
    claims = []
    for refund in objects_of(payload, "refunds")[:REFUNDS_MAX]:
        try:
            claims.append(refund_claim(refund, order_id, currency))
        except Unusable:
            continue
    return claims


def _customer_orders(payload: Payload) -> int | None:
    """Return how many orders the customer had when the body was made, this one included."""
    count = object_of(payload, "customer").get("orders_count")
    if isinstance(count, bool) or not isinstance(count, int | str):
        return None
    text = str(count).strip()
    is_count = text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if is_count else None


def _person(payload: Payload) -> PersonClaim:
    customer = object_of(payload, "customer")
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
