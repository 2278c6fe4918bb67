"""The SQL of social counts in the fold: reports as they came, and the changes that follow.

Promise: every function runs in the caller's transaction, which holds the locks of the workspaces
that it names. Each statement serves many placements, and reads as many reports of one as count.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.rollup import Row
from services.roi.domain.social_counts import REPORTS_MAX, Told
from services.roi.store.rollups import Workspace, rollup_statements, zones_of
from shared.credits import COUNT_NAMES
from shared.db.engine import driver

REPORT_COLUMNS: Final = (
    "sequence",
    "position",
    "workspace_id",
    "account",
    "source",
    "quality",
    "counted_at",
    "received_at",
    "event_id",
    *COUNT_NAMES,
    "recorded_at",
    "known_at",
    "recorded_day",
)
CHANGE_COLUMNS: Final = (
    "sequence",
    "position",
    "workspace_id",
    "account",
    "metric",
    "counted_at",
    "change",
    "reports",
    "fallen",
    "recorded_at",
    "known_at",
    "recorded_day",
)
REPORTS_STAGING: Final = "social_counts_staging"
CHANGES_STAGING: Final = "count_changes_staging"
STAGING_TABLES: Final = tuple(
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ON COMMIT DELETE ROWS"
    f" AS SELECT * FROM roi.{table} WITH NO DATA"
    for name, table in ((REPORTS_STAGING, "social_counts"), (CHANGES_STAGING, "count_changes"))
)
STORE_REPORTS: Final = (
    f"INSERT INTO roi.social_counts ({', '.join(REPORT_COLUMNS)})"
    f" SELECT {', '.join(REPORT_COLUMNS)} FROM {REPORTS_STAGING}"
)
STORE_CHANGES: Final = (
    f"INSERT INTO roi.count_changes ({', '.join(CHANGE_COLUMNS)})"
    f" SELECT {', '.join(CHANGE_COLUMNS)} FROM {CHANGES_STAGING}"
)
# The placements that the catalog has, and of each the reports that stand, the newest first.
STANDING: Final = f"""
SELECT asked.workspace_id, asked.account, told.* FROM
    unnest($1::uuid[], $2::uuid[]) AS asked (workspace_id, account)
CROSS JOIN LATERAL (
    SELECT FROM roi.entities AS e
    WHERE e.id = asked.account AND e.workspace_id = asked.workspace_id AND e.entity = 'placement'
    LIMIT 1
) AS known
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (s.counted_at, s.source) s.source, s.quality, s.counted_at, s.received_at,
           s.event_id, {", ".join(f"s.{name}" for name in COUNT_NAMES)}
    FROM roi.social_counts AS s
    WHERE s.workspace_id = asked.workspace_id AND s.account = asked.account
    ORDER BY s.counted_at DESC, s.source, s.received_at DESC, s.event_id DESC
    LIMIT $3
) AS told ON true
"""
ADD_COUNTS_TO: Final = """
INSERT INTO roi.{rollups} AS r
       (bucket_on, workspace_id, generation, metric, {recorded_day} account,
        change, reports, fallen)
SELECT {bucket}, e.workspace_id, zone.generation, e.metric, {e_recorded_day} e.account,
       sum(e.change), sum(e.reports), sum(e.fallen)
FROM {source} AS e
JOIN unnest($1::uuid[], $2::text[], $3::integer[]) AS zone (workspace_id, time_zone, generation)
  ON zone.workspace_id = e.workspace_id
CROSS JOIN LATERAL (SELECT (e.counted_at AT TIME ZONE zone.time_zone)::date AS bucket_on) AS local
GROUP BY {bucket}, e.workspace_id, zone.generation, e.metric, {e_recorded_day} e.account
ON CONFLICT (bucket_on, workspace_id, generation, metric, {recorded_day} account)
DO UPDATE SET change = r.change + excluded.change, reports = r.reports + excluded.reports,
              fallen = r.fallen + excluded.fallen
"""
ADD_COUNTS: Final = rollup_statements(ADD_COUNTS_TO, "count_rollups", CHANGES_STAGING)

Account = tuple[UUID, UUID]
"""Workspace and placement."""


async def standing_reports(
    conn: AsyncConnection, accounts: Sequence[Account]
) -> dict[Account, list[Told]]:
    """Return the reports that stand of each of these placements that the catalog has."""
    connection = await driver(conn)
    workspaces, placements = zip(*accounts, strict=True)
    rows = await connection.fetch(STANDING, workspaces, placements, REPORTS_MAX)
    found: defaultdict[Account, list[Told]] = defaultdict(list)
    for row in rows:
        reports = found[row["workspace_id"], row["account"]]
        if row["source"] is not None:
            reports.append(_told(row))
    return dict(found)


def _told(row: Any) -> Told:
    return Told(
        row["source"],
        row["quality"],
        row["counted_at"],
        row["received_at"],
        str(row["event_id"]),
        tuple(row[name] for name in COUNT_NAMES),
    )


async def store_reports(conn: AsyncConnection, reports: Sequence[Row]) -> None:
    """Store reports as they came; call it after `standing_reports`."""
    connection = await driver(conn)
    for statement in STAGING_TABLES:
        await connection.execute(statement)
    await connection.copy_records_to_table(REPORTS_STAGING, records=reports, columns=REPORT_COLUMNS)
    await connection.execute(STORE_REPORTS)


async def add_changes(
    conn: AsyncConnection, changes: Sequence[Row], workspaces: Mapping[str, Workspace]
) -> None:
    """Store changes and add them to the rollups; call it after `store_reports`."""
    connection = await driver(conn)
    await connection.copy_records_to_table(CHANGES_STAGING, records=changes, columns=CHANGE_COLUMNS)
    await connection.execute(STORE_CHANGES)
    for statement in ADD_COUNTS:
        await connection.execute(statement, *zones_of(workspaces))
