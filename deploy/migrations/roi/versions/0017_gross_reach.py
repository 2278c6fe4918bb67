"""Changes of reach, made of the stored reports as if each record had been folded with them.

Promise: the changes of before have the moments of their records, so "as of T" shows the reach that
was told by T, and the rollups of each generation have them. The rule that finds them is written out
here, because a migration does not change with the service. The downgrade forgets the changes; a
later upgrade makes them of the reports again.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

REPORTS_MAX = 2_000
RANKS = {"observed": 0, "manual": 1, "estimated": 2}
# The owner is under the policies, too, and sees nobody's rows while they are forced.
FORCED = (
    "social_counts",
    "count_changes",
    "entities",
    "versions",
    "rollup_zones",
    "count_rollups",
    "count_rollups_monthly",
    "count_rollups_history",
)
# Placements that the catalog has and of which somebody told the reach.
ACCOUNTS = """
SELECT DISTINCT s.workspace_id::text AS workspace, s.account::text AS account
FROM roi.social_counts AS s
JOIN roi.entities AS e ON e.id = s.account AND e.workspace_id = s.workspace_id
WHERE s.reach IS NOT NULL AND e.entity = 'placement'
ORDER BY 1, 2
"""
REPORTS = """
SELECT sequence, source, quality, counted_at, received_at, event_id::text AS event_id, reach,
       recorded_at, known_at, recorded_day
FROM roi.social_counts
WHERE workspace_id = CAST(:workspace AS uuid) AND account = CAST(:account AS uuid)
ORDER BY sequence, position
"""
NEW_CHANGES = """
CREATE TEMPORARY TABLE reach_changes (
    sequence bigint, workspace_id uuid, account uuid, counted_at timestamptz, change bigint,
    reports bigint, fallen bigint, recorded_at timestamptz, known_at timestamptz, recorded_day date
) ON COMMIT DROP
"""
ADD_CHANGE = """
INSERT INTO reach_changes VALUES (
    :sequence, CAST(:workspace AS uuid), CAST(:account AS uuid), :counted_at, :change, :reports,
    :fallen, :recorded_at, :known_at, :recorded_day
)
"""
# They come behind the other changes of their record.
STORE_CHANGES = """
INSERT INTO roi.count_changes
       (sequence, position, workspace_id, account, metric, counted_at, change, reports, fallen,
        recorded_at, known_at, recorded_day)
SELECT r.sequence,
       coalesce((SELECT max(c.position) FROM roi.count_changes AS c
                 WHERE c.sequence = r.sequence AND c.workspace_id = r.workspace_id), -1)
       + row_number() OVER (PARTITION BY r.workspace_id, r.sequence
                            ORDER BY r.account, r.counted_at),
       r.workspace_id, r.account, 'reach', r.counted_at, r.change, r.reports, r.fallen,
       r.recorded_at, r.known_at, r.recorded_day
FROM reach_changes AS r
"""
# A generation that is being built has what became known up to `built_to`.
ADD_TO_ROLLUPS = """
WITH zones AS (
    SELECT v.entity_id AS workspace_id, coalesce(z.time_zone, v.facts ->> 'time_zone') AS time_zone,
           coalesce(z.generation, 0) AS generation, 'infinity'::timestamptz AS built_to
    FROM roi.versions AS v LEFT JOIN roi.rollup_zones AS z ON z.workspace_id = v.entity_id
    WHERE v.entity = 'workspace' AND v.superseded_at IS NULL
    UNION ALL
    SELECT workspace_id, next_time_zone, building, built_to FROM roi.rollup_zones
    WHERE next_time_zone IS NOT NULL AND built_to IS NOT NULL
)
INSERT INTO roi.{rollups}
       (bucket_on, workspace_id, generation, metric, {recorded_day} account,
        change, reports, fallen)
SELECT {bucket}, r.workspace_id, zones.generation, 'reach', {recorded_day} r.account,
       sum(r.change), sum(r.reports), sum(r.fallen)
FROM reach_changes AS r
JOIN zones ON zones.workspace_id = r.workspace_id AND r.known_at <= zones.built_to
CROSS JOIN LATERAL (SELECT (r.counted_at AT TIME ZONE zones.time_zone)::date AS bucket_on) AS local
GROUP BY {bucket}, r.workspace_id, zones.generation, {recorded_day} r.account
"""
ROLLUPS = (
    ("count_rollups", "bucket_on", ""),
    ("count_rollups_monthly", "date_trunc('month', bucket_on::timestamp)::date", ""),
    ("count_rollups_history", "bucket_on", "recorded_day,"),
)

# Of a moment: the change, its reports, and how far it falls.
Change = tuple[int, int, int]
NOTHING: Change = (0, 0, 0)


def upgrade() -> None:
    """Make the changes of reach of every placement, and add them to the rollups."""
    connection = op.get_bind()
    # The fold waits: a record is folded before or with its changes of reach.
    op.execute("LOCK TABLE roi.social_counts IN SHARE ROW EXCLUSIVE MODE")
    _force("NO FORCE")
    op.execute(NEW_CHANGES)
    for place in connection.execute(sa.text(ACCOUNTS)).mappings().all():
        reports = connection.execute(sa.text(REPORTS), dict(place)).mappings().all()
        rows = [{**place, **row} for row in _changes(reports)]
        if rows:
            connection.execute(sa.text(ADD_CHANGE), rows)
    op.execute(STORE_CHANGES)
    for rollups, bucket, recorded_day in ROLLUPS:
        statement = ADD_TO_ROLLUPS.format(rollups=rollups, bucket=bucket, recorded_day=recorded_day)
        op.execute(statement)
    op.execute("DROP TABLE reach_changes")
    _force("FORCE")


def downgrade() -> None:
    """Delete the changes of reach; the reports stay."""
    _force("NO FORCE")
    for table in ("count_changes", *(rollups for rollups, _, _ in ROLLUPS)):
        op.execute(f"DELETE FROM roi.{table} WHERE metric = 'reach'")
    _force("FORCE")


def _force(how: str) -> None:
    for table in FORCED:
        op.execute(f"ALTER TABLE roi.{table} {how} ROW LEVEL SECURITY")


def _changes(reports: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield what each record changes of the reach of one placement."""
    standing: dict[tuple[str, datetime], Any] = {}
    before: dict[datetime, Change] = {}
    for sequence, of_record in groupby(reports, key=lambda report: report["sequence"]):
        told = list(of_record)
        for report in told:
            place = report["source"], report["counted_at"]
            known = standing.get(place)
            if known is None or _version(known) < _version(report):
                standing[place] = report
        ordered = sorted(standing.values(), key=lambda report: report["source"])
        ordered.sort(key=lambda report: report["counted_at"], reverse=True)
        newest = ordered[:REPORTS_MAX]
        standing = {(one["source"], one["counted_at"]): one for one in newest}
        now = _of_moments(newest)
        for counted_at in sorted(before.keys() | now.keys()):
            pair = now.get(counted_at, NOTHING), before.get(counted_at, NOTHING)
            change, fewer, fallen = (new - old for new, old in zip(*pair, strict=True))
            if (change, fewer, fallen) != NOTHING:
                yield {
                    "sequence": sequence,
                    "counted_at": counted_at,
                    "change": change,
                    "reports": fewer,
                    "fallen": fallen,
                    **{name: told[0][name] for name in ("recorded_at", "known_at", "recorded_day")},
                }
        before = now


def _version(report: Any) -> tuple[datetime, str]:
    return report["received_at"], report["event_id"]


def _of_moments(newest_first: Iterable[Any]) -> dict[datetime, Change]:
    """Return the change at each moment, by the reports of the source that counts."""
    by_source: dict[str, list[Any]] = {}
    for report in newest_first:
        if report["reach"] is not None:
            by_source.setdefault(report["source"], []).append(report)
    if not by_source:
        return {}
    named = [by_source[name] for name in sorted(by_source)]
    best = min(RANKS[reports[0]["quality"]] for reports in named)
    ranked = [reports for reports in named if RANKS[reports[0]["quality"]] == best]
    counting = max(ranked, key=lambda reports: reports[0]["counted_at"])
    found: dict[datetime, Change] = {}
    last = 0
    for report in reversed(counting):
        change, last = report["reach"] - last, report["reach"]
        found[report["counted_at"]] = (change, 1, min(change, 0))
    return found
