"""Records of social counts as attribution publishes them, for tests of folds and answers."""

from datetime import datetime

from shared.credits import CountReport, CountsReported, SocialCounts
from shared.events import CountQuality
from shared.ids import new_id


def counts_record(
    numbered: tuple[str, int, datetime],
    placement: str,
    counted_at: datetime,
    *,
    received_at: datetime | None = None,
    source: str = "Instagram",
    quality: CountQuality = "observed",
    import_id: str | None = None,
    **counts: int,
) -> CountsReported:
    """Return one report, received when it was recorded by default.

    `numbered` are the workspace, the number and the moment of the record.
    """
    workspace_id, sequence, recorded_at = numbered
    report = CountReport(
        event_id=new_id(),
        placement_id=placement,
        source=source,
        quality=quality,
        counted_at=counted_at,
        received_at=received_at or recorded_at,
        counts=SocialCounts(**counts),
        import_id=import_id,
    )
    return CountsReported(
        workspace_id=workspace_id, sequence=sequence, recorded_at=recorded_at, reports=(report,)
    )
