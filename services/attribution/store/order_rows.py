"""Queries of the list of orders: which conversions a text means, and one page of them.

Promise: a page is of one snapshot of one workspace, newest first, and stays in order while orders
come in. The texts of a question are compared with ids, keys and names exactly.
What can go wrong: a text means more conversions than `MEANT_MAX`, a name has more content than
`CREATOR_CONTENT_MAX`, or a catalog has more objects than `CATALOG_MAX`. A caller asks for one more,
and so sees it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.attribution.store.attention_kind import AttentionKind
from services.attribution.store.attention_rows import statement_of_order

# Conversions that one text may mean; each is looked up for a page.
MEANT_MAX: Final = 20_000
# Placements, links and codes of the creators of one name.
CREATOR_CONTENT_MAX: Final = 10_000
# Creators, and placements, links and codes, that are read to find those of one name.
CATALOG_MAX: Final = 100_000

ZONE: Final = """
SELECT convert_from(record, 'UTF8')::jsonb ->> 'time_zone' FROM attribution.catalog
WHERE entity = 'workspace' LIMIT 1
"""
OBJECTS: Final = """
SELECT count(*) FROM (
    SELECT FROM attribution.catalog WHERE entity = ANY ($1::text[]) LIMIT $2
) AS counted
"""
CREATOR: Final = """
SELECT entity_id::text FROM attribution.catalog
WHERE entity_id = $1::uuid AND entity = 'creator'
"""
CREATORS: Final = """
SELECT entity_id::text FROM attribution.catalog
WHERE entity = 'creator'
  AND lower(convert_from(record, 'UTF8')::jsonb ->> 'name') = lower($1::text)
"""
# What belongs to creators: their content, its links, their codes.
CONTENT: Final = """
WITH facts AS (
    SELECT entity, entity_id::text AS id, convert_from(record, 'UTF8')::jsonb AS record
    FROM attribution.catalog WHERE entity IN ('placement', 'link', 'code')
), own AS (
    SELECT id FROM facts
    WHERE entity = 'placement' AND record ->> 'creator_id' = ANY ($1::text[])
)
SELECT 'placement', id FROM own
UNION
SELECT 'link', f.id FROM facts AS f
CROSS JOIN LATERAL jsonb_array_elements(f.record -> 'periods') AS p (period)
JOIN own ON own.id = p.period ->> 'placement_id' WHERE f.entity = 'link'
UNION
SELECT 'code', f.record ->> 'code' FROM facts AS f
CROSS JOIN LATERAL jsonb_array_elements(f.record -> 'periods') AS p (period)
WHERE f.entity = 'code' AND p.period ->> 'creator_id' = ANY ($1::text[])
LIMIT $2
"""
# Local days, both included; null is without an end.
_IN_DAYS: Final = """
    occurred_at >= coalesce({first}::date::timestamp AT TIME ZONE {zone}::text, '-infinity')
    AND occurred_at < coalesce(({last}::date + 1)::timestamp AT TIME ZONE {zone}::text, 'infinity')
"""
MEANT: Final = f"""
SELECT c.own_key FROM (
    SELECT * FROM unnest($1::bytea[]) AS named (own_key)
    UNION SELECT own_key FROM attribution.conversion_keys WHERE key = ANY ($2::bytea[])
    UNION SELECT own_key FROM attribution.decision_subjects WHERE subject = ANY ($3::text[])
) AS meant
JOIN attribution.conversions AS c ON c.own_key = meant.own_key
WHERE {_IN_DAYS.format(first="$4", last="$5", zone="$6")}
LIMIT $7
"""
ORDERS: Final = f"""
SELECT c.own_key, c.natural_id, c.store, c.kind, c.occurred_at, c.status, c.net_minor, c.currency,
       c.standing, (convert_from(d.body, 'UTF8')::jsonb ->> 'new_customer')::boolean
FROM (
    SELECT * FROM attribution.conversions
    WHERE ($1::bytea[] IS NULL OR own_key = ANY ($1::bytea[]))
      AND {_IN_DAYS.format(first="$2", last="$3", zone="$4")}
      AND ($5::text IS NULL OR status = $5::text)
      AND ($6::text IS NULL OR store = $6::text)
      AND ($7::text IS NULL OR kind = $7::text)
      AND ($8::timestamptz IS NULL OR (occurred_at, own_key) < ($8::timestamptz, $9::bytea))
    ORDER BY occurred_at DESC, own_key DESC LIMIT $10::integer
) AS c
JOIN attribution.decisions AS d
  ON d.own_key = c.own_key AND d.revision = c.revision AND d.workspace_id = c.workspace_id
ORDER BY c.occurred_at DESC, c.own_key DESC
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which orders are asked for; None is every one. Days are local, both included."""

    first_on: date | None = None
    last_on: date | None = None
    time_zone: str = "UTC"
    status: str | None = None
    store: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One conversion as it stands; `standing` are its stored credits."""

    own_key: bytes
    natural_id: str
    store: str
    kind: str
    occurred_at: datetime
    status: str
    net_minor: int
    currency: str | None
    standing: bytes
    new_customer: bool | None


async def time_zone(conn: asyncpg.Connection) -> str:
    """Return the reporting time zone of the visible workspace."""
    return await conn.fetchval(ZONE) or "UTC"


async def objects(conn: asyncpg.Connection, kinds: Iterable[str], limit: int) -> int:
    """Return how many objects of these kinds the catalog has, `limit` at most."""
    return int(await conn.fetchval(OBJECTS, list(kinds), limit))


async def creator_with_id(conn: asyncpg.Connection, creator_id: UUID) -> str | None:
    """Return the id if a creator has it."""
    found: str | None = await conn.fetchval(CREATOR, creator_id)
    return found


async def creators_named(conn: asyncpg.Connection, text: str) -> list[str]:
    """Return the ids of the creators with this name."""
    return [row[0] for row in await conn.fetch(CREATORS, text)]


async def content_of(
    conn: asyncpg.Connection, creators: Collection[str], limit: int
) -> list[tuple[str, str]]:
    """Return what belongs to these creators, `limit` of it at most.

    Each is a pair: `placement` or `link` with its id, or `code` with its text.
    """
    return [(row[0], row[1]) for row in await conn.fetch(CONTENT, list(creators), limit)]


async def meant(
    conn: asyncpg.Connection,
    own_keys: Iterable[bytes],
    person_keys: Iterable[bytes],
    subjects: Iterable[str],
    asked: Asked,
    limit: int,
) -> list[bytes]:
    """Return the conversions that are named, carry a key or used a subject, `limit` at most."""
    rows = await conn.fetch(
        MEANT,
        *(list(own_keys), list(person_keys), list(subjects)),
        *(asked.first_on, asked.last_on, asked.time_zone),
        limit,
    )
    return [row[0] for row in rows]


async def orders(
    conn: asyncpg.Connection,
    among: list[bytes] | None,
    asked: Asked,
    after: tuple[datetime, bytes] | None,
    limit: int,
) -> list[OrderRow]:
    """Return the newest orders before `after`; `among` None: of all."""
    rows = await conn.fetch(
        ORDERS,
        among,
        *(asked.first_on, asked.last_on, asked.time_zone),
        *(asked.status, asked.store, asked.kind),
        *(after or (None, None)),
        limit,
    )
    return [OrderRow(*row) for row in map(tuple, rows)]


async def attention_of(
    conn: asyncpg.Connection, kinds: Iterable[AttentionKind], filed_under: Mapping[bytes, bytes]
) -> dict[bytes, list[str]]:
    """Return the ids of the attention kinds that found something of each conversion.

    `filed_under` has the conversion of each key under which its evidence is filed.
    """
    parts = " UNION ALL ".join(
        f"SELECT DISTINCT '{kind.id}' AS kind, filed_under FROM ({statement_of_order(kind)}) AS one"
        for kind in kinds
    )
    found: dict[bytes, list[str]] = {}
    rows: Collection[asyncpg.Record] = await conn.fetch(parts, list(filed_under))
    for kind, key in sorted(map(tuple, rows)):
        listed = found.setdefault(filed_under[key], [])
        if kind not in listed:
            listed.append(kind)
    return found
