"""The answer of a test of a connection: what a delivery would become.

Promise: it has the ids and codes as they would be stored, and of the keys of a person only their
names.
"""

from datetime import datetime
from typing import Final

from services.tracking.domain.claims import Rejected
from services.tracking.domain.deliveries import Reading
from services.tracking.wire.answer_bodies import FlawOut
from shared.api.shapes import AnswerModel, MoneyOut
from shared.events import AnyEvent, Converted, Event, Noticed, OrderAdjusted, Quality, event_type

NO_CLICK_ID: Final = "the payload has no click id"
FOREIGN_CLICK_ID: Final = "the payload has a click id that Laurel did not make for this workspace"
_TEST: Final = "it is a test order, which never counts"
_CANCELLED: Final = "it is cancelled, so its net is 0 until a later version says otherwise"
_UNPAID: Final = "it is not paid yet; it counts, and is listed if that stays so"
_CLAMPED: Final = "its time is in the future, so the time of receipt is used"
_NO_KEYS: Final = "nothing tells who the customer is, and there is no code: no creator can earn"


class ClickFound(AnswerModel):
    """The click of the order, or why there is none."""

    found: bool
    """Whether the payload has a genuine click id."""
    link_id: str | None = None
    """The link that was clicked."""
    clicked_at: datetime | None = None
    """When it was clicked."""
    reason: str | None = None
    """Why no click was found."""


class TestedEvent(AnswerModel):
    """One event that the delivery would become."""

    type: str
    """The type of the event, such as `ordered`, `order_adjusted` or `noticed`."""
    event_id: str
    """The id of the event; the same delivery always gives the same one."""
    occurred_at: datetime
    """When it happened."""
    store: str
    """The store that it would belong to: `main`, or the id of another one."""
    order_id: str | None = None
    """The id of the order, or of another conversion."""
    adjustment_id: str | None = None
    """The id of the refund or of another adjustment."""
    adjustment_kind: str | None = None
    """The kind of the adjustment."""
    topic: str | None = None
    """The vendor's word for what changes no figure."""
    net: MoneyOut | None = None
    """What the order is worth: goods less discounts, without tax and shipping."""
    amount: MoneyOut | None = None
    """What the adjustment takes away; null where the order's currency is needed for it."""
    keys: tuple[str, ...] = ()
    """Which keys of the customer the payload has."""
    codes: tuple[str, ...] = ()
    """The discount codes."""
    click: ClickFound | None = None
    """The click that the order carries; null for what is no order."""
    warnings: tuple[str, ...] = ()
    """What makes the event count for less than expected."""


class ConnectionTest(AnswerModel):
    """What a delivery would become. Nothing was kept."""

    vendor: str
    """The vendor of the connection."""
    accepted: bool
    """Whether the delivery could be used."""
    signature_valid: bool
    """Whether the headers have the connection's signature of this body; a test needs none."""
    events: list[TestedEvent]
    """The events that it would become."""
    errors: list[FlawOut]
    """The fields that could not be used."""


def test_out(
    vendor: str,
    read: Reading | Rejected,
    unknown_codes: frozenset[str],
    *,
    signature_valid: bool,
) -> ConnectionTest:
    """Return the answer of a test; `unknown_codes` of the events are none of the workspace's."""
    events: list[TestedEvent] = []
    errors: list[FlawOut] = []
    if isinstance(read, Rejected):
        errors = [FlawOut(field=flaw.field, message=flaw.message) for flaw in read.flaws]
    else:
        events = [_event(event, unknown_codes) for event in read.events]
    return ConnectionTest(
        vendor=vendor,
        accepted=not errors,
        signature_valid=signature_valid,
        events=events,
        errors=errors,
    )


def _event(event: AnyEvent, unknown_codes: frozenset[str]) -> TestedEvent:
    common = {
        "type": event_type(event),
        "event_id": event.event_id,
        "occurred_at": event.occurred_at,
        "store": event.store,
    }
    match event:
        case Converted():
            return TestedEvent(
                **common,
                order_id=event.natural_id,
                net=_money(event.net_minor, event.currency),
                keys=_keys(event),
                codes=event.codes,
                click=_click(event),
                warnings=_warnings(event, unknown_codes),
            )
        case OrderAdjusted():
            return TestedEvent(
                **common,
                order_id=event.natural_id,
                adjustment_id=event.adjustment_id,
                adjustment_kind=event.kind,
                amount=_money(event.amount_minor, event.currency),
                warnings=_clamped(event),
            )
        case Noticed():
            return TestedEvent(**common, topic=event.topic)
        case _:
            return TestedEvent(**common)


def _money(minor: int | None, currency: str | None) -> MoneyOut | None:
    if minor is None or currency is None:
        return None
    return MoneyOut(amount_minor=minor, currency=currency)


def _keys(event: Converted) -> tuple[str, ...]:
    found = {
        "click_id": event.person.click_id,
        "visitor_id": event.person.visitor_id,
        "customer_id": event.person.customer_id,
        "email": event.person.email_hash,
        "claim_token": event.claim_token_hash,
    }
    return tuple(name for name, value in found.items() if value is not None)


def _click(event: Converted) -> ClickFound:
    if event.click is not None:
        return ClickFound(
            found=True, link_id=event.click.link_id, clicked_at=event.click.occurred_at
        )
    is_foreign = Quality.FOREIGN_CLICK_ID in event.quality
    return ClickFound(found=False, reason=FOREIGN_CLICK_ID if is_foreign else NO_CLICK_ID)


def _warnings(event: Converted, unknown_codes: frozenset[str]) -> tuple[str, ...]:
    marks = {_TEST: event.test, _CANCELLED: event.cancelled, _UNPAID: event.unpaid}
    found = [sentence for sentence, holds in marks.items() if holds]
    found += _clamped(event)
    found += [f"no creator owns the code {code}" for code in event.codes if code in unknown_codes]
    if not _keys(event) and not event.codes:
        found.append(_NO_KEYS)
    return tuple(found)


def _clamped(event: Event) -> tuple[str, ...]:
    return (_CLAMPED,) if Quality.CLAMPED in event.quality else ()
