"""Makes events from claimed evidence: clicks, views, visits, engagement, identities and the like.

Promise: such an event has the id its sender gave it, else a fresh one. A page is kept without its
query and fragment, where addresses and names travel. What can go wrong: a link code that is not
the workspace's is rejected.
"""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from services.tracking.domain.claimed_events import (
    Known,
    clamped,
    known_person,
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
_QUERY_FIELDS_MAX = 200  # a page address with more is not read further: it belongs to nobody's shop


def click_parameter(address: str | None) -> str | None:
    """The click id in an address' query, wherever the storefront keeps that address."""
    if not address or CLICK_PARAMETER not in address:
        return None
    try:
        query = urlsplit(address).query
        pairs = parse_qsl(query, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError:
        return None
    return next((value for name, value in reversed(pairs) if name == CLICK_PARAMETER), None)


def bare_page(address: str) -> str | None:
    """An address without user info, query and fragment; None when it is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else parts.path or None


def touch(claim: TouchClaim, caller: Caller, lookups: Lookups) -> AnyEvent | Rejected:
    """The event of one piece of evidence."""
    occurred_at, late = clamped(claim.occurred_at, caller.now)
    known = known_person(_with_page_click(claim), caller.workspace_id, lookups)
    if claim.type == "identified" and known.person == Person():
        return Rejected((Flaw("person", "give at least one key of the person"),))
    common: dict[str, Any] = {
        "event_id": _event_id(claim, caller, known),
        "workspace_id": caller.workspace_id,
        "occurred_at": occurred_at,
        "received_at": caller.now,
        "source": caller.source,
        "person": known.person,
        "quality": late + known.flags + lookups.agent_flags(claim.user_agent or ""),
    }
    if claim.type == "clicked":
        link_id = lookups.link_id(caller.workspace_id, claim.link)
        if link_id is None:
            return Rejected((Flaw("link", "is not a link of this workspace"),))
        return Clicked(link_id=link_id, **common)
    return _without_link(claim, known, common)


def _without_link(claim: TouchClaim, known: Known, common: dict[str, Any]) -> AnyEvent:
    match claim.type:
        case "viewed":
            return Viewed(placement_id=claim.placement_id, **common)
        case "surveyed":
            return Surveyed(placement_id=claim.placement_id, **common)
        case "visited":
            page = None if claim.page is None else bare_page(claim.page)
            return Visited(page=page, click=known.click, **common)
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


def _event_id(claim: TouchClaim, caller: Caller, known: Known) -> str:
    if claim.type == "clicked" and known.person.click_id is not None:
        return natural_event_id(caller, claim.type, known.person.click_id)
    return offered_event_id(caller, claim.type, claim.event_id)
