"""Events of claimed evidence: clicks, views, visits, engagement, identities, referrals, surveys.

Promise: a click with a click id gets its event id from it. Any other event gets it from the id or
retry key of its sender, else it is new. A page address is stored without query and fragment,
because they often contain e-mail addresses and names.
What can go wrong: a link code that the workspace does not have is rejected.
"""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from services.tracking.domain.claimed_events import (
    CheckedPerson,
    checked_person,
    clamped,
    natural_event_id,
    offered_event_id,
)
from services.tracking.domain.claims import Caller, Flaw, Lookups, PersonClaim, Rejected, TouchClaim
from shared.catalog import normalise_code
from shared.events import (
    AnyEvent,
    Clicked,
    Engaged,
    Identified,
    Person,
    Referred,
    Surveyed,
    Viewed,
    Visited,
)

CLICK_PARAMETER = "lclid"
_QUERY_FIELDS_MAX = 200  # no shop's address has more; a longer query is not parsed


def click_parameter(address: str | None) -> str | None:
    """Return the click id in the query of an address; None when there is none."""
    if not address or CLICK_PARAMETER not in address:
        return None
    try:
        query = urlsplit(address).query
        pairs = parse_qsl(query, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError:
        return None
    return next((value for name, value in reversed(pairs) if name == CLICK_PARAMETER), None)


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
    occurred_at, late = clamped(claim.occurred_at, caller.now)
    checked = checked_person(_with_page_click(claim), caller.workspace_id, lookups)
    if claim.type == "identified" and checked.person == Person():
        return Rejected((Flaw("person", "give at least one key of the person"),))
    link_id = None
    if claim.type == "clicked":
        link_id = lookups.link_id(caller.workspace_id, claim.link)
        if link_id is None:
            return Rejected((Flaw("link", "is not a link of this workspace"),))
    common: dict[str, Any] = {
        "event_id": _event_id(claim, caller, checked),
        "workspace_id": caller.workspace_id,
        "occurred_at": occurred_at,
        "received_at": caller.now,
        "source": caller.source,
        "person": checked.person,
        "quality": late + checked.flags + lookups.agent_flags(claim.user_agent or ""),
    }
    if link_id is not None:
        return Clicked(link_id=link_id, **common)
    return _without_link(claim, checked, common)


def _without_link(claim: TouchClaim, checked: CheckedPerson, common: dict[str, Any]) -> AnyEvent:
    match claim.type:
        case "viewed":
            return Viewed(placement_id=claim.placement_id, **common)
        case "surveyed":
            return Surveyed(placement_id=claim.placement_id, **common)
        case "visited":
            page = None if claim.page is None else bare_page(claim.page)
            return Visited(page=page, click=checked.click, **common)
        case "engaged":
            return Engaged(action=claim.action, product_id=claim.product_id, **common)
        case "referred":
            return Referred(code=normalise_code(claim.code), **common)
        case "identified" | "clicked":
            return Identified(**common)


def _with_page_click(claim: TouchClaim) -> PersonClaim:
    person = claim.person
    if person.click_id is not None:
        return person
    return PersonClaim(
        person.visitor_id, click_parameter(claim.page), person.customer_id, person.email
    )


def _event_id(claim: TouchClaim, caller: Caller, checked: CheckedPerson) -> str:
    if claim.type == "clicked" and checked.person.click_id is not None:
        return natural_event_id(caller, claim.type, checked.person.click_id)
    return offered_event_id(caller, claim.type, claim.event_id)
