"""Events of social counts: what one source tells about the counts of a placement so far.

Promise: the event id is made of placement, source, time and everything else that was sent. So the
same report twice is one event, and a corrected report is another one. What can go wrong: counts of
the future are rejected.
"""

from typing import Any

from msgspec import structs

from services.tracking.domain.claimed_events import (
    CLOCK_ERROR_MAX,
    UNNAMED,
    joined,
    natural_event_id,
)
from services.tracking.domain.claims import Caller, Flaw, Lookups, Rejected, SocialClaim
from services.tracking.domain.stored_fields import stored_reference
from shared.events import SocialReported, event_type, fingerprint


def social_report(
    claim: SocialClaim, caller: Caller, lookups: Lookups
) -> SocialReported | Rejected:
    """Return the event of reported counts, or the reason against it. No public key may send one."""
    if claim.as_of - caller.now > CLOCK_ERROR_MAX:
        return Rejected((Flaw("as_of", "lies in the future: counts are of a time before now"),))
    counts: dict[str, Any] = dict(claim.counts)
    event = SocialReported(
        event_id=UNNAMED,
        workspace_id=caller.workspace_id,
        occurred_at=claim.as_of,
        received_at=caller.now,
        source=caller.source,
        placement_id=claim.placement_id,
        source_name=stored_reference(claim.source, caller, lookups),
        count_quality=claim.quality,
        import_id=claim.import_id,
        **counts,
    )
    key = joined(
        claim.placement_id,
        event.source_name,
        claim.as_of.isoformat(),
        fingerprint(event).hex(),
    )
    return structs.replace(event, event_id=natural_event_id(caller, event_type(event), key))
