"""Consumer offsets and workspace counters, updated in the transaction that stores the effects.

Promise: an offset changes only from the value that its consumer expects, so a consumer that lost
its partition changes nothing. A workspace's counters change only under its lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from services.attribution.tables import Sql
from shared.errors import OffsetMoved

STORED_OFFSETS: Final = Sql(
    "SELECT partition, next_offset FROM attribution.offsets WHERE topic = $1::text"
)
# A partition without a row has no stored offset: the consumer loop then expects the low watermark,
# and the first insert succeeds.
MOVE_OFFSET: Final = Sql("""
INSERT INTO attribution.offsets AS stored (topic, partition, next_offset)
VALUES ($1::text, $2::integer, $4::bigint)
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = $4::bigint
WHERE stored.next_offset = $3::bigint
RETURNING next_offset
""")
ENSURE_WORKSPACES: Final = Sql("""
INSERT INTO attribution.workspaces (workspace_id)
SELECT id FROM unnest($1::uuid[]) AS id
ON CONFLICT DO NOTHING
""")
READ_WORKSPACES: Final = Sql("""
SELECT w.workspace_id::text, w.last_sequence,
       nullif(w.last_recorded_at, '-infinity') AS last_recorded_at, w.catalog_version,
       w.events_read, w.events_duplicate,
       nullif(w.newest_touch_at, '-infinity') AS newest_touch_at
FROM unnest($1::uuid[]) AS id CROSS JOIN LATERAL (
    SELECT * FROM attribution.workspaces AS w WHERE w.workspace_id = id LIMIT 1
) AS w
""")
# The rows exist; an upsert always uses the primary key, UPDATE … FROM does not.
MOVE_WORKSPACES: Final = Sql("""
INSERT INTO attribution.workspaces (workspace_id, last_sequence, last_recorded_at, catalog_version,
                                    events_read, events_duplicate, newest_touch_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[],
                     $6::bigint[], $7::timestamptz[])
ON CONFLICT (workspace_id) DO UPDATE
SET last_sequence = excluded.last_sequence, last_recorded_at = excluded.last_recorded_at,
    catalog_version = excluded.catalog_version, events_read = excluded.events_read,
    events_duplicate = excluded.events_duplicate, newest_touch_at = excluded.newest_touch_at
""")
ALL_WORKSPACES: Final = "SELECT workspace_id::text FROM attribution.workspaces ORDER BY 1"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class WorkspaceState:
    """The counters of one workspace, held and changed inside one transaction.

    `events_read` counts the records of the events topic, `events_duplicate` the events that were
    known already. No stored touch is later than `newest_touch_at`.
    """

    workspace_id: str
    last_sequence: int
    last_recorded_at: datetime
    catalog_version: int
    events_read: int
    events_duplicate: int
    newest_touch_at: datetime

    def stamp(self, now: datetime) -> tuple[int, datetime]:
        """Return the next sequence number and its moment.

        Each moment is later than the one before, also if the clock goes back. So a moment
        identifies one prefix of the sequence.
        """
        self.last_sequence += 1
        self.last_recorded_at = max(now, self.last_recorded_at + _STEP)
        return self.last_sequence, self.last_recorded_at


async def stored_offsets(conn: asyncpg.Connection, topic: str) -> Mapping[int, int]:
    """Return the next offset to read of each stored partition."""
    rows = await conn.fetch(STORED_OFFSETS, topic)
    return {row["partition"]: row["next_offset"] for row in rows}


async def move_offset(
    conn: asyncpg.Connection, topic: str, partition: int, expected: int, next_offset: int
) -> None:
    """Set the stored offset; raise `OffsetMoved` if it is not `expected`."""
    if await conn.fetchval(MOVE_OFFSET, topic, partition, expected, next_offset) is None:
        raise OffsetMoved(f"{topic}/{partition} is no longer at {expected}")


async def open_workspaces(
    conn: asyncpg.Connection, workspaces: Sequence[str]
) -> dict[str, WorkspaceState]:
    """Return the counters of the locked workspaces; create missing rows."""
    await conn.execute(ENSURE_WORKSPACES, workspaces)
    rows = await conn.fetch(READ_WORKSPACES, workspaces)
    return {
        row[0]: WorkspaceState(
            row[0],
            row["last_sequence"],
            row["last_recorded_at"] or _EPOCH,
            row["catalog_version"],
            row["events_read"],
            row["events_duplicate"],
            row["newest_touch_at"] or _EPOCH,
        )
        for row in rows
    }


async def close_workspaces(conn: asyncpg.Connection, states: Iterable[WorkspaceState]) -> None:
    """Store the changed counters."""
    moved = sorted(states, key=lambda state: state.workspace_id)
    await conn.execute(
        MOVE_WORKSPACES,
        [state.workspace_id for state in moved],
        [state.last_sequence for state in moved],
        [state.last_recorded_at for state in moved],
        [state.catalog_version for state in moved],
        [state.events_read for state in moved],
        [state.events_duplicate for state in moved],
        [state.newest_touch_at for state in moved],
    )


async def all_workspaces(conn: asyncpg.Connection) -> list[str]:
    """Return every workspace that has a row."""
    return [row[0] for row in await conn.fetch(ALL_WORKSPACES)]
