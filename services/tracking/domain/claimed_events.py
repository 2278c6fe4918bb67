"""Events of conversion and adjustment claims, and the rules that all claims share.

Promise: the same claim from the same source class always gives the same event id, except for a
claim without any identity. No event holds a text that may name a person (`stored_fields`). Times
too far in the future are clamped, and click ids that Laurel did not sign are dropped; both are
flagged. A public key speaks only for its browser, now: its events have no e-mail and no customer
but a proven one, their time is at most 5 minutes off, and another content gives another event id,
so no event of a public key can conflict with another event.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from msgspec import Struct, structs

from services.tracking.domain.claims import (
    AdjustmentClaim,
    Caller,
    ConversionClaim,
    Flaw,
    Lookups,
    NoticeClaim,
    PersonClaim,
    Rejected,
    StoreReport,
)
from services.tracking.domain.stored_fields import stored_codes, stored_key, stored_reference
from shared.events import (
    CONVERSIONS,
    AnyConversion,
    AnyEvent,
    ClickRef,
    Noticed,
    OrderAdjusted,
    Person,
    Quality,
    event_type,
    fingerprint,
)
from shared.ids import natural_id

# Clocks of shops and phones are wrong by seconds or minutes. A later time is a mistake, and an
# earlier one of a public key would let a stranger date a touch before an order.
CLOCK_ERROR_MAX: Final = timedelta(minutes=5)

# The id of an event whose id is still to be made from its content.
UNNAMED: Final = "00000000-0000-0000-0000-000000000000"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


AnyEventType = TypeVar("AnyEventType", bound=AnyEvent)


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


def with_id(event: AnyEventType, caller: Caller, natural_key: str | None) -> AnyEventType:
    """Return the event with its id: of its natural key, or a new one when it has none.

    With a public key a stranger can send any natural key, so the content of the event is part of
    the id. No sender takes the id of another's event then. The event comes with the id `UNNAMED`.
    """
    if natural_key is None:
        return structs.replace(event, event_id=caller.fresh_id)
    if caller.is_public:
        natural_key = joined(natural_key, fingerprint(event).hex())
    return structs.replace(event, event_id=natural_event_id(caller, event_type(event), natural_key))


def dated(occurred_at: datetime, caller: Caller) -> tuple[datetime, tuple[Quality, ...]]:
    """Return the time of the event, and a flag if it is not the time that was sent.

    The time of a public key is when it was received, unless both are close.
    """
    late_by = caller.now - occurred_at
    if late_by < -CLOCK_ERROR_MAX or (caller.is_public and late_by > CLOCK_ERROR_MAX):
        return caller.now, (Quality.CLAMPED,)
    return occurred_at, ()


def in_store(claim: StoreReport, caller: Caller, lookups: Lookups) -> Caller | Rejected:
    """Return the caller in the store that the claim names, or the reason against the name.

    Without a name it is the first store. Where the workspace has several, that is doubtful, and the
    event of a conversion says so.
    """
    if claim.store is None:
        if not lookups.has_several_stores(caller.workspace_id):
            return caller
        return structs.replace(caller, flags=(Quality.UNNAMED_STORE,))
    store = lookups.store(caller.workspace_id, claim.store)
    if store is None:
        return Rejected((Flaw("store", "is not a store of this workspace"),))
    return structs.replace(caller, store=store)


def checked_person(claim: PersonClaim, caller: Caller, lookups: Lookups) -> CheckedPerson:
    """Return the keys of a person, with every value that may name the person hashed.

    A click id that Laurel did not sign, or that belongs to another workspace, is dropped, and
    flagged if there is no genuine one. As a key it would join all people whose page sent the word
    "undefined". A public key names no customer without a proof: a stranger could name any. Proofs
    were checked before (`proofs`).
    """
    workspace_id = caller.workspace_id
    click_id, click, flags = _read_click(claim, workspace_id, lookups)
    visitor_id = stored_key(claim.visitor_id, caller, lookups)
    if caller.is_public:
        proven = claim.customer_id if claim.proof is not None else None
        person = Person(
            visitor_id=visitor_id,
            click_id=click_id,
            customer_id=stored_key(proven, caller, lookups),
            is_proven=proven is not None,
        )
        return CheckedPerson(person, click, flags)
    email_hash = None if claim.email is None else lookups.email_hash(workspace_id, claim.email)
    person = Person(
        visitor_id=visitor_id,
        click_id=click_id,
        customer_id=stored_key(claim.customer_id, caller, lookups),
        email_hash=email_hash,
    )
    return CheckedPerson(person, click, flags)


def _read_click(
    claim: PersonClaim, workspace_id: str, lookups: Lookups
) -> tuple[str | None, ClickRef | None, tuple[Quality, ...]]:
    """Return the first genuine click id; a flag if there are only others."""
    sent = (*(() if claim.click_id is None else (claim.click_id,)), *claim.click_ids)
    for click_id in sent:
        found = lookups.click(click_id)
        # The record of an unknown link can still be on its way here. Attribution checks it again.
        if found and lookups.link_workspace(found.link_id) in (workspace_id, None):
            return click_id, ClickRef(found.link_id, found.occurred_at), ()
    return None, None, (Quality.FOREIGN_CLICK_ID,) if sent else ()


def conversion(claim: ConversionClaim, caller: Caller, lookups: Lookups) -> AnyConversion:
    """Return the event of a conversion.

    Its natural key is the adapter's if it gave one, else the order id or conversion id.
    """
    occurred_at, late = dated(claim.occurred_at, caller)
    checked = checked_person(claim.person, caller, lookups)
    event = CONVERSIONS[claim.kind].event(
        event_id=UNNAMED,
        workspace_id=caller.workspace_id,
        occurred_at=occurred_at,
        received_at=caller.now,
        source=caller.source,
        store=caller.store,
        person=checked.person,
        quality=late + checked.flags + caller.flags,
        natural_id=stored_reference(claim.natural_id, caller, lookups),
        net_minor=claim.net_minor,
        currency=claim.currency,
        version=microseconds(claim.occurred_at) if claim.version is None else claim.version,
        # The codes of a past order earn nothing, so none of them is to be looked at.
        codes=() if claim.history else stored_codes(claim.codes, caller, lookups),
        click=checked.click,
        new_customer=claim.new_customer,
        taxes_included=claim.taxes_included,
        claim_token_hash=_token_hash(claim.claim_token, caller, lookups),
        tie_break=claim.tie_break,
        cancelled=claim.cancelled,
        test=claim.test,
        unpaid=claim.unpaid,
        customer_orders=claim.customer_orders,
        history=claim.history,
    )
    return with_id(event, caller, claim.natural_key or claim.natural_id)


def _token_hash(token: str | None, caller: Caller, lookups: Lookups) -> str | None:
    return None if token is None else lookups.claim_token_hash(caller.workspace_id, token)


def adjustment(claim: AdjustmentClaim, caller: Caller, lookups: Lookups) -> OrderAdjusted:
    """Return the event of an adjustment. No public key may send one.

    Its natural key is the adapter's if it gave one, else made of the conversion's kind and id and
    of the adjustment's own id.
    """
    occurred_at, late = dated(claim.occurred_at, caller)
    natural_key = claim.natural_key or joined(
        claim.conversion_kind, claim.natural_id, claim.adjustment_id
    )
    return OrderAdjusted(
        event_id=natural_event_id(caller, "order_adjusted", natural_key),
        workspace_id=caller.workspace_id,
        occurred_at=occurred_at,
        received_at=caller.now,
        source=caller.source,
        store=caller.store,
        quality=late + caller.flags,
        conversion_kind=claim.conversion_kind,
        natural_id=stored_reference(claim.natural_id, caller, lookups),
        adjustment_id=stored_reference(claim.adjustment_id, caller, lookups),
        kind=claim.kind,
        amount_minor=claim.amount_minor,
        net_after_minor=claim.net_after_minor,
        tax_minor=claim.tax_minor,
        capped=claim.capped,
        currency=claim.currency,
        version=claim.version,
        pending=claim.pending,
    )


def notice(claim: NoticeClaim, caller: Caller, lookups: Lookups) -> Noticed:
    """Return the event of a delivery that changes no figure."""
    reference = claim.reference
    return Noticed(
        event_id=natural_event_id(caller, "noticed", claim.natural_key),
        workspace_id=caller.workspace_id,
        occurred_at=caller.now,
        received_at=caller.now,
        source=caller.source,
        store=caller.store,
        vendor=caller.source_class,
        topic=claim.topic,
        task=claim.task,
        reference=None if reference is None else stored_reference(reference, caller, lookups),
    )
