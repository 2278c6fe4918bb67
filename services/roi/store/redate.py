"""The SQL that corrects the dates of entries which are folded already, and the rollups with them.

A release before 0.1.0 dated reversals by their record. When such a record is published again, its
entries take the dates that it says.

Promise: inside the transaction of a batch, under the workspace's lock. `known_at` and the sequence
stay, so an answer as of a past moment shows the corrected day, too. The second time nothing
differs, and nothing is written. Rollups move by the difference: minus the old rows, plus the new.
What can go wrong: nothing beyond the database; a number that is not stored changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.rollup import ENTRY_COLUMNS, DatedEntry
from services.roi.store.rollups import (
    ADD_CREDITS,
    ADD_CREDITS_TO,
    ENTRIES_STAGE,
    STAGES,
    Workspace,
    with_twins,
    zones_of,
)
from shared.db.engine import driver

_TOLD: Final = """
unnest($1::uuid[], $2::bigint[], $3::integer[], $4::timestamptz[])
    AS told (workspace_id, sequence, position, occurred_at)
"""


def _columns(**changed: str) -> str:
    return ", ".join(changed.get(name, f"e.{name}") for name in ENTRY_COLUMNS)


# The difference as rows: what was added with the old date turned, and the same with the new date.
STAGE_DIFFERENCE: Final = f"""
WITH moved AS (
    SELECT e.*, told.occurred_at AS told_at FROM {_TOLD}
    CROSS JOIN LATERAL (
        SELECT * FROM roi.credit_entries AS e
        WHERE e.sequence = told.sequence AND e.position = told.position AND e.workspace_id = told.workspace_id
        LIMIT 1
    ) AS e
    WHERE e.occurred_at <> told.occurred_at
)
INSERT INTO {ENTRIES_STAGE} ({", ".join(ENTRY_COLUMNS)})
SELECT {_columns(amount_minor="-e.amount_minor", units="-e.units")} FROM moved AS e
UNION ALL SELECT {_columns(occurred_at="e.told_at")} FROM moved AS e
"""
REDATE: Final = f"""
UPDATE roi.credit_entries AS e SET occurred_at = told.occurred_at FROM {_TOLD}
WHERE e.sequence = told.sequence AND e.position = told.position AND e.workspace_id = told.workspace_id
  AND e.occurred_at <> told.occurred_at
"""
# A generation that is being made holds what became known up to `built_to`; the rest it will read.
BUILDING: Final = """
SELECT workspace_id, next_time_zone, building FROM roi.rollup_zones
WHERE workspace_id = ANY ($1::uuid[]) AND next_time_zone IS NOT NULL
"""
_BUILT: Final = f"""(
    SELECT e.* FROM {ENTRIES_STAGE} AS e
    JOIN roi.rollup_zones AS z ON z.workspace_id = e.workspace_id AND e.known_at <= z.built_to
)"""
ADD_TO_BUILDING: Final = with_twins(ADD_CREDITS_TO, "rollups", _BUILT)
_EMPTY_STAGE: Final = f"DELETE FROM {ENTRIES_STAGE}"


async def redate(
    conn: AsyncConnection, told: Sequence[DatedEntry], workspaces: Mapping[str, Workspace]
) -> int:
    """Give stored entries the dates told; returns how many had another one."""
    connection = await driver(conn)
    for statement in STAGES:
        await connection.execute(statement)
    columns = [list(column) for column in zip(*told, strict=True)]
    staged = await connection.execute(STAGE_DIFFERENCE, *columns)
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
        await connection.execute(_EMPTY_STAGE)
    return moved
