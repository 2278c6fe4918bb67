"""Survey answers: whom a person named, and what is stored of the words.

Promise: an answer names a placement when it names a creator or a placement by id, or when its words
are the name or a handle of exactly one creator. Other words are sealed and never stored in clear.
The same answer about the same order has the same event id.
"""

import unicodedata
from typing import Any

from services.tracking.domain.claimed_events import joined
from services.tracking.domain.claims import Caller, Lookups, TouchClaim
from services.tracking.domain.stored_fields import stored_platform, stored_reference
from shared.events import Surveyed
from shared.ids import automatic_placement_id


def spoken_name(text: str) -> str:
    """Return the form in which names and handles are compared: no case, no `@`, single blanks."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.split()).removeprefix("@")


def surveyed(
    claim: TouchClaim, caller: Caller, lookups: Lookups, common: dict[str, Any]
) -> Surveyed:
    """Return the event of an answer. `common` are the fields of every event."""
    workspace_id, words = caller.workspace_id, claim.answer
    named = claim.placement_id
    if claim.creator_id is not None:
        named = automatic_placement_id(workspace_id, claim.creator_id)
    if named is None and words is not None:
        named = lookups.named_placement(workspace_id, spoken_name(words))
    token, order_id, platform = claim.claim_token, claim.order_id, claim.platform
    return Surveyed(
        placement_id=named,
        natural_id=None if order_id is None else stored_reference(order_id, caller, lookups),
        platform=None if platform is None else stored_platform(platform, caller, lookups),
        sealed_answer=lookups.sealed(workspace_id, words) if words and named is None else None,
        answer_hash=None if words is None else lookups.text_hash(workspace_id, words),
        claim_token_hash=None if token is None else lookups.claim_token_hash(workspace_id, token),
        **common,
    )


def answer_key(claim: TouchClaim) -> str | None:
    """Return the natural key of an answer about an order; None without an order."""
    if claim.order_id is None:
        return None
    said = (claim.answer, claim.creator_id, claim.placement_id, claim.platform)
    given_at = claim.occurred_at.isoformat()
    return joined("answer", claim.order_id, given_at, *(part or "" for part in said))
