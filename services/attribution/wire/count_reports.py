"""The report of social counts in a stored event, as it is published.

What can go wrong: bytes that are no event raise `EventRejected`.
"""

from datetime import UTC
from typing import Final

from shared.credits import COUNT_NAMES, CountReport, SocialCounts
from shared.events import SocialReported, decode_event, tag_of

SOCIAL_REPORTED: Final = tag_of(SocialReported)


def count_report(body: bytes) -> CountReport:
    """Return the counts that a stored event tells."""
    event = decode_event(body)
    assert isinstance(event, SocialReported), "only reports of counts have counts"
    return CountReport(
        event_id=event.event_id,
        placement_id=event.placement_id,
        source=event.source_name,
        quality=event.count_quality,
        counted_at=event.occurred_at.astimezone(UTC),
        received_at=event.received_at.astimezone(UTC),
        counts=SocialCounts(**{name: getattr(event, name) for name in COUNT_NAMES}),
        import_id=event.import_id,
    )
