"""The SQL of a rebuild: rollups for another time zone, made in steps, then used by answers.

A generation is one set of rollups of a workspace. The fold adds new records to the generation that
answers read. Each step adds stored records to the new generation, in the order of `known_at`. The
step that finds no more records makes the new generation the one that answers read. Later steps
delete the rows of the old one.

Promise: `ask_rebuild` and every `step` run in one short transaction under the workspace's lock.
Progress is stored in the same transaction, so after a kill the next step continues there.
What can go wrong: `UnknownTimeZone`, before anything is written.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.store.count_rows import ADD_COUNTS_TO
from services.roi.store.rollups import ADD_TOUCHES_TO, ROLLUPS, credit_statements, rollup_statements
from shared.db.engine import Database, driver

# A return to the present zone before the rebuild ends: nothing is built, and the rows built so far
# are deleted.
_ASK: Final = """
INSERT INTO roi.rollup_zones AS z
       (workspace_id, generation, time_zone, building, next_time_zone)
VALUES ($1, 0, $2, 1, $3)
ON CONFLICT (workspace_id) DO UPDATE
SET building = z.building + 1, next_time_zone = nullif($3, z.time_zone), built_to = NULL,
    swept_to = NULL
"""
_BEGIN: Final = "UPDATE roi.workspaces SET rollups_pending = true WHERE workspace_id = $1"
_END: Final = "UPDATE roi.workspaces SET rollups_pending = false WHERE workspace_id = $1"
_PENDING: Final = (
    "SELECT workspace_id FROM roi.workspaces WHERE rollups_pending ORDER BY workspace_id"
)
_STATE: Final = """
SELECT generation, building, next_time_zone, built_to, swept_to FROM roi.rollup_zones
 WHERE workspace_id = $1
"""

# The next records of one UTC day: about $3 raw rows of each kind. No row: every record is added.
NEXT_RECORDS: Final = """
SELECT following.recorded_day, least(
    (SELECT e.known_at FROM roi.credit_entries AS e
     WHERE e.recorded_day = following.recorded_day AND e.workspace_id = $1
       AND e.known_at >= following.known_at
     ORDER BY e.known_at OFFSET $3 LIMIT 1),
    (SELECT t.known_at FROM roi.touch_tallies AS t
     WHERE t.recorded_day = following.recorded_day AND t.workspace_id = $1
       AND t.known_at >= following.known_at
     ORDER BY t.known_at OFFSET $3 LIMIT 1),
    (SELECT c.known_at FROM roi.count_changes AS c
     WHERE c.recorded_day = following.recorded_day AND c.workspace_id = $1
       AND c.known_at >= following.known_at
     ORDER BY c.known_at OFFSET $3 LIMIT 1),
    (SELECT f.known_at FROM roi.folded_records AS f
     WHERE f.workspace_id = $1
       AND f.known_at < ((following.recorded_day + 1)::timestamp AT TIME ZONE 'UTC')
     ORDER BY f.known_at DESC LIMIT 1)
) AS built_to
FROM (
    SELECT f.known_at, (f.known_at AT TIME ZONE 'UTC')::date AS recorded_day
    FROM roi.folded_records AS f
    WHERE f.workspace_id = $1 AND f.known_at > coalesce($2, '-infinity'::timestamptz)
    ORDER BY f.known_at LIMIT 1
) AS following
"""
# $4 is a UTC day; its rows with `known_at` after $5 and up to $6 are read. $1 to $3 are those of
# the statements that add to rollups.
_STORED: Final = """(
    SELECT * FROM roi.{table} AS stored
    WHERE stored.recorded_day = $4 AND stored.workspace_id = ($1::uuid[])[1]
      AND stored.known_at > coalesce($5, '-infinity'::timestamptz) AND stored.known_at <= $6
)"""
ADD_STORED: Final = (
    *credit_statements(_STORED.format(table="credit_entries")),
    *rollup_statements(ADD_TOUCHES_TO, "touch_rollups", _STORED.format(table="touch_tallies")),
    *rollup_statements(ADD_COUNTS_TO, "count_rollups", _STORED.format(table="count_changes")),
)
_ADVANCE: Final = "UPDATE roi.rollup_zones SET built_to = $2 WHERE workspace_id = $1"
_TAKE_PLACE: Final = """
UPDATE roi.rollup_zones
SET generation = building, time_zone = next_time_zone, next_time_zone = NULL, built_to = NULL,
    swept_to = NULL
WHERE workspace_id = $1
"""

_NEXT_BUCKETS: Final = ", ".join(
    f"""
    (SELECT r.bucket_on FROM roi.{table} AS r
     WHERE r.bucket_on > coalesce($3, '-infinity'::date) AND r.workspace_id = $1
       AND r.generation <> $2
     ORDER BY r.bucket_on LIMIT 1)"""
    for table in ROLLUPS
)
NEXT_BUCKET: Final = f"SELECT least({_NEXT_BUCKETS})"
SWEEP: Final = tuple(
    f"DELETE FROM roi.{table} WHERE bucket_on = $3 AND workspace_id = $1 AND generation <> $2"
    for table in ROLLUPS
)
_SWEPT: Final = "UPDATE roi.rollup_zones SET swept_to = $2 WHERE workspace_id = $1"


class UnknownTimeZone(Exception):
    """Postgres does not know this time zone, so it cannot compute local days."""


async def ask_rebuild(
    connection: "asyncpg.Connection[asyncpg.Record]",
    workspace_id: str,
    present_zone: str,
    time_zone: str,
) -> None:
    """Request rollups by the days of `time_zone`.

    `present_zone` is the zone of the rollups of a workspace that was never rebuilt. Raises
    `UnknownTimeZone`; the caller must then roll the transaction back.
    """
    try:
        await connection.execute("SELECT now() AT TIME ZONE $1", time_zone)
    except asyncpg.InvalidParameterValueError as error:
        raise UnknownTimeZone(time_zone) from error
    await connection.execute(_ASK, UUID(workspace_id), present_zone, time_zone)
    await connection.execute(_BEGIN, UUID(workspace_id))


async def pending(database: Database) -> list[str]:
    """Return the workspaces that have rollups to build or old rows to delete."""
    async with database.exempt() as conn:
        rows = await (await driver(conn)).fetch(_PENDING)
    return [str(row["workspace_id"]) for row in rows]


async def step(conn: AsyncConnection, workspace_id: str, rows_max: int) -> None:
    """Do the next step of a pending workspace, under its lock.

    A step adds about `rows_max` raw rows of each kind, or deletes the old rows of one bucket.
    """
    connection = await driver(conn)
    workspace = UUID(workspace_id)
    state = await connection.fetchrow(_STATE, workspace)
    assert state is not None, "ask_rebuild writes this row and makes the workspace pending"
    if state["next_time_zone"] is not None:
        await _build(connection, workspace, state, rows_max)
    else:
        await _sweep(connection, workspace, state)


async def _build(
    connection: "asyncpg.Connection[asyncpg.Record]",
    workspace: UUID,
    state: asyncpg.Record,
    rows_max: int,
) -> None:
    built_to: datetime | None = state["built_to"]
    following = await connection.fetchrow(NEXT_RECORDS, workspace, built_to, rows_max)
    if following is None:
        await connection.execute(_TAKE_PLACE, workspace)
        return
    zone = ([workspace], [state["next_time_zone"]], [state["building"]])
    for statement in ADD_STORED:
        await connection.execute(
            statement, *zone, following["recorded_day"], built_to, following["built_to"]
        )
    await connection.execute(_ADVANCE, workspace, following["built_to"])


async def _sweep(
    connection: "asyncpg.Connection[asyncpg.Record]", workspace: UUID, state: asyncpg.Record
) -> None:
    kept = (workspace, state["generation"])
    bucket_on = await connection.fetchval(NEXT_BUCKET, *kept, state["swept_to"])
    if bucket_on is None:
        await connection.execute(_END, workspace)
        return
    for statement in SWEEP:
        await connection.execute(statement, *kept, bucket_on)
    await connection.execute(_SWEPT, workspace, bucket_on)
