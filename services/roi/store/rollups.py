"""The SQL of the fold: offsets, fold states, raw credits by COPY, and rollups.

Rollups are sums of raw rows by the local day of the workspace. One statement makes them: here from
the rows of a batch, in `rebuild_rows.py` from stored rows. Postgres computes local days, here and
in answers.

Promise: every function runs in the caller's transaction, which holds the locks of the workspaces
that it names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.rollup import ENTRY_COLUMNS, TALLY_COLUMNS, FoldPlan, FoldState, Row
from shared.db.engine import driver

ENTRIES_STAGING: Final = "credit_entries_staging"
TALLIES_STAGING: Final = "touch_tallies_staging"

# Row-level security refuses COPY into a protected table. So rows are copied into a temporary table,
# made once per connection. The real table checks NOT NULL and keys.
STAGING_TABLES: Final = tuple(
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ON COMMIT DELETE ROWS"
    f" AS SELECT * FROM roi.{table} WITH NO DATA"
    for name, table in ((ENTRIES_STAGING, "credit_entries"), (TALLIES_STAGING, "touch_tallies"))
)

# How much of a problem is stored.
PROBLEM_CHARACTERS_MAX: Final = 500

# A partition that was never read has no row; $3 is then its lowest offset.
MOVE_OFFSET: Final = """
INSERT INTO roi.offsets AS o (topic, partition, next_offset) VALUES ($1, $2, $4)
ON CONFLICT (topic, partition) DO UPDATE
SET next_offset = excluded.next_offset WHERE o.next_offset = $3
RETURNING next_offset
"""

STATES: Final = """
SELECT asked.workspace_id, w.clock_at, coalesce(z.time_zone, v.time_zone) AS time_zone,
       coalesce(z.generation, 0) AS generation, coalesce(f.sequence, 0) AS sequence,
       f.missing_sequence, f.problem
FROM unnest($1::uuid[]) AS asked (workspace_id)
CROSS JOIN LATERAL (
    SELECT clock_at FROM roi.workspaces AS w WHERE w.workspace_id = asked.workspace_id LIMIT 1
) AS w
CROSS JOIN LATERAL (
    SELECT facts ->> 'time_zone' AS time_zone FROM roi.versions AS v
    WHERE v.entity_id = asked.workspace_id AND v.workspace_id = asked.workspace_id
      AND v.superseded_at IS NULL
    LIMIT 1
) AS v
LEFT JOIN LATERAL (
    SELECT sequence, missing_sequence, problem FROM roi.folds AS f
    WHERE f.workspace_id = asked.workspace_id LIMIT 1
) AS f ON true
LEFT JOIN LATERAL (
    SELECT time_zone, generation FROM roi.rollup_zones AS z
    WHERE z.workspace_id = asked.workspace_id LIMIT 1
) AS z ON true
"""

WAITING: Final = """
SELECT gap.workspace_id, w.value
FROM unnest($1::uuid[], $2::bigint[]) AS gap (workspace_id, sequence)
CROSS JOIN LATERAL (
    SELECT value, sequence FROM roi.waiting_credits AS w
    WHERE w.sequence >= gap.sequence AND w.workspace_id = gap.workspace_id
    ORDER BY w.sequence LIMIT $3
) AS w
"""

PARK: Final = """
INSERT INTO roi.waiting_credits (sequence, workspace_id, value)
SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bytea[]) ON CONFLICT DO NOTHING
"""

UNPARK: Final = """
DELETE FROM roi.waiting_credits AS w
USING unnest($1::bigint[], $2::uuid[]) AS folded (sequence, workspace_id)
WHERE w.sequence = folded.sequence AND w.workspace_id = folded.workspace_id
"""

REMEMBER: Final = """
INSERT INTO roi.folded_records (sequence, workspace_id, recorded_at, known_at)
SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])
"""

# A workspace that stands still keeps its stop and the moment of it until its next record is folded.
STORE_STATES: Final = """
INSERT INTO roi.folds AS f (workspace_id, sequence, missing_sequence, problem, stopped_at)
SELECT workspace_id, sequence, missing_sequence, problem,
       CASE WHEN missing_sequence IS NOT NULL THEN now() END
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[])
    AS n (workspace_id, sequence, missing_sequence, problem)
ON CONFLICT (workspace_id) DO UPDATE
SET sequence = excluded.sequence,
    missing_sequence = CASE WHEN f.sequence = excluded.sequence
        THEN coalesce(excluded.missing_sequence, f.missing_sequence)
        ELSE excluded.missing_sequence END,
    problem = CASE WHEN f.sequence = excluded.sequence
        THEN coalesce(excluded.problem, f.problem) ELSE excluded.problem END,
    stopped_at = CASE WHEN f.sequence = excluded.sequence
        THEN coalesce(f.stopped_at, excluded.stopped_at) ELSE excluded.stopped_at END
"""
STOP: Final = """
INSERT INTO roi.folds AS f (workspace_id, sequence, missing_sequence, problem, stopped_at)
VALUES ($1::uuid, 0, 1, $2::text, now())
ON CONFLICT (workspace_id) DO UPDATE
SET missing_sequence = f.sequence + 1, problem = excluded.problem,
    stopped_at = coalesce(f.stopped_at, excluded.stopped_at)
"""

TICK_CLOCKS: Final = """
UPDATE roi.workspaces AS w SET clock_at = ticked.clock_at
FROM unnest($1::uuid[], $2::timestamptz[]) AS ticked (workspace_id, clock_at)
WHERE w.workspace_id = ticked.workspace_id AND w.clock_at < ticked.clock_at
"""

STORE_ENTRIES: Final = (
    f"INSERT INTO roi.credit_entries ({', '.join(ENTRY_COLUMNS)})"
    f" SELECT {', '.join(ENTRY_COLUMNS)} FROM {ENTRIES_STAGING}"
)
STORE_TALLIES: Final = (
    f"INSERT INTO roi.touch_tallies ({', '.join(TALLY_COLUMNS)})"
    f" SELECT {', '.join(TALLY_COLUMNS)} FROM {TALLIES_STAGING}"
)

# $1, $2, $3: the workspaces, the time zones of their rollups, and their generations. Organic credit
# has no touch, so the conversion dates it under both bases. Rows that sum to zero are kept: later
# records may change them again. Entries of version 1 do not tell what was placed: what was kept is.
# They do not tell the net of their conversion either, so their amounts are summed apart.
_SUM_CREDITS: Final = """
SELECT local.bucket_on, e.workspace_id, zone.generation, local.basis, e.model, e.recorded_day,
       e.account, e.stage, e.conversion_kind, coalesce(e.currency, '') AS currency,
       sum(e.amount_minor) AS amount_minor, sum(e.units) AS units,
       sum(coalesce(e.placed_units, e.units)) AS placed_units,
       coalesce(sum(e.amount_minor::numeric * e.net_minor), 0) AS amount_times_net,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.net_minor IS NULL), 0) AS amount_without_net
FROM {source} AS e
JOIN unnest($1::uuid[], $2::text[], $3::integer[]) AS zone (workspace_id, time_zone, generation)
  ON zone.workspace_id = e.workspace_id
CROSS JOIN LATERAL (VALUES
    ('conversion_time', (e.occurred_at AT TIME ZONE zone.time_zone)::date),
    ('touch_time', (coalesce(e.touched_at, e.occurred_at) AT TIME ZONE zone.time_zone)::date)
) AS local (basis, bucket_on)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""
_ADD_CREDITS_TO: Final = """
INSERT INTO roi.{rollups} AS r
       (bucket_on, workspace_id, generation, basis, model, {recorded_day} account, stage,
        conversion_kind, currency, amount_minor, units, placed_units, amount_times_net,
        amount_without_net)
SELECT {bucket}, workspace_id, generation, basis, model, {recorded_day} account, stage,
       conversion_kind, currency, sum(amount_minor), sum(units), sum(placed_units),
       sum(amount_times_net), sum(amount_without_net)
FROM summed
GROUP BY {bucket}, workspace_id, generation, basis, model, {recorded_day} account, stage,
         conversion_kind, currency
ON CONFLICT (bucket_on, workspace_id, generation, basis, model, {recorded_day} account, stage,
             conversion_kind, currency)
DO UPDATE SET amount_minor = r.amount_minor + excluded.amount_minor,
              units = r.units + excluded.units,
              placed_units = r.placed_units + excluded.placed_units,
              amount_times_net = r.amount_times_net + excluded.amount_times_net,
              amount_without_net = r.amount_without_net + excluded.amount_without_net
"""

ADD_TOUCHES_TO: Final = """
INSERT INTO roi.{rollups} AS r
       (bucket_on, workspace_id, generation, touch_kind, {recorded_day} account, stage,
        counted, flagged)
SELECT {bucket}, e.workspace_id, zone.generation, e.touch_kind, {e_recorded_day} e.account, e.stage,
       sum(e.counted), sum(e.flagged)
FROM {source} AS e
JOIN unnest($1::uuid[], $2::text[], $3::integer[]) AS zone (workspace_id, time_zone, generation)
  ON zone.workspace_id = e.workspace_id
CROSS JOIN LATERAL (SELECT (e.quarter_at AT TIME ZONE zone.time_zone)::date AS bucket_on) AS local
GROUP BY {bucket}, e.workspace_id, zone.generation, e.touch_kind, {e_recorded_day} e.account,
         e.stage
ON CONFLICT (bucket_on, workspace_id, generation, touch_kind, {recorded_day} account, stage)
DO UPDATE SET counted = r.counted + excluded.counted, flagged = r.flagged + excluded.flagged
"""

_DAY: Final = "local.bucket_on"
_MONTH: Final = "date_trunc('month', local.bucket_on::timestamp)::date"


def rollup_statements(template: str, rollups: str, source: str) -> tuple[str, ...]:
    """Return the statements for three rollup tables: by day, by month, and the history.

    The history has sums by day and by the UTC day on which they became known.
    """
    now = {"source": source, "recorded_day": "", "e_recorded_day": ""}
    then = {"source": source, "recorded_day": "recorded_day,", "e_recorded_day": "e.recorded_day,"}
    return (
        template.format(rollups=rollups, bucket=_DAY, **now),
        template.format(rollups=f"{rollups}_monthly", bucket=_MONTH, **now),
        template.format(rollups=f"{rollups}_history", bucket=_DAY, **then),
    )


def credit_statements(source: str) -> tuple[str, ...]:
    """Return the statement that adds credits to their three rollup tables.

    The rows are summed once for the history, and its few sums are summed again by day and by month:
    three times over all rows took most of the time of a fold.
    """
    by_day, by_month, by_recorded_day = (
        _ADD_CREDITS_TO.format(rollups=f"rollups{twin}", bucket=bucket, recorded_day=recorded_day)
        for twin, bucket, recorded_day in (
            ("", "bucket_on", ""),
            ("_monthly", "date_trunc('month', bucket_on::timestamp)::date", ""),
            ("_history", "bucket_on", "recorded_day,"),
        )
    )
    summed = _SUM_CREDITS.format(source=source)
    return (
        f"WITH summed AS MATERIALIZED ({summed}), by_day AS ({by_day}), by_month AS ({by_month})"
        f" {by_recorded_day}",
    )


ADD_CREDITS: Final = credit_statements(ENTRIES_STAGING)
ADD_TOUCHES: Final = rollup_statements(ADD_TOUCHES_TO, "touch_rollups", TALLIES_STAGING)
ROLLUPS: Final = tuple(
    name + twin
    for name in ("rollups", "touch_rollups", "count_rollups")
    for twin in ("", "_monthly", "_history")
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """What the fold needs of a workspace; `time_zone` and `generation` are those of its rollups."""

    state: FoldState
    time_zone: str
    generation: int
    missing_sequence: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The sequence at which a workspace stands still; `problem` None: that record has not come."""

    sequence: int
    problem: str | None


async def stored_offsets(conn: AsyncConnection, topic: str) -> dict[int, int]:
    """Return the next offset to read, by partition."""
    connection = await driver(conn)
    rows = await connection.fetch(
        "SELECT partition, next_offset FROM roi.offsets WHERE topic = $1", topic
    )
    return {row["partition"]: row["next_offset"] for row in rows}


async def move_offset(
    conn: AsyncConnection, topic: str, partition: int, expected_offset: int, next_offset: int
) -> bool:
    """Advance an offset by compare-and-set; return False when another consumer moved it."""
    connection = await driver(conn)
    moved = await connection.fetchval(MOVE_OFFSET, topic, partition, expected_offset, next_offset)
    return moved is not None


async def workspaces(conn: AsyncConnection, workspace_ids: Sequence[str]) -> dict[str, Workspace]:
    """Return those of the named workspaces that exist, by id."""
    return await workspaces_of(await driver(conn), workspace_ids)


async def workspaces_of(
    connection: "asyncpg.Connection[asyncpg.Record]", workspace_ids: Sequence[str]
) -> dict[str, Workspace]:
    """Return those of the named workspaces that exist, by id."""
    rows = await connection.fetch(STATES, [UUID(name) for name in workspace_ids])
    return {
        str(row["workspace_id"]): Workspace(
            FoldState(str(row["workspace_id"]), row["sequence"], row["clock_at"]),
            row["time_zone"],
            row["generation"],
            row["missing_sequence"],
            row["problem"],
        )
        for row in rows
    }


async def all_workspace_ids(conn: AsyncConnection) -> list[str]:
    """Return the id of every workspace of this installation."""
    connection = await driver(conn)
    rows = await connection.fetch("SELECT workspace_id FROM roi.workspaces ORDER BY workspace_id")
    return [str(row["workspace_id"]) for row in rows]


async def stops(conn: AsyncConnection) -> dict[str, Stop]:
    """Return the stop of each visible workspace that stands still."""
    connection = await driver(conn)
    rows = await connection.fetch(
        "SELECT workspace_id, missing_sequence, problem FROM roi.folds"
        " WHERE missing_sequence IS NOT NULL"
    )
    return {str(row["workspace_id"]): Stop(row["missing_sequence"], row["problem"]) for row in rows}


async def stop(conn: AsyncConnection, workspace_id: str, problem: str) -> None:
    """Stop a workspace at its next record, which cannot be folded."""
    connection = await driver(conn)
    await connection.execute(STOP, UUID(workspace_id), _told(problem))


def _told(problem: str | None) -> str | None:
    """Return a problem as it can be stored."""
    return problem and problem.replace("\x00", "�")[:PROBLEM_CHARACTERS_MAX]


async def waiting(
    conn: AsyncConnection, after: Mapping[str, int], records_max: int
) -> list[tuple[str, bytes]]:
    """Return the first waiting records of each workspace from a sequence on, with the workspace."""
    connection = await driver(conn)
    ids = [UUID(name) for name in after]
    rows = await connection.fetch(WAITING, ids, list(after.values()), records_max)
    return [(str(row["workspace_id"]), row["value"]) for row in rows]


async def park(conn: AsyncConnection, rows: Sequence[tuple[int, str, bytes]]) -> None:
    """Store records that come after a gap."""
    connection = await driver(conn)
    numbers, names, values = zip(*rows, strict=True)
    await connection.execute(PARK, numbers, [UUID(name) for name in names], values)


async def apply(
    conn: AsyncConnection,
    plans: Sequence[FoldPlan],
    entries: Sequence[Row],
    tallies: Sequence[Row],
    workspaces: Mapping[str, Workspace],
) -> None:
    """Store raw rows, add them to the rollups, and store the progress of each workspace."""
    connection = await driver(conn)
    zones = zones_of(workspaces)
    for statement in STAGING_TABLES:
        await connection.execute(statement)
    if entries:
        await connection.copy_records_to_table(
            ENTRIES_STAGING, records=entries, columns=ENTRY_COLUMNS
        )
        await connection.execute(STORE_ENTRIES)
        for statement in ADD_CREDITS:
            await connection.execute(statement, *zones)
    if tallies:
        await connection.copy_records_to_table(
            TALLIES_STAGING, records=tallies, columns=TALLY_COLUMNS
        )
        await connection.execute(STORE_TALLIES)
        for statement in ADD_TOUCHES:
            await connection.execute(statement, *zones)
    await _note_progress(connection, plans)


def zones_of(workspaces: Mapping[str, Workspace]) -> tuple[list[UUID], list[str], list[int]]:
    """Return the first three parameters of the statements that add to rollups."""
    return (
        [UUID(name) for name in workspaces],
        [workspace.time_zone for workspace in workspaces.values()],
        [workspace.generation for workspace in workspaces.values()],
    )


async def _note_progress(
    connection: "asyncpg.Connection[asyncpg.Record]", plans: Sequence[FoldPlan]
) -> None:
    known = [item for plan in plans for item in plan.known]
    sequences = [item.record.sequence for item in known]
    owners = [UUID(item.record.workspace_id) for item in known]
    await connection.execute(
        REMEMBER,
        sequences,
        owners,
        [item.record.recorded_at for item in known],
        [item.known_at for item in known],
    )
    ids = [UUID(plan.state.workspace_id) for plan in plans]
    await connection.execute(
        STORE_STATES,
        ids,
        [plan.state.sequence for plan in plans],
        [plan.missing_sequence for plan in plans],
        [_told(plan.problem) for plan in plans],
    )
    await connection.execute(TICK_CLOCKS, ids, [plan.state.clock_at for plan in plans])
    # Always: a record may be read a second time from the log while its first copy waits.
    await connection.execute(UNPARK, sequences, owners)
