"""Events of conversion and adjustment claims, and the rules that all claims share.

Promise: the same claim from the same source class always gives the same event id, except for a
claim without any identity. E-mail addresses are hashed, so no event contains one in clear. Times
too far in the future are clamped, and click ids that Laurel did not sign are dropped; both are
flagged.
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

# Clocks of shops and phones are fast by seconds or minutes. A later time is a mistake.
FUTURE_MAX: Final = timedelta(minutes=5)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class CheckedPerson(Struct, frozen=True):
    """The keys of a person after the checks: hashed e-mail, verified click id, quality flags."""

    person: Person
    click: ClickRef | None
    flags: tuple[Quality, ...]


def microseconds(moment: datetime) -> int:
    """Return the whole microseconds from 1970 to a time."""
    return (moment - _EPOCH) // _MICROSECOND


def joined(*parts: str) -> str:
    """Return one natural key of several parts.

    Each part has its length in front, so different lists of parts give different keys.
    """
    return "".join(f"{len(part)}:{part}" for part in parts)


def natural_event_id(caller: Caller, event_type: str, natural_key: str) -> str:
    """Return the id of an event that has a natural key."""
    return natural_id(
        caller.workspace_id, caller.source_class, event_type, natural_key, store=caller.store
    )


def offered_event_id(caller: Caller, event_type: str, event_id: str | None) -> str:
    """Return the id of an event without a natural key.

    It is made of the caller's own event id, else of the retry key, else it is a new id.
    """
    if event_id is not None:
        return natural_event_id(caller, event_type, joined("event_id", event_id))
    if caller.retry_key is not None:
        return natural_event_id(caller, event_type, joined("retry_key", caller.retry_key))
    return caller.fresh_id


def clamped(occurred_at: datetime, now: datetime) -> tuple[datetime, tuple[Quality, ...]]:
    """Return the time of the event, and a flag if it is not the time that was sent."""
    if occurred_at > now + FUTURE_MAX:
        return now, (Quality.CLAMPED,)
    return occurred_at, ()


def checked_person(claim: PersonClaim, workspace_id: str, lookups: Lookups) -> CheckedPerson:
    """Return the keys of a person, with every value that looks like an e-mail address hashed.

    A click id that Laurel did not sign, or that belongs to another workspace, is flagged and
    dropped. As a key it would join all people whose page sent the word "undefined".
    """
    email_hash = None if claim.email is None else lookups.email_hash(workspace_id, claim.email)
    click_id, click, flags = _read_click(claim.click_id, workspace_id, lookups)
    person = Person(
        visitor_id=_pseudonym(claim.visitor_id, workspace_id, lookups),
        click_id=click_id,
        customer_id=_pseudonym(claim.customer_id, workspace_id, lookups),
        email_hash=email_hash,
    )
    return CheckedPerson(person, click, flags)


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
    # The record of an unknown link can still be on its way here. Attribution checks it again.
    if found is None or lookups.link_workspace(found.link_id) not in (workspace_id, None):
        return None, None, (Quality.FOREIGN_CLICK_ID,)
    return click_id, ClickRef(found.link_id, found.occurred_at), ()


def clean_codes(codes: Iterable[str]) -> tuple[str, ...]:
    """Return the normalised discount codes, each once, without values that cannot be codes."""
    normal = [normalise_code(code) for code in codes]
    return tuple(dict.fromkeys([c for c in normal if 0 < len(c) <= TEXT_LENGTH_MAX]))[:CODES_MAX]


def conversion(claim: ConversionClaim, caller: Caller, lookups: Lookups) -> AnyConversion:
    """Return the event of a conversion.

    Its natural key is the adapter's if it gave one, else the order id or conversion id.
    """
    struct = CONVERSIONS[claim.kind].event
    occurred_at, late = clamped(claim.occurred_at, caller.now)
    checked = checked_person(claim.person, caller.workspace_id, lookups)
    tag = struct.__struct_config__.tag
    return struct(
        event_id=natural_event_id(caller, str(tag), claim.natural_key or claim.natural_id),
        workspace_id=caller.workspace_id,
        occurred_at=occurred_at,
        received_at=caller.now,
        source=caller.source,
        person=checked.person,
        quality=late + checked.flags,
        natural_id=claim.natural_id,
        net_minor=claim.net_minor,
        currency=claim.currency,
        version=microseconds(claim.occurred_at) if claim.version is None else claim.version,
        codes=clean_codes(claim.codes),
        click=checked.click,
        new_customer=claim.new_customer,
        taxes_included=claim.taxes_included,
    )


def adjustment(claim: AdjustmentClaim, caller: Caller) -> OrderAdjusted:
    """Return the event of an adjustment.

    Its natural key is made of the conversion's kind and id and of the adjustment's own id.
    """
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
