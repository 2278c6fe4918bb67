"""The SQL of another time zone: rollups by its days are made in small steps beside those that answers read, and then take their place.

Promise: `ask_rebuild` and every `step` are one short transaction under the workspace's lock. The fold keeps adding to the generation that
answers read; a step adds stored records, in the order in which they became known, to the one being made, so it catches up with the fold and takes
its place in the step that finds nothing more. How far it is stands in the same transaction: whoever goes on after a kill, goes on there.
What can go wrong: `UnknownTimeZone`, before anything is written.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.store.rollups import ADD_CREDITS_TO, ADD_TOUCHES_TO, ROLLUPS, with_twins
from shared.db.engine import Database, driver

# Back to the present zone before the other one was done: nothing is made, what was is swept away.
_ASK: Final = """
INSERT INTO roi.rollup_zones AS z (workspace_id, generation, time_zone, building, next_time_zone) VALUES ($1, 0, $2, 1, $3)
ON CONFLICT (workspace_id) DO UPDATE
SET building = z.building + 1, next_time_zone = nullif($3, z.time_zone), built_to = NULL, swept_to = NULL
"""
_BEGIN: Final = "UPDATE roi.workspaces SET rollups_pending = true WHERE workspace_id = $1"
_END: Final = "UPDATE roi.workspaces SET rollups_pending = false WHERE workspace_id = $1"
_PENDING: Final = (
    "SELECT workspace_id FROM roi.workspaces WHERE rollups_pending ORDER BY workspace_id"
)
_STATE: Final = """
SELECT generation, building, next_time_zone, built_to, swept_to FROM roi.rollup_zones WHERE workspace_id = $1
"""

# The next records of one UTC day, $3 raw rows of either kind or few more. No row: every folded record is in.
NEXT_RECORDS: Final = """
SELECT following.recorded_day, least(
    (SELECT e.known_at FROM roi.credit_entries AS e
     WHERE e.recorded_day = following.recorded_day AND e.workspace_id = $1 AND e.known_at >= following.known_at
     ORDER BY e.known_at OFFSET $3 LIMIT 1),
    (SELECT t.known_at FROM roi.touch_tallies AS t
     WHERE t.recorded_day = following.recorded_day AND t.workspace_id = $1 AND t.known_at >= following.known_at
     ORDER BY t.known_at OFFSET $3 LIMIT 1),
    (SELECT f.known_at FROM roi.folded_records AS f
     WHERE f.workspace_id = $1 AND f.known_at < ((following.recorded_day + 1)::timestamp AT TIME ZONE 'UTC')
     ORDER BY f.known_at DESC LIMIT 1)
) AS built_to
FROM (
    SELECT f.known_at, (f.known_at AT TIME ZONE 'UTC')::date AS recorded_day FROM roi.folded_records AS f
    WHERE f.workspace_id = $1 AND f.known_at > coalesce($2, '-infinity'::timestamptz) ORDER BY f.known_at LIMIT 1
) AS following
"""
# After the parameters of the adding statements: the UTC day and the moments between which its rows became known.
_STORED: Final = """(
    SELECT * FROM roi.{table} AS stored
    WHERE stored.recorded_day = $4 AND stored.workspace_id = ($1::uuid[])[1]
      AND stored.known_at > coalesce($5, '-infinity'::timestamptz) AND stored.known_at <= $6
)"""
ADD_STORED: Final = (
    *with_twins(ADD_CREDITS_TO, "rollups", _STORED.format(table="credit_entries")),
    *with_twins(ADD_TOUCHES_TO, "touch_rollups", _STORED.format(table="touch_tallies")),
)
_ADVANCE: Final = "UPDATE roi.rollup_zones SET built_to = $2 WHERE workspace_id = $1"
_TAKE_PLACE: Final = """
UPDATE roi.rollup_zones
SET generation = building, time_zone = next_time_zone, next_time_zone = NULL, built_to = NULL, swept_to = NULL
WHERE workspace_id = $1
"""

_NEXT_BUCKETS: Final = ", ".join(
    f"""
    (SELECT r.bucket_on FROM roi.{table} AS r
     WHERE r.bucket_on > coalesce($3, '-infinity'::date) AND r.workspace_id = $1 AND r.generation <> $2
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
    """Postgres does not know this time zone, though others may: no local day could be told."""


async def ask_rebuild(
    connection: "asyncpg.Connection[asyncpg.Record]",
    workspace_id: str,
    present_zone: str,
    time_zone: str,
) -> None:
    """From now on the rollups of a workspace are to be by the days of `time_zone`; they are by `present_zone`'s where nobody ever asked
    before. After `UnknownTimeZone` the transaction must be given up."""
    try:
        await connection.execute("SELECT now() AT TIME ZONE $1", time_zone)
    except asyncpg.InvalidParameterValueError as error:
        raise UnknownTimeZone(time_zone) from error
    await connection.execute(_ASK, UUID(workspace_id), present_zone, time_zone)
    await connection.execute(_BEGIN, UUID(workspace_id))


async def pending(database: Database) -> list[str]:
    """The workspaces that have something to make or to sweep away."""
    async with database.exempt() as conn:
        rows = await (await driver(conn)).fetch(_PENDING)
    return [str(row["workspace_id"]) for row in rows]


async def step(conn: AsyncConnection, workspace_id: str, rows_max: int) -> None:
    """The next piece of work of a pending workspace, under its lock: about `rows_max` raw rows of each kind, or one bucket to sweep."""
    connection = await driver(conn)
    workspace = UUID(workspace_id)
    state = await connection.fetchrow(_STATE, workspace)
    assert state is not None, "who made the workspace pending made this row"
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
