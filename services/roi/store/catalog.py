"""The SQL of the catalog: read one entity, read a page, write a new state.

Each write puts the entity's record into the outbox in the same transaction.

Promise: `Writer` is used only inside `Database.write` of its workspace. All changes of one
transaction get the same `recorded_at`. It comes from the workspace's own clock, which never goes
back, even when the wall clock does. Each change raises the revision by one. A stored version never
changes, except that it is superseded.
What can go wrong: nothing here checks meaning; the routes check before they write.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.domain.entity import Entity, EntityKind, Version
from services.roi.domain.records import to_record
from shared.catalog import catalog_key, encode_catalog
from shared.concurrency import in_slices
from shared.db.engine import driver

# Facts of a page, as JSON. 1 MiB is read, checked and written within 100 ms.
PAGE_BYTES_MAX: Final = 1024 * 1024
# Versions that are decoded between two turns of other requests.
SLICE_ROWS: Final = 100
# The position before the first page. Every page then has the same comparison, which Postgres
# answers with an index range at any depth.
_BEFORE_ANY: Final = (datetime(9999, 1, 1, tzinfo=UTC), "ffffffff-ffff-ffff-ffff-ffffffffffff")
_COLUMNS: Final = (
    "id, workspace_id, entity, external_id, created_at, revision, recorded_at, archived_at"
)

_TICK: Final = """
UPDATE roi.workspaces SET clock_at = GREATEST($2, clock_at + interval '1 microsecond')
 WHERE workspace_id = $1 RETURNING clock_at
"""
_BY_ID: Final = f"""
SELECT {_COLUMNS} FROM roi.entities WHERE id = $2 AND entity = $3 AND workspace_id = $1
"""
_BY_EXTERNAL_ID: Final = f"""
SELECT {_COLUMNS} FROM roi.entities WHERE external_id = $2 AND entity = $3 AND workspace_id = $1
"""
_BY_IDS: Final = f"""
SELECT {_COLUMNS} FROM roi.entities
 WHERE id = ANY($2::uuid[]) AND entity = $3 AND workspace_id = $1
"""
_BY_EXTERNAL_IDS: Final = f"""
SELECT {_COLUMNS} FROM roi.entities
 WHERE external_id = ANY($2::text[]) AND entity = $3 AND workspace_id = $1
"""
_PAGE: Final = f"""
SELECT {_COLUMNS}, weight.bytes
  FROM (SELECT {_COLUMNS} FROM roi.entities
         WHERE entity = $2 AND workspace_id = $1 AND (archived_at IS NULL OR $6)
           AND (created_at, id) < ($3, $4)
         ORDER BY created_at DESC, id DESC LIMIT $5) AS page
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(octet_length(facts::text)), 0)::bigint AS bytes FROM roi.versions
        WHERE versions.entity_id = page.id AND versions.workspace_id = $1
          AND versions.superseded_at IS NULL) AS weight
 ORDER BY created_at DESC, id DESC
"""
_VERSIONS: Final = """
SELECT entity_id, valid_from, valid_to, facts::text AS facts FROM roi.versions
 WHERE entity_id = ANY($2::uuid[]) AND workspace_id = $1 AND superseded_at IS NULL
 ORDER BY entity_id, period
"""
_SAVE: Final = """
INSERT INTO roi.entities
       (id, workspace_id, entity, external_id, created_at, revision, recorded_at, archived_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id, workspace_id) DO UPDATE
SET external_id = excluded.external_id, revision = excluded.revision,
    recorded_at = excluded.recorded_at, archived_at = excluded.archived_at
"""
_SUPERSEDE: Final = """
UPDATE roi.versions SET superseded_at = $3
 WHERE entity_id = ANY($1::uuid[]) AND workspace_id = $2 AND superseded_at IS NULL
"""
_ADD_VERSION: Final = """
INSERT INTO roi.versions
       (entity_id, workspace_id, entity, period, valid_from, valid_to, recorded_at, archived_at,
        facts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb)
"""
_ALL: Final = f"SELECT {_COLUMNS} FROM roi.entities WHERE workspace_id = $1 ORDER BY created_at, id"
_SOME: Final = (
    f"SELECT {_COLUMNS} FROM roi.entities WHERE id = ANY($2::uuid[]) AND workspace_id = $1"
)
_FORGET_UNPUBLISHED: Final = "DELETE FROM roi.outbox WHERE workspace_id = $1"
_NOTE_PENDING: Final = "UPDATE roi.workspaces SET outbox_pending = true WHERE workspace_id = $1"
_PUBLISH: Final = "INSERT INTO roi.outbox (workspace_id, key, value) VALUES ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page of a list: entities after (`created_at`, id), at most `limit`, newest first."""

    after: tuple[datetime, str] | None
    limit: int
    with_archived: bool = False


@dataclass(frozen=True, slots=True)
class EntityPage:
    """The entities of a page, newest first; `more`: another page follows."""

    entities: list[Entity]
    more: bool


class Reader:
    """Reads the catalog of one workspace in one transaction."""

    def __init__(self, pg: "asyncpg.Connection[asyncpg.Record]", workspace_id: str) -> None:
        self.pg = pg
        self.workspace_id = workspace_id

    @classmethod
    async def of(cls, conn: AsyncConnection, workspace_id: str) -> "Reader":
        """Return a reader in the transaction of `conn`."""
        return Reader(await driver(conn), workspace_id)

    async def find(self, kind: EntityKind, entity_id: str) -> Entity | None:
        """Return the entity with this kind and id, archived or not; None when there is none."""
        return await self._one(_BY_ID, entity_id, kind)

    async def find_external(self, kind: EntityKind, external_id: str) -> Entity | None:
        """Return the entity with this kind and external id, archived or not; None when none."""
        return await self._one(_BY_EXTERNAL_ID, external_id, kind)

    async def find_all(self, kind: EntityKind, entity_ids: Collection[str]) -> list[Entity]:
        """Return the entities with this kind and these ids, in any order."""
        return await self._many(_BY_IDS, entity_ids, kind)

    async def find_all_external(
        self, kind: EntityKind, external_ids: Collection[str]
    ) -> list[Entity]:
        """Return the entities with this kind and these external ids, in any order."""
        return await self._many(_BY_EXTERNAL_IDS, external_ids, kind)

    async def page(self, kind: EntityKind, wanted: PageRequest) -> EntityPage:
        """Return one page; it ends before `limit` where its facts reach `PAGE_BYTES_MAX`."""
        created_at, entity_id = wanted.after or _BEFORE_ANY
        rows = await self.pg.fetch(
            _PAGE,
            self.workspace_id,
            kind,
            created_at,
            entity_id,
            wanted.limit + 1,
            wanted.with_archived,
        )
        kept = _within_weight(rows[: wanted.limit])
        return EntityPage(await self._with_versions(kept), more=len(rows) > len(kept))

    async def _one(self, statement: str, key: str, kind: EntityKind) -> Entity | None:
        rows = await self.pg.fetch(statement, self.workspace_id, key, kind)
        found = await self._with_versions(rows)
        return found[0] if found else None

    async def _many(self, statement: str, keys: Collection[str], kind: EntityKind) -> list[Entity]:
        rows = await self.pg.fetch(statement, self.workspace_id, list(keys), kind)
        return await self._with_versions(rows)

    async def _with_versions(self, rows: Sequence[asyncpg.Record]) -> list[Entity]:
        if not rows:
            return []
        versions: dict[UUID, list[Version]] = {row["id"]: [] for row in rows}
        stored = await self.pg.fetch(_VERSIONS, self.workspace_id, list(versions))
        async for row in in_slices(stored, SLICE_ROWS):
            facts = json.loads(row["facts"])
            versions[row["entity_id"]].append(Version(facts, row["valid_from"], row["valid_to"]))
        return [_entity(row, versions[row["id"]]) for row in rows]


class Writer(Reader):
    """Reads and writes the catalog of one workspace under its lock.

    `recorded_at` is the time of this transaction by the workspace's clock.
    """

    recorded_at: datetime

    @classmethod
    async def begin(cls, conn: AsyncConnection, workspace_id: str, now: datetime) -> Self:
        """Return a writer in the transaction of `conn`; this advances the workspace's clock."""
        writer = cls(await driver(conn), workspace_id)
        recorded_at = await writer.pg.fetchval(_TICK, workspace_id, now)
        assert recorded_at is not None, "the workspace exists"
        writer.recorded_at = recorded_at
        return writer

    async def create(
        self,
        kind: EntityKind,
        entity_id: str,
        versions: tuple[Version, ...],
        external_id: str | None = None,
    ) -> Entity:
        """Store a new entity and return it."""
        entity = Entity(
            id=entity_id,
            workspace_id=self.workspace_id,
            kind=kind,
            external_id=external_id,
            created_at=self.recorded_at,
            revision=1,
            recorded_at=self.recorded_at,
            archived_at=None,
            versions=versions,
        )
        await self._save(entity)
        return entity

    async def change(self, entity: Entity, **changes: Any) -> Entity:
        """Store a new state of an entity and return it; an equal state writes nothing.

        `changes` may name `versions`, `external_id` and `archived_at`.
        """
        changed = replace(entity, **changes)
        if changed == entity:
            return entity
        changed = replace(changed, revision=entity.revision + 1, recorded_at=self.recorded_at)
        await self._save(changed)
        return changed

    async def publish_everything(self) -> None:
        """Put every record of the workspace into the outbox again, for an empty log."""
        await self.pg.execute(_FORGET_UNPUBLISHED, self.workspace_id)
        rows = await self.pg.fetch(_ALL, self.workspace_id)
        await self._publish(await self._with_versions(rows))

    async def publish_again(self, entity_ids: Sequence[str]) -> None:
        """Put the current records of these entities into the outbox again."""
        rows = await self.pg.fetch(_SOME, self.workspace_id, entity_ids)
        await self._publish(await self._with_versions(rows))

    async def save_all(self, entities: Sequence[Entity]) -> None:
        """Store the new states of these entities, each once, and put their records in the outbox.

        All of them are of this transaction: their `recorded_at` is that of the writer.
        """
        await self.pg.executemany(_SAVE, [_entity_row(entity) for entity in entities])
        ids = [entity.id for entity in entities]
        await self.pg.execute(_SUPERSEDE, ids, self.workspace_id, self.recorded_at)
        rows = [row for entity in entities for row in _version_rows(entity)]
        await self.pg.executemany(_ADD_VERSION, rows)
        await self._publish(entities)

    async def _save(self, entity: Entity) -> None:
        await self.save_all((entity,))

    async def _publish(self, entities: Iterable[Entity]) -> None:
        records = [record for entity in entities if (record := to_record(entity)) is not None]
        if not records:
            return
        await self.pg.execute(_NOTE_PENDING, self.workspace_id)
        rows = [
            (self.workspace_id, catalog_key(record), encode_catalog(record)) for record in records
        ]
        await self.pg.executemany(_PUBLISH, rows)


def _entity_row(entity: Entity) -> tuple[object, ...]:
    return (
        entity.id,
        entity.workspace_id,
        entity.kind,
        entity.external_id,
        entity.created_at,
        entity.revision,
        entity.recorded_at,
        entity.archived_at,
    )


def _within_weight(rows: Sequence[asyncpg.Record]) -> Sequence[asyncpg.Record]:
    """Return the first rows whose facts together stay within `PAGE_BYTES_MAX`, at least one."""
    size = 0
    for place, row in enumerate(rows):
        size += row["bytes"]
        if size > PAGE_BYTES_MAX and place:
            return rows[:place]
    return rows


def _version_rows(entity: Entity) -> list[tuple[object, ...]]:
    return [
        (
            entity.id,
            entity.workspace_id,
            entity.kind,
            period,
            version.valid_from,
            version.valid_to,
            entity.recorded_at,
            entity.archived_at,
            json.dumps(version.facts),
        )
        for period, version in enumerate(entity.versions)
    ]


def _entity(row: asyncpg.Record, versions: Sequence[Version]) -> Entity:
    return Entity(
        id=str(row["id"]),
        workspace_id=str(row["workspace_id"]),
        kind=row["entity"],
        external_id=row["external_id"],
        created_at=row["created_at"],
        revision=row["revision"],
        recorded_at=row["recorded_at"],
        archived_at=row["archived_at"],
        versions=tuple(versions),
    )
