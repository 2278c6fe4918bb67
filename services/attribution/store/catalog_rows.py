"""Catalog records, API key hashes, and the corrections that queue conversions to recompute.

Promise: a record replaces another only if its revision is greater. Of an API key only the SHA-256
hash is stored.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from services.attribution.domain.model import Touch
from services.attribution.tables import IN_SERIES, TRUSTED, WITHIN, Sql
from shared.catalog import AnyCatalogRecord, ApiKey, decode_catalog, encode_catalog
from shared.code_texts import code_text
from shared.events import Quality

RECORDS_AFTER: Final = Sql("""
SELECT n.workspace_id::text, c.record
FROM unnest($1::uuid[], $2::bigint[]) AS n (workspace_id, version) CROSS JOIN LATERAL (
    SELECT version, record
    FROM attribution.catalog AS c
    WHERE c.version > n.version AND c.workspace_id = n.workspace_id OFFSET 0
) AS c
ORDER BY c.version
""")
READ_RECORDS: Final = Sql("""
SELECT n.workspace_id::text, n.entity_id::text, c.record
FROM unnest($1::uuid[], $2::uuid[]) AS n (workspace_id, entity_id)
CROSS JOIN LATERAL (
    SELECT record
    FROM attribution.catalog AS c
    WHERE c.entity_id = n.entity_id AND c.workspace_id = n.workspace_id LIMIT 1
) AS c
""")
UPSERT_RECORDS: Final = Sql("""
INSERT INTO attribution.catalog AS c (entity_id, workspace_id, entity, revision, version, record)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[])
ON CONFLICT (entity_id, workspace_id) DO UPDATE
SET entity = excluded.entity, revision = excluded.revision, version = excluded.version,
    record = excluded.record
WHERE c.revision < excluded.revision
""")
UPSERT_KEYS: Final = Sql("""
INSERT INTO attribution.key_hashes (sha256, workspace_id, key_id, scopes, is_public, origins)
SELECT sha256, workspace_id, key_id, string_to_array(scopes, ' '), is_public,
       string_to_array(origins, ' ')
FROM unnest($1::bytea[], $2::uuid[], $3::uuid[], $4::text[], $5::boolean[], $6::text[])
    AS n (sha256, workspace_id, key_id, scopes, is_public, origins)
ON CONFLICT (sha256) DO UPDATE
SET scopes = excluded.scopes, is_public = excluded.is_public, origins = excluded.origins
WHERE key_hashes.workspace_id = excluded.workspace_id
""")
DELETE_KEYS: Final = Sql("""
DELETE FROM attribution.key_hashes
WHERE sha256 = ANY ($1::bytea[]) AND workspace_id = ANY ($2::uuid[])
""")
LOOK_UP_KEY: Final = Sql("""
SELECT workspace_id::text, key_id::text, scopes, is_public, origins
FROM attribution.key_hashes WHERE sha256 = $1::bytea
""")
# Counts the touches whose account a catalog correction may change, grouped by everything that the
# account depends on. $3 holds the moments at which an owner may change, so all touches of one
# bucket have the same owner. Only clicks on links are repeats, and all clicks on a link are read.
_COUNTS: Final = """
SELECT kind, quality, link_id::text, placement_id::text, code, min(occurred_at) AS occurred_at,
       is_repeat, count(*)::integer AS touches
FROM (
    SELECT t.*, {is_repeat} AS is_repeat FROM attribution.touches AS t
    WHERE {which} AND t.workspace_id = $2::uuid
) AS t
GROUP BY kind, quality, link_id, placement_id, code, is_repeat,
         width_bucket(occurred_at, $3::timestamptz[]),
         date_bin('15 minutes', occurred_at, '2000-01-01 00:00:00+00')
"""
_IN_SERIES: Final = IN_SERIES.format(t="t")
_IS_REPEAT: Final = f"""{_IN_SERIES} AND coalesce(
        t.occurred_at - lag(t.occurred_at) OVER (
            PARTITION BY t.link_id, t.anon_key, {TRUSTED.format(t="t")}, {_IN_SERIES}
            ORDER BY t.occurred_at, t.event_id
        ) <= {WITHIN}, false)"""
COUNT_OF_LINKS: Final = Sql(
    _COUNTS.format(which="t.link_id = ANY ($1::uuid[])", is_repeat=_IS_REPEAT)
)
COUNT_OF_PLACEMENTS: Final = Sql(
    _COUNTS.format(which="t.placement_id = ANY ($1::uuid[])", is_repeat="false")
)
COUNT_OF_CODES: Final = Sql(_COUNTS.format(which="t.code = ANY ($1::text[])", is_repeat="false"))


@dataclass(frozen=True, slots=True)
class TouchCount:
    """A number of touches that differ only in fields no account depends on."""

    touch: Touch
    touches: int
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key as stored under its hash."""

    workspace_id: str
    key_id: str
    scopes: tuple[str, ...]
    is_public: bool
    origins: tuple[str, ...]


async def records_after(
    conn: asyncpg.Connection, versions: Mapping[str, int]
) -> dict[str, list[AnyCatalogRecord]]:
    """Return the records of each workspace changed after its version, oldest change first."""
    rows = await conn.fetch(RECORDS_AFTER, list(versions), list(versions.values()))
    found: dict[str, list[AnyCatalogRecord]] = {}
    for workspace, record in rows:
        found.setdefault(workspace, []).append(decode_catalog(record))
    return found


async def read_records(
    conn: asyncpg.Connection, entities: Collection[tuple[str, str]]
) -> dict[tuple[str, str], AnyCatalogRecord]:
    """Return the stored records of (workspace, entity) pairs; unknown pairs are absent."""
    ordered = sorted(entities)
    rows = await conn.fetch(
        READ_RECORDS, [workspace for workspace, _ in ordered], [entity for _, entity in ordered]
    )
    return {(workspace, entity): decode_catalog(record) for workspace, entity, record in rows}


async def upsert_records(
    conn: asyncpg.Connection, records: Sequence[tuple[AnyCatalogRecord, int]]
) -> None:
    """Store (record, catalog version of its workspace) pairs; at most one record per entity."""
    await conn.execute(
        UPSERT_RECORDS,
        [record.id for record, _ in records],
        [record.workspace_id for record, _ in records],
        [type(record).__name__.lower() for record, _ in records],
        [record.revision for record, _ in records],
        [version for _, version in records],
        [encode_catalog(record) for record, _ in records],
    )


async def upsert_keys(conn: asyncpg.Connection, keys: Sequence[ApiKey]) -> None:
    """Store the active keys and delete the archived ones."""
    living = [key for key in keys if key.deleted_at is None]
    gone = [key for key in keys if key.deleted_at is not None]
    if living:
        await conn.execute(
            UPSERT_KEYS,
            [bytes.fromhex(key.sha256) for key in living],
            [key.workspace_id for key in living],
            [key.id for key in living],
            [" ".join(key.scopes) for key in living],
            [key.public for key in living],
            [" ".join(key.origins) for key in living],
        )
    if gone:
        await conn.execute(
            DELETE_KEYS,
            [bytes.fromhex(key.sha256) for key in gone],
            [key.workspace_id for key in gone],
        )


async def look_up_key(conn: asyncpg.Connection, sha256: bytes) -> KeyRow | None:
    """Return the key with this hash, or None."""
    row = await conn.fetchrow(LOOK_UP_KEY, sha256)
    if row is None:
        return None
    return KeyRow(row[0], row[1], tuple(row["scopes"]), row["is_public"], tuple(row["origins"]))


async def count_touches(
    conn: asyncpg.Connection,
    statement: Sql,
    ids: Collection[str],
    workspace_id: str,
    boundaries: Collection[datetime],
) -> list[TouchCount]:
    """Count touches by one of the `COUNT_OF_…` statements.

    `boundaries` are the moments at which the owner of the touches may change.
    """
    if not ids:
        return []
    rows = await conn.fetch(statement, sorted(ids), workspace_id, sorted(set(boundaries)))
    return [_count_of(row) for row in rows]


def _count_of(row: asyncpg.Record) -> TouchCount:
    touch = Touch(
        touch_id="",
        kind=row["kind"],
        occurred_at=row["occurred_at"],
        anon_key=None,
        link_id=row["link_id"],
        placement_id=row["placement_id"],
        code=code_text(row["code"]) if row["code"] is not None else None,
        quality=tuple(Quality(flag) for flag in row["quality"]),
    )
    return TouchCount(touch, row["touches"], row["is_repeat"])
