"""The SQL that corrects the dates of folded entries and their rollups.

A release before 0.1.0 dated reversals by their record. When such a record is published again, its
stored entries get the dates of the new record.

Promise: it runs in the transaction of a batch, under the workspace's lock. `known_at` and the
sequence stay, so an answer as of a past moment also shows the corrected day. A second run finds no
difference and writes nothing. Rollups change by the difference: minus old rows, plus new rows.
What can go wrong: an entry that is not stored is ignored.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.rollup import ENTRY_COLUMNS, DatedEntry
from services.roi.store.rollups import (
    ADD_CREDITS,
    ENTRIES_STAGING,
    STAGING_TABLES,
    Workspace,
    credit_statements,
    zones_of,
)
from shared.db.engine import driver

_GIVEN: Final = """
unnest($1::uuid[], $2::bigint[], $3::integer[], $4::timestamptz[])
    AS given (workspace_id, sequence, position, occurred_at)
"""


def _columns(**changed: str) -> str:
    return ", ".join(changed.get(name, f"e.{name}") for name in ENTRY_COLUMNS)


_NEGATED: Final = _columns(
    amount_minor="-e.amount_minor", units="-e.units", placed_units="-e.placed_units"
)
# The difference as rows: the entry at its old date, negated, and the entry at its new date.
STORE_DIFFERENCE: Final = f"""
WITH moved AS (
    SELECT e.*, given.occurred_at AS given_at FROM {_GIVEN}
    CROSS JOIN LATERAL (
        SELECT * FROM roi.credit_entries AS e
        WHERE e.sequence = given.sequence AND e.position = given.position
          AND e.workspace_id = given.workspace_id
        LIMIT 1
    ) AS e
    WHERE e.occurred_at <> given.occurred_at
)
INSERT INTO {ENTRIES_STAGING} ({", ".join(ENTRY_COLUMNS)})
SELECT {_NEGATED} FROM moved AS e
UNION ALL SELECT {_columns(occurred_at="e.given_at")} FROM moved AS e
"""
REDATE: Final = f"""
UPDATE roi.credit_entries AS e SET occurred_at = given.occurred_at FROM {_GIVEN}
WHERE e.sequence = given.sequence AND e.position = given.position
  AND e.workspace_id = given.workspace_id AND e.occurred_at <> given.occurred_at
"""
# The generation that is being built holds rows with `known_at` up to `built_to`. Later rows are
# read when a step adds them.
BUILDING: Final = """
SELECT workspace_id, next_time_zone, building FROM roi.rollup_zones
WHERE workspace_id = ANY ($1::uuid[]) AND next_time_zone IS NOT NULL
"""
_BUILT: Final = f"""(
    SELECT e.* FROM {ENTRIES_STAGING} AS e
    JOIN roi.rollup_zones AS z ON z.workspace_id = e.workspace_id AND e.known_at <= z.built_to
)"""
ADD_TO_BUILDING: Final = credit_statements(_BUILT)
_EMPTY_STAGING: Final = f"DELETE FROM {ENTRIES_STAGING}"


async def redate(
    conn: AsyncConnection, given: Sequence[DatedEntry], workspaces: Mapping[str, Workspace]
) -> int:
    """Give stored entries the dates of `given`; return how many had another date."""
    connection = await driver(conn)
    for statement in STAGING_TABLES:
        await connection.execute(statement)
    columns = [list(column) for column in zip(*given, strict=True)]
    staged = await connection.execute(STORE_DIFFERENCE, *columns)
    moved = int(staged.rpartition(" ")[2]) // 2
    if moved:
        await connection.execute(REDATE, *columns)
        for statement in ADD_CREDITS:
            await connection.execute(statement, *zones_of(workspaces))
        building = await connection.fetch(BUILDING, [UUID(name) for name in workspaces])
        if building:
            zones = [list(column) for column in zip(*building, strict=True)]
            for statement in ADD_TO_BUILDING:
                await connection.execute(statement, *zones)
        await connection.execute(_EMPTY_STAGING)
    return moved
