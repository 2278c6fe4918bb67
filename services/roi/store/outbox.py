"""The SQL of the outbox to `laurel.catalog`: find pending records, remove published ones.

Promise: one relay publishes at a time; it holds an advisory lock until its transaction ends. A
workspace is pending as long as it has rows in the outbox.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.roi.store.catalog import Writer
from shared.db.engine import Database, driver
from shared.log.port import Record

# A few hundred kilobytes of records: one round trip, far below the size limit of a Kafka batch.
RECORDS_MAX: Final = 500
# Workspaces served in one round; the others follow in the next one.
WORKSPACES_MAX: Final = 200

_TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('roi.catalog.relay', 0))"
_PENDING: Final = "SELECT workspace_id FROM roi.workspaces WHERE outbox_pending LIMIT $1"
_EVERY_WORKSPACE: Final = "SELECT workspace_id FROM roi.workspaces ORDER BY workspace_id"
_NEXT: Final = (
    "SELECT sequence, workspace_id, key, value FROM roi.outbox ORDER BY sequence LIMIT $1"
)
_REMOVE: Final = "DELETE FROM roi.outbox WHERE sequence = ANY($1::bigint[])"
_SETTLE: Final = """
UPDATE roi.workspaces AS w SET outbox_pending = false
 WHERE w.workspace_id = ANY($1::uuid[])
   AND NOT EXISTS (SELECT FROM roi.outbox AS o WHERE o.workspace_id = w.workspace_id)
"""
_OUTDATED: Final = """
SELECT n.workspace_id::text, n.id::text
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS n (workspace_id, id, revision)
CROSS JOIN LATERAL (
    SELECT revision FROM roi.entities AS e
    WHERE e.id = n.id AND e.workspace_id = n.workspace_id LIMIT 1
) AS e
 WHERE e.revision > n.revision
"""

# (workspace id, entity id)
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pending:
    """The records of one round in their order, and the keys of their rows."""

    workspace_ids: tuple[str, ...]
    sequences: tuple[int, ...]
    records: tuple[Record, ...]


@asynccontextmanager
async def relay_lock(database: Database) -> AsyncIterator[Sequence[str] | None]:
    """Hold the lock of the relay while the block runs.

    Yield the ids of the pending workspaces; None when another process holds the lock.
    """
    async with database.exempt() as conn:
        pg = await driver(conn)
        if not await pg.fetchval(_TRY_LOCK):
            yield None
            return
        rows = await pg.fetch(_PENDING, WORKSPACES_MAX)
        yield [str(row["workspace_id"]) for row in rows]


async def next_records(database: Database, workspace_ids: Sequence[str]) -> Pending:
    """Return the oldest unpublished records of these workspaces.

    Call it inside `relay_lock`: its snapshot must be newer than the last removal. Otherwise an old
    record could be published after a newer one, and compaction would keep the old one.
    """
    async with database.read(workspace_ids) as conn:
        rows = await (await driver(conn)).fetch(_NEXT, RECORDS_MAX)
    return Pending(
        tuple(workspace_ids),
        tuple(row["sequence"] for row in rows),
        tuple(Record(key=row["key"], value=row["value"]) for row in rows),
    )


async def remove_published(database: Database, published: Pending) -> None:
    """Delete the rows of records that are on the log now."""
    async with database.write(published.workspace_ids) as conn:
        pg = await driver(conn)
        await pg.execute(_REMOVE, list(published.sequences))
        await pg.execute(_SETTLE, list(published.workspace_ids))


async def publish_everything(database: Database, now: datetime) -> int:
    """Put the whole catalog of every workspace into the outbox; return the number of workspaces."""
    async with database.exempt() as conn:
        rows = await (await driver(conn)).fetch(_EVERY_WORKSPACE)
    for row in rows:
        workspace_id = str(row["workspace_id"])
        async with database.write([workspace_id]) as conn:
            await (await Writer.begin(conn, workspace_id, now)).publish_everything()
    return len(rows)


async def outdated(database: Database, revisions: Mapping[Place, int]) -> set[Place]:
    """Return the entities whose current revision is greater than the given one."""
    places = list(revisions)
    workspace_ids = [workspace_id for workspace_id, _ in places]
    async with database.read(workspace_ids) as conn:
        rows = await (await driver(conn)).fetch(
            _OUTDATED,
            workspace_ids,
            [entity_id for _, entity_id in places],
            list(revisions.values()),
        )
    return {(row[0], row[1]) for row in rows}


async def publish_again(database: Database, places: Collection[Place], now: datetime) -> None:
    """Put the current records of these entities into the outbox again."""
    for workspace_id in sorted({workspace_id for workspace_id, _ in places}):
        entity_ids = [entity_id for owner, entity_id in places if owner == workspace_id]
        async with database.write([workspace_id]) as conn:
            await (await Writer.begin(conn, workspace_id, now)).publish_again(entity_ids)
