"""Repeat clicks that were counted are counted apart, and every conversion is decided again.

A record of each workspace with repeat clicks moves their counts from `counted` to `flagged`, so the
published counts are those of the rule that holds now. The rule, the owner of a link and the form of
the record are written out here, because a migration does not change with the service.
What can go wrong: the downgrade moves all counts back by the facts of then.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

from shared.catalog import Link, Placement, decode_catalog
from shared.credits import ORGANIC, Tally, TouchesTallied, encode_credits
from shared.log.topics import CREDITS

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

DECIDE_AGAIN = """
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, 'new_rules' FROM attribution.conversions ON CONFLICT DO NOTHING
"""
REPEATS = """
SELECT workspace_id::text, link_id::text, occurred_at FROM (
    SELECT workspace_id, link_id, occurred_at,
           occurred_at - lag(occurred_at) OVER (
               PARTITION BY workspace_id, anon_key, link_id,
                            coalesce(source_kind IN ('edge', 'secret', 'webhook'), false)
               ORDER BY occurred_at, event_id
           ) <= interval '10 seconds' AS is_repeat
    FROM attribution.touches
    WHERE kind = 'click' AND link_id IS NOT NULL AND anon_key IS NOT NULL
      AND substring(anon_key FROM 1 FOR 1) <> 'k'::bytea
      AND NOT quality && ARRAY['bot', 'prefetch', 'preview']
) AS clicks
WHERE is_repeat
ORDER BY 1, 2, 3
"""
FACTS = """
SELECT record FROM attribution.catalog
WHERE workspace_id = CAST(:workspace AS uuid) AND entity IN ('link', 'placement')
"""
STAMP = """
UPDATE attribution.workspaces
SET last_sequence = last_sequence + 1,
    last_recorded_at = greatest(now(), last_recorded_at + interval '1 microsecond')
WHERE workspace_id = CAST(:workspace AS uuid) RETURNING last_sequence, last_recorded_at
"""
PUBLISH = """
INSERT INTO attribution.outbox (workspace_id, topic, key, value, sequence)
VALUES (CAST(:workspace AS uuid), :topic, :key, :value, :sequence)
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("touches", "conversions", "recomputes", "catalog", "outbox")
TALLIES_MAX = 5_000
QUARTER_SECONDS = 15 * 60

# Account, start of the quarter of an hour, and link.
Slot = tuple[str, datetime, str]


def upgrade() -> None:
    """Count repeats apart, and queue every conversion."""
    _change(sign=1)


def downgrade() -> None:
    """Count repeats like other clicks, and queue every conversion."""
    _change(sign=-1)


def _change(sign: int) -> None:
    # A writer has read its counters, or it waits: a number is never given twice.
    op.execute("LOCK TABLE attribution.workspaces IN ACCESS EXCLUSIVE MODE")
    _force(is_forced=False)
    connection = op.get_bind()
    clicks: dict[str, list[tuple[str, datetime]]] = {}
    for workspace, link_id, clicked_at in connection.execute(sa.text(REPEATS)).all():
        clicks.setdefault(workspace, []).append((link_id, clicked_at.astimezone(UTC)))
    for workspace, repeats in clicks.items():
        _publish(connection, workspace, _slots(connection, workspace, repeats), sign)
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)


def _slots(
    connection: Connection, workspace: str, repeats: Iterable[tuple[str, datetime]]
) -> Counter[Slot]:
    """Return the number of repeats of each slot."""
    rows = connection.execute(sa.text(FACTS), {"workspace": workspace}).all()
    records = [decode_catalog(bytes(record)) for (record,) in rows]
    links = {record.id: record for record in records if isinstance(record, Link)}
    placements = {record.id for record in records if isinstance(record, Placement)}
    slots: Counter[Slot] = Counter()
    for link_id, clicked_at in repeats:
        owner = _owner(links.get(link_id), clicked_at)
        account = owner if owner in placements else ORGANIC
        seconds = int(clicked_at.timestamp()) // QUARTER_SECONDS * QUARTER_SECONDS
        slots[account, datetime.fromtimestamp(seconds, UTC), link_id] += 1
    return slots


def _owner(link: Link | None, moment: datetime) -> str:
    """Return the placement of a link at a time; an archived link has none afterwards."""
    if link is None or (link.deleted_at is not None and moment >= link.deleted_at):
        return ORGANIC
    owners = (period.placement_id for period in link.periods if period.covers(moment))
    return next(owners, ORGANIC)


def _publish(connection: Connection, workspace: str, slots: Counter[Slot], sign: int) -> None:
    ordered = sorted(slots.items())
    for start in range(0, len(ordered), TALLIES_MAX):
        sequence, recorded_at = connection.execute(sa.text(STAMP), {"workspace": workspace}).one()
        record = TouchesTallied(
            workspace_id=workspace,
            sequence=sequence,
            recorded_at=recorded_at,
            tallies=_tallies(ordered[start : start + TALLIES_MAX], sign),
        )
        published = {
            "workspace": workspace,
            "topic": CREDITS.name,
            "key": workspace.encode(),
            "value": encode_credits(record),
            "sequence": sequence,
        }
        connection.execute(sa.text(PUBLISH), published)


def _tallies(slots: Sequence[tuple[Slot, int]], sign: int) -> tuple[Tally, ...]:
    return tuple(
        Tally(
            account=account,
            kind="click",
            stage="consideration",
            quarter_at=quarter_at,
            counted=-sign * count,
            flagged=sign * count,
            link_id=link_id,
        )
        for (account, quarter_at, link_id), count in slots
    )


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE attribution.{table} {word} ROW LEVEL SECURITY")
