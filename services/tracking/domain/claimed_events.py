"""Makes an event from a claim: its id, hashed e-mails, genuine click ids, clamped times.

Promise: the same claim from the same kind of source always gives the same event id. Nothing that
identifies a person in clear enters an event. What can go wrong is a `Rejected` that names fields.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from services.tracking.domain.claims import (
    AdjustmentClaim,
    Caller,
    ConversionClaim,
    Lookups,
    PersonClaim,
)
from shared.catalog import normalise_code
from shared.events import (
    CODES_MAX,
    CONVERSIONS,
    TEXT_LENGTH_MAX,
    AnyConversion,
    ClickRef,
    OrderAdjusted,
    Person,
    Quality,
)
from shared.ids import natural_id

# Clocks of shops and phones run ahead by seconds or minutes; a later time is a mistake.
FUTURE_MAX: Final = timedelta(minutes=5)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Known(Struct, frozen=True):
    """What the edge made of a person's keys."""

    person: Person
    click: ClickRef | None
    flags: tuple[Quality, ...]


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def joined(*parts: str) -> str:
    """One natural key of several parts; each is length-prefixed, so no two lists collide."""
    return "".join(f"{len(part)}:{part}" for part in parts)


def natural_event_id(caller: Caller, event_type: str, natural_key: str) -> str:
    """The id of an event that has a natural key: the strongest claim to identity there is."""
    return natural_id(
        caller.workspace_id, caller.source_class, event_type, natural_key, store=caller.store
    )


def offered_event_id(caller: Caller, event_type: str, event_id: str | None) -> str:
    """The id without a natural key: from the caller's own id, else its retry key, else new."""
    if event_id is not None:
        return natural_event_id(caller, event_type, joined("event_id", event_id))
    if caller.retry_key is not None:
        return natural_event_id(caller, event_type, joined("retry_key", caller.retry_key))
    return caller.fresh_id


def clamped(occurred_at: datetime, now: datetime) -> tuple[datetime, tuple[Quality, ...]]:
    """The time to believe, and the flag when it is not the one that was sent."""
    if occurred_at > now + FUTURE_MAX:
        return now, (Quality.CLAMPED,)
    return occurred_at, ()


def known_person(claim: PersonClaim, workspace_id: str, lookups: Lookups) -> Known:
    """Hash what looks like an e-mail, in whichever field it stands, and read the click id.

    A click id that is not ours, or of another workspace, is flagged and dropped: as a key it would
    join all people whose page sent "undefined".
    """
    email_hash = None if claim.email is None else lookups.email_hash(workspace_id, claim.email)
    click_id, click, flags = _read_click(claim.click_id, workspace_id, lookups)
    person = Person(
        visitor_id=_pseudonym(claim.visitor_id, workspace_id, lookups),
        click_id=click_id,
        customer_id=_pseudonym(claim.customer_id, workspace_id, lookups),
        email_hash=email_hash,
    )
    return Known(person, click, flags)


def _pseudonym(value: str | None, workspace_id: str, lookups: Lookups) -> str | None:
    if value is None or "@" not in value:
        return value
    return "email:" + lookups.email_hash(workspace_id, value)


def _read_click(
    click_id: str | None, workspace_id: str, lookups: Lookups
) -> tuple[str | None, ClickRef | None, tuple[Quality, ...]]:
    if click_id is None:
        return None, None, ()
    found = lookups.click(click_id)
    # An unknown link may be one whose record is still on its way: attribution will know.
    if found is None or lookups.link_workspace(found.link_id) not in (workspace_id, None):
        return None, None, (Quality.FOREIGN_CLICK_ID,)
    return click_id, ClickRef(found.link_id, found.occurred_at), ()


def clean_codes(codes: Iterable[str]) -> tuple[str, ...]:
    """Discount codes as they are compared, each once, without what cannot be a code."""
    normal = [normalise_code(code) for code in codes]
    return tuple(dict.fromkeys([c for c in normal if 0 < len(c) <= TEXT_LENGTH_MAX]))[:CODES_MAX]


def conversion(claim: ConversionClaim, caller: Caller, lookups: Lookups) -> AnyConversion:
    """The event of a conversion. Its natural key is the adapter's, else the order or conversion id."""
    struct = CONVERSIONS[claim.kind].event
    occurred_at, late = clamped(claim.occurred_at, caller.now)
    known = known_person(claim.person, caller.workspace_id, lookups)
    tag = struct.__struct_config__.tag
    return struct(
        event_id=natural_event_id(caller, str(tag), claim.natural_key or claim.natural_id),
        workspace_id=caller.workspace_id,
        occurred_at=occurred_at,
        received_at=caller.now,
        source=caller.source,
        person=known.person,
        quality=late + known.flags,
        natural_id=claim.natural_id,
        net_minor=claim.net_minor,
        currency=claim.currency,
        version=microseconds(claim.occurred_at) if claim.version is None else claim.version,
        codes=clean_codes(claim.codes),
        click=known.click,
        new_customer=claim.new_customer,
        taxes_included=claim.taxes_included,
    )


def adjustment(claim: AdjustmentClaim, caller: Caller) -> OrderAdjusted:
    """The event of an adjustment. Its natural key is the conversion and the adjustment's own id."""
    occurred_at, late = clamped(claim.occurred_at, caller.now)
    natural_key = joined(claim.conversion_kind, claim.natural_id, claim.adjustment_id)
    return OrderAdjusted(
        event_id=natural_event_id(caller, "order_adjusted", natural_key),
        workspace_id=caller.workspace_id,
        occurred_at=occurred_at,
        received_at=caller.now,
        source=caller.source,
        quality=late,
        conversion_kind=claim.conversion_kind,
        natural_id=claim.natural_id,
        adjustment_id=claim.adjustment_id,
        kind=claim.kind,
        amount_minor=claim.amount_minor,
        net_after_minor=claim.net_after_minor,
        tax_minor=claim.tax_minor,
        capped=claim.capped,
        currency=claim.currency,
    )
