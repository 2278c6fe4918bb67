"""The SQL of social counts in the fold: reports as they came, and the changes that follow.

Promise: every function runs in the caller's transaction, which holds the locks of the workspaces
that it names. Each statement serves many placements, and reads as many reports of one as count.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from services.roi.domain.rollup import Row
from services.roi.domain.social_counts import REPORTS_MAX, Told
from services.roi.store.rollups import Workspace, rollup_statements, zones_of
from shared.credits import COUNT_NAMES

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
    "import_id",
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
STAGING_TABLES: Final = {
    name: f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ON COMMIT DELETE ROWS"
    f" AS SELECT * FROM roi.{table} WITH NO DATA"
    for name, table in ((REPORTS_STAGING, "social_counts"), (CHANGES_STAGING, "count_changes"))
}
STORE_REPORTS: Final = (
    f"INSERT INTO roi.social_counts ({', '.join(REPORT_COLUMNS)})"
    f" SELECT {', '.join(REPORT_COLUMNS)} FROM {REPORTS_STAGING}"
)
STORE_CHANGES: Final = (
    f"INSERT INTO roi.count_changes ({', '.join(CHANGE_COLUMNS)})"
    f" SELECT {', '.join(CHANGE_COLUMNS)} FROM {CHANGES_STAGING}"
)
# A report of an import that was undone does not count. Most reports belong to no import, and the
# first comparison is enough for them.
_COUNTS: Final = """
(s.import_id IS NULL OR NOT EXISTS (
    SELECT FROM roi.entities AS i
    WHERE i.id = s.import_id AND i.workspace_id = s.workspace_id AND i.entity = 'import'
      AND i.archived_at IS NOT NULL))
"""
UNDONE_IMPORTS: Final = """
SELECT id::text AS id, workspace_id::text AS workspace_id FROM roi.entities
WHERE id = ANY($2::uuid[]) AND workspace_id = ANY($1::uuid[]) AND entity = 'import'
  AND archived_at IS NOT NULL
"""
PLACEMENTS_OF_IMPORT: Final = """
SELECT DISTINCT account FROM roi.social_counts
WHERE workspace_id = $1 AND import_id = $2 ORDER BY account LIMIT $3
"""
# Of each source, placement and moment the report that counts.
STANDING_AT: Final = f"""
SELECT asked.place, told.* FROM unnest($2::uuid[], $3::text[], $4::timestamptz[])
    WITH ORDINALITY AS asked (account, source, counted_at, place)
CROSS JOIN LATERAL (
    SELECT s.quality, {", ".join(f"s.{name}" for name in COUNT_NAMES)}
    FROM roi.social_counts AS s
    WHERE s.workspace_id = $1 AND s.account = asked.account
      AND s.counted_at = asked.counted_at AND s.source = asked.source AND {_COUNTS}
    ORDER BY s.received_at DESC, s.event_id DESC LIMIT 1
) AS told
"""
# The placements that the catalog has, and of each the reports that stand, the newest first. $4: an
# import whose reports are left out, as after its undo.
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
      AND ($4::uuid IS NULL OR s.import_id IS DISTINCT FROM $4) AND {_COUNTS}
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

# An undo is known between two records: it has the number of the record before it.
NOTE_UNDO: Final = """
INSERT INTO roi.folded_records (sequence, undo, workspace_id, recorded_at, known_at)
SELECT $1::bigint, max(undo) + 1, $2::uuid, $3::timestamptz, $3 FROM roi.folded_records
WHERE sequence = $1 AND workspace_id = $2
"""
FIRST_POSITION: Final = """
SELECT coalesce(max(position) + 1, 0) FROM roi.count_changes
WHERE sequence = $1 AND workspace_id = $2
"""

Account = tuple[UUID, UUID]
"""Workspace and placement."""
Place = tuple[str, str, datetime]
"""Placement, source and moment, for which one report counts."""
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def undone_imports(
    pg: Connection, workspaces: Sequence[str], import_ids: Collection[str]
) -> set[tuple[str, str]]:
    """Return workspace and id of those of these imports that were undone."""
    rows = await pg.fetch(UNDONE_IMPORTS, workspaces, list(import_ids))
    return {(row["workspace_id"], row["id"]) for row in rows}


async def placements_of_import(
    pg: Connection, workspace_id: str, import_id: str, placements_max: int
) -> list[Account]:
    """Return the placements that the reports of an import are about, at most so many."""
    rows = await pg.fetch(PLACEMENTS_OF_IMPORT, workspace_id, import_id, placements_max)
    return [(UUID(workspace_id), row["account"]) for row in rows]


async def standing_reports(
    pg: Connection, accounts: Sequence[Account], *, without_import: str | None = None
) -> dict[Account, list[Told]]:
    """Return the reports that stand of each of these placements that the catalog has.

    `without_import`: as if this import was undone.
    """
    workspaces, placements = zip(*accounts, strict=True)
    rows = await pg.fetch(STANDING, workspaces, placements, REPORTS_MAX, without_import)
    found: defaultdict[Account, list[Told]] = defaultdict(list)
    for row in rows:
        reports = found[row["workspace_id"], row["account"]]
        if row["source"] is not None:
            reports.append(_told(row))
    return dict(found)


async def standing_at(
    pg: Connection, workspace_id: str, places: Sequence[Place]
) -> dict[Place, Mapping[str, Any]]:
    """Return what the report that counts at each of these places tells, where there is one."""
    if not places:
        return {}
    rows = await pg.fetch(STANDING_AT, workspace_id, *map(list, zip(*places, strict=True)))
    return {
        places[row["place"] - 1]: {name: row[name] for name in ("quality", *COUNT_NAMES)}
        for row in rows
    }


def _told(row: Any) -> Told:
    return Told(
        row["source"],
        row["quality"],
        row["counted_at"],
        row["received_at"],
        str(row["event_id"]),
        tuple(row[name] for name in COUNT_NAMES),
    )


async def store_reports(pg: Connection, reports: Sequence[Row]) -> None:
    """Store reports as they came; call it after `standing_reports`."""
    await _stage(pg, REPORTS_STAGING, REPORT_COLUMNS, reports)
    await pg.execute(STORE_REPORTS)


async def add_changes(
    pg: Connection, changes: Sequence[Row], workspaces: Mapping[str, Workspace]
) -> None:
    """Store changes and add them to the rollups; call it once in a transaction."""
    await _stage(pg, CHANGES_STAGING, CHANGE_COLUMNS, changes)
    await pg.execute(STORE_CHANGES)
    for statement in ADD_COUNTS:
        await pg.execute(statement, *zones_of(workspaces))


async def _stage(pg: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    await pg.execute(STAGING_TABLES[table])
    await pg.copy_records_to_table(table, records=rows, columns=columns)


async def note_undo(pg: Connection, workspace_id: str, sequence: int, known_at: datetime) -> int:
    """Note that an undo changes counts after a record; return the position of its first change."""
    await pg.execute(NOTE_UNDO, sequence, workspace_id, known_at)
    position: int = await pg.fetchval(FIRST_POSITION, sequence, workspace_id)
    return position
