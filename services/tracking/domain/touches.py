"""Events of claimed evidence: clicks, views, visits, engagement, identities, referrals, surveys.

Promise: a click with a click id gets its event id from it. Any other event gets it from the id or
retry key of its sender, else it is new. With a public key, the content is part of the id. A page
address is stored without query and fragment, because they often contain e-mail addresses and names.
What can go wrong: a link code that the workspace does not have is rejected.
"""

from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from services.tracking.domain.claimed_events import (
    UNNAMED,
    CheckedPerson,
    checked_person,
    dated,
    joined,
    with_id,
)
from services.tracking.domain.claims import Caller, Flaw, Lookups, PersonClaim, Rejected, TouchClaim
from services.tracking.domain.click_ids import click_ids_in
from services.tracking.domain.stored_fields import (
    stored_action,
    stored_code,
    stored_page,
    stored_reference,
)
from services.tracking.domain.survey_answers import answer_key, surveyed
from shared.events import (
    AnyEvent,
    Clicked,
    Engaged,
    Identified,
    Person,
    Referred,
    Viewed,
    Visited,
)
from shared.private_texts import plain_spelling


def bare_page(address: str) -> str | None:
    """Return an address without user info, query and fragment; None when it is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else parts.path or None


def touch(claim: TouchClaim, caller: Caller, lookups: Lookups) -> AnyEvent | Rejected:
    """Return the event of one piece of evidence, or the reason against it."""
    occurred_at, late = dated(claim.occurred_at, caller)
    checked = checked_person(_with_page_click(claim), caller, lookups)
    if claim.type == "identified" and checked.person == Person():
        needed = "visitor_id or click_id: a public key names no customer"
        message = f"give {needed if caller.is_public else 'at least one key of the person'}"
        return Rejected((Flaw("person", message),))
    link_id = None
    if claim.type == "clicked":
        link_id = lookups.link_id(caller.workspace_id, claim.link)
        if link_id is None:
            return Rejected((Flaw("link", "is not a link of this workspace"),))
    common: dict[str, Any] = {
        "event_id": UNNAMED,
        "workspace_id": caller.workspace_id,
        "occurred_at": occurred_at,
        "received_at": caller.now,
        "source": caller.source,
        "store": caller.store,
        "person": checked.person,
        "quality": late + checked.flags + lookups.agent_flags(claim.user_agent or ""),
    }
    if link_id is not None:
        event: AnyEvent = Clicked(link_id=link_id, **common)
    else:
        event = _without_link(claim, caller, lookups, checked, common)
    return with_id(event, caller, _natural_key(event, claim, caller))


def _without_link(
    claim: TouchClaim,
    caller: Caller,
    lookups: Lookups,
    checked: CheckedPerson,
    common: dict[str, Any],
) -> AnyEvent:
    match claim.type:
        case "viewed":
            return Viewed(placement_id=claim.placement_id or "", **common)
        case "surveyed":
            return surveyed(claim, caller, lookups, common)
        case "visited":
            page = _page(claim.page, caller, lookups)
            return Visited(page=page, click=checked.click, **common)
        case "engaged":
            return _engaged(claim, caller, lookups, common)
        case "referred":
            return Referred(code=stored_code(claim.code, caller, lookups), **common)
        case "identified" | "clicked":
            return Identified(**common)


def _page(sent: str | None, caller: Caller, lookups: Lookups) -> str | None:
    address = None if sent is None else bare_page(sent)
    if sent is None or address is None:
        return None
    plain = plain_spelling(sent)
    return stored_page(address, None if plain is None else bare_page(plain), caller, lookups)


def _engaged(
    claim: TouchClaim, caller: Caller, lookups: Lookups, common: dict[str, Any]
) -> Engaged:
    product = claim.product_id
    return Engaged(
        action=stored_action(claim.action, caller, lookups),
        product_id=None if product is None else stored_reference(product, caller, lookups),
        **common,
    )


def _with_page_click(claim: TouchClaim) -> PersonClaim:
    """Return the keys of the person with the click ids in the address of the page."""
    return structs.replace(claim.person, click_ids=click_ids_in(claim.page))


def _natural_key(event: AnyEvent, claim: TouchClaim, caller: Caller) -> str | None:
    """Return the click id of a click, else the sender's own id, else its retry key.

    An answer about an order without them has its content as key.
    """
    if claim.type == "clicked" and event.person.click_id is not None:
        return event.person.click_id
    if claim.event_id is not None:
        return joined("event_id", claim.event_id)
    if caller.retry_key is not None:
        return joined("retry_key", caller.retry_key)
    return answer_key(claim) if claim.type == "surveyed" else None
