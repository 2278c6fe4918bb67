"""The queries of a recompute: the components that a change affects, and all their evidence.

Promise: the number of statements does not depend on the number of components. A journey query is
limited by the policy's widest window and by the newest touches of each key.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import asyncpg
from msgspec import Struct

from services.attribution.domain.components import CONVERSIONS_MAX, KEYS_MAX
from services.attribution.domain.model import Edge, Touch
from services.attribution.store.event_rows import touch_of
from services.attribution.store.identity_rows import Keyed
from services.attribution.tables import CLAIMS_SHOWN, Sql

# (workspace, component id).
Component = tuple[str, bytes]

# Only aliases of conversions have a time. One in the span is enough, hence LIMIT 1.
TOUCHED_COMPONENTS: Final = Sql("""
SELECT c.workspace_id::text, c.component_id
FROM unnest($1::bytea[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])
    AS c (component_id, workspace_id, since, until)
CROSS JOIN LATERAL (
    SELECT FROM attribution.aliases AS a
    WHERE a.component_id = c.component_id
      AND a.workspace_id = c.workspace_id AND a.converted_at BETWEEN c.since AND c.until LIMIT 1
) AS a
""")
CARRIERS: Final = Sql("""
SELECT n.workspace_id::text, n.key, k.own_key, a.component_id
FROM unnest($1::bytea[], $2::uuid[]) AS n (key, workspace_id)
CROSS JOIN LATERAL (
    SELECT own_key
    FROM attribution.conversion_keys AS k
    WHERE k.key = n.key AND k.workspace_id = n.workspace_id OFFSET 0
) AS k
CROSS JOIN LATERAL (
    SELECT component_id
    FROM attribution.aliases AS a
    WHERE a.key = k.own_key AND a.workspace_id = n.workspace_id LIMIT 1
) AS a
""")
_MEMBERS: Final = """
SELECT c.workspace_id::text, c.component_id, a.key, a.degree, a.touch_id::text, a.converted_at
FROM unnest($1::bytea[], $2::uuid[]) AS c (component_id, workspace_id) CROSS JOIN LATERAL (
    SELECT key, degree, touch_id, converted_at FROM attribution.aliases AS a
    WHERE a.component_id = c.component_id AND a.workspace_id = c.workspace_id {most}
) AS a
"""
# With one row more than a component within its bounds can have.
COMPONENT_KEYS: Final = Sql(_MEMBERS.format(most=f"LIMIT {KEYS_MAX + CONVERSIONS_MAX + 1}"))
# Before a component is judged by its bounds: as long as its last batch made it.
MEMBERS: Final = Sql(_MEMBERS.format(most="OFFSET 0"))
# A claim is shown as long as no trusted source tells the order; the smallest ids are a function of
# the set of claims.
CLAIMS: Final = Sql(f"""
SELECT n.workspace_id::text, n.claims_key, e.body
FROM unnest($1::bytea[], $2::uuid[]) AS n (claims_key, workspace_id) CROSS JOIN LATERAL (
    SELECT body
    FROM attribution.evidence AS e
    WHERE e.own_key = n.claims_key AND e.workspace_id = n.workspace_id
    ORDER BY e.own_key, e.workspace_id, e.event_id LIMIT {CLAIMS_SHOWN}
) AS e
""")
CONVERSION_EVIDENCE: Final = Sql("""
SELECT n.workspace_id::text, n.own_key, e.body
FROM unnest($1::bytea[], $2::uuid[]) AS n (own_key, workspace_id) CROSS JOIN LATERAL (
    SELECT body
    FROM attribution.evidence AS e
    WHERE e.own_key = n.own_key AND e.workspace_id = n.workspace_id OFFSET 0
) AS e
""")
COMPONENT_EDGES: Final = Sql("""
SELECT n.workspace_id::text, e.event_id::text, n.key, e.key_b, e.source_kind
FROM unnest($1::bytea[], $2::uuid[]) AS n (key, workspace_id)
CROSS JOIN LATERAL (
    SELECT event_id, key_b, source_kind
    FROM attribution.edges AS e WHERE e.key_a = n.key AND e.workspace_id = n.workspace_id OFFSET 0
) AS e
WHERE e.source_kind IS NOT NULL
""")
_TOUCH: Final = """
event_id::text, kind, occurred_at, anon_key, click_key, link_id::text, placement_id::text, code,
quality, consent, derived, source_kind
"""
JOURNEYS: Final = Sql(f"""
SELECT n.number, t.*
FROM unnest($1::integer[], $2::bytea[], $3::uuid[], $4::timestamptz[], $5::timestamptz[],
            $6::integer[])
    AS n (number, key, workspace_id, since, until, most)
CROSS JOIN LATERAL (
    SELECT {_TOUCH} FROM attribution.touches AS t
    WHERE t.anon_key = n.key
      AND t.workspace_id = n.workspace_id AND t.occurred_at BETWEEN n.since AND n.until
    ORDER BY t.occurred_at DESC LIMIT n.most
) AS t
""")
TOUCHES_BY_ID: Final = Sql(f"""
SELECT n.number, t.*
FROM unnest($1::integer[], $2::uuid[], $3::uuid[]) AS n (number, touch_id, workspace_id)
CROSS JOIN LATERAL (
    SELECT {_TOUCH}
    FROM attribution.touches AS t
    WHERE t.event_id = n.touch_id AND t.workspace_id = n.workspace_id LIMIT 1
) AS t
""")
COMPONENTS_OF_CONVERSIONS: Final = Sql("""
SELECT n.workspace_id::text, n.own_key, n.own_key, a.component_id
FROM unnest($1::bytea[], $2::uuid[]) AS n (own_key, workspace_id) CROSS JOIN LATERAL (
    SELECT component_id
    FROM attribution.aliases AS a
    WHERE a.key = n.own_key AND a.workspace_id = n.workspace_id LIMIT 1
) AS a
""")


class Carrier(Struct, frozen=True, gc=False):
    """A conversion that carries a key, and its component. By its own key it carries itself."""

    workspace_id: str
    key: bytes
    own_key: bytes
    component_id: bytes


class ComponentKey(Struct, frozen=True, gc=False):
    """One key of a component.

    `touch_id` is set for click keys, `converted_at` for conversions.
    """

    component: Component
    key: bytes
    degree: int
    touch_id: str | None
    converted_at: datetime | None


class Journey(Struct, frozen=True, gc=False):
    """A request for the newest `most` touches of one key between two moments.

    `number` is the index of the component in the caller's list; the answer repeats it.
    """

    number: int
    key: bytes
    workspace_id: str
    since: datetime
    until: datetime
    most: int


def _columns(pairs: Iterable[tuple[str, bytes]]) -> tuple[list[bytes], list[str]]:
    ordered = sorted(pairs)
    return [value for _, value in ordered], [workspace for workspace, _ in ordered]


async def touched_components(
    conn: asyncpg.Connection, spans: Sequence[tuple[Component, datetime, datetime]]
) -> set[Component]:
    """Return the components that hold a conversion between the two moments of their span."""
    if not spans:
        return set()
    rows = await conn.fetch(
        TOUCHED_COMPONENTS,
        [component_id for (_, component_id), _, _ in spans],
        [workspace for (workspace, _), _, _ in spans],
        [since for _, since, _ in spans],
        [until for _, _, until in spans],
    )
    return {(row[0], row[1]) for row in rows}


async def carried_by(conn: asyncpg.Connection, keys: Collection[Keyed]) -> list[Carrier]:
    """Return the conversions that contain these keys themselves."""
    if not keys:
        return []
    return [Carrier(*row) for row in await conn.fetch(CARRIERS, *_columns(keys))]


async def components_of_conversions(
    conn: asyncpg.Connection, own_keys: Collection[Keyed]
) -> list[Carrier]:
    """Return these conversions with their components."""
    rows = await conn.fetch(COMPONENTS_OF_CONVERSIONS, *_columns(own_keys))
    return [Carrier(*row) for row in rows]


async def component_keys(
    conn: asyncpg.Connection, components: Collection[Component]
) -> list[ComponentKey]:
    """Return all keys of the components, or one more than fit into their bounds."""
    return await _members(conn, COMPONENT_KEYS, components)


async def members(
    conn: asyncpg.Connection, components: Collection[Component]
) -> list[ComponentKey]:
    """Return all keys of the components."""
    return await _members(conn, MEMBERS, components)


async def _members(
    conn: asyncpg.Connection, statement: Sql, components: Collection[Component]
) -> list[ComponentKey]:
    if not components:
        return []
    rows = await conn.fetch(statement, *_columns(components))
    return [ComponentKey((row[0], row[1]), *row[2:]) for row in rows]


async def conversion_evidence(
    conn: asyncpg.Connection, own_keys: Collection[Keyed]
) -> list[tuple[Keyed, bytes]]:
    """Return every trusted version and every adjustment of these conversions as stored bytes."""
    rows = await conn.fetch(CONVERSION_EVIDENCE, *_columns(own_keys))
    return [((row[0], row[1]), row[2]) for row in rows]


async def claims(
    conn: asyncpg.Connection, claims_keys: Collection[Keyed]
) -> list[tuple[Keyed, bytes]]:
    """Return some claims of each conversion as stored bytes: (workspace, claims key), body."""
    if not claims_keys:
        return []
    rows = await conn.fetch(CLAIMS, *_columns(claims_keys))
    return [((row[0], row[1]), row[2]) for row in rows]


async def edges_of(conn: asyncpg.Connection, keys: Collection[Keyed]) -> list[tuple[str, Edge]]:
    """Return (workspace, edge) for the trusted edges whose smaller key is one of these."""
    if not keys:
        return []
    rows = await conn.fetch(COMPONENT_EDGES, *_columns(keys))
    return [(row[0], Edge(row[1], row[2], row[3], row[4])) for row in rows]


async def journeys(conn: asyncpg.Connection, asked: Sequence[Journey]) -> list[tuple[int, Touch]]:
    """Return (number, touch) for each requested key and time span."""
    if not asked:
        return []
    rows = await conn.fetch(
        JOURNEYS,
        [item.number for item in asked],
        [item.key for item in asked],
        [item.workspace_id for item in asked],
        [item.since for item in asked],
        [item.until for item in asked],
        [item.most for item in asked],
    )
    return [(row["number"], touch_of(row)) for row in rows]


async def touches_by_id(
    conn: asyncpg.Connection, asked: Collection[tuple[int, str, str]]
) -> list[tuple[int, Touch]]:
    """Return (number, touch) for (number, touch id, workspace)."""
    if not asked:
        return []
    ordered = sorted(asked)
    rows = await conn.fetch(
        TOUCHES_BY_ID,
        [number for number, _, _ in ordered],
        [touch_id for _, touch_id, _ in ordered],
        [workspace for _, _, workspace in ordered],
    )
    return [(row["number"], touch_of(row)) for row in rows]
