"""Aliases, neighbours and components: which keys are recomputed together, and which are hubs.

Promise: components only grow, so a recompute never loses evidence. The degree of a key is its
number of distinct neighbours: the keys in the same events. A click id counts as the visitor who
made the click, also if the click arrives later. A probe reads one row by the primary key.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg
from msgspec import Struct

from services.attribution.tables import HUB_NEIGHBOURS, Sql

# `OFFSET 0` and `LIMIT 1` make the planner probe the index once per row. Without them and without
# statistics, it joins by a scan of the whole index. For the same reason, existing rows are updated
# by upsert, which always uses the primary key, and never by UPDATE … FROM.

# The component id of all dissolved components of a workspace. It is smaller than every key, so what
# is united with it gets this id. It is never loaded as a component.
DISSOLVED: Final = b"!"

# (workspace, key).
Keyed = tuple[str, bytes]

# Runs under the workspace's lock, so the rows that the caller read have not changed.
PUT_ALIASES: Final = Sql("""
INSERT INTO attribution.aliases (key, workspace_id, component_id, degree, touch_id, converted_at)
SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::bytea[], $4::integer[], $5::uuid[],
                     $6::timestamptz[])
ON CONFLICT (key, workspace_id) DO UPDATE
SET component_id = excluded.component_id, degree = excluded.degree
""")
# `late` handles clicks that arrive after the events that name them: the neighbours stored under the
# click id become neighbours of the click's visitor.
INSERT_NEIGHBOURS: Final = Sql("""
WITH late AS (
    SELECT n.neighbour AS key, c.visitor, c.workspace_id
    FROM unnest($4::bytea[], $5::bytea[], $6::uuid[]) AS c (click, visitor, workspace_id)
    CROSS JOIN LATERAL (
        SELECT neighbour
        FROM attribution.neighbours AS n
        WHERE n.key = c.click AND n.workspace_id = c.workspace_id OFFSET 0
    ) AS n
    WHERE n.neighbour <> c.visitor
), fresh AS (
    INSERT INTO attribution.neighbours (key, neighbour, workspace_id)
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::uuid[])
    UNION SELECT key, visitor, workspace_id FROM late
    UNION SELECT visitor, key, workspace_id FROM late
    ON CONFLICT DO NOTHING RETURNING key, workspace_id
)
SELECT workspace_id::text, key, count(*)::integer FROM fresh GROUP BY key, workspace_id
""")
READ_ALIASES: Final = Sql("""
SELECT n.workspace_id::text, n.key, a.component_id, a.degree
FROM unnest($1::bytea[], $2::uuid[]) AS n (key, workspace_id) CROSS JOIN LATERAL (
    SELECT component_id, degree
    FROM attribution.aliases AS a WHERE a.key = n.key AND a.workspace_id = n.workspace_id LIMIT 1
) AS a
""")
MERGE_COMPONENTS: Final = Sql("""
INSERT INTO attribution.aliases (key, workspace_id, component_id)
SELECT a.key, a.workspace_id, n.after
FROM unnest($1::bytea[], $2::bytea[], $3::uuid[]) AS n (before, after, workspace_id)
CROSS JOIN LATERAL (
    SELECT key, workspace_id
    FROM attribution.aliases AS a
    WHERE a.component_id = n.before AND a.workspace_id = n.workspace_id OFFSET 0
) AS a
ON CONFLICT (key, workspace_id) DO UPDATE SET component_id = excluded.component_id
""")
# Staged touches whose visitor key has an alias: 1-3 % of visitors.
PROBE_VISITORS: Final = Sql("""
SELECT s.place, a.component_id, a.degree FROM stage_touches AS s CROSS JOIN LATERAL (
    SELECT component_id, degree
    FROM attribution.aliases AS a
    WHERE a.key = s.anon_key AND a.workspace_id = s.workspace_id LIMIT 1
) AS a
""")
PROBE_CLICKS: Final = Sql("""
SELECT s.place, s.workspace_id::text, s.click_key, s.anon_key FROM stage_touches AS s
CROSS JOIN LATERAL (
    SELECT touch_id
    FROM attribution.aliases AS a
    WHERE a.key = s.click_key AND a.workspace_id = s.workspace_id LIMIT 1
) AS a
WHERE s.click_key IS NOT NULL AND a.touch_id = s.event_id AND s.source_kind <> 'public'
""")
VISITORS_OF_CLICKS: Final = Sql("""
SELECT n.workspace_id::text, n.key, t.anon_key
FROM unnest($1::bytea[], $2::uuid[], $3::uuid[]) AS n (key, workspace_id, touch_id)
CROSS JOIN LATERAL (
    SELECT anon_key, source_kind
    FROM attribution.touches AS t
    WHERE t.event_id = n.touch_id AND t.workspace_id = n.workspace_id LIMIT 1
) AS t
WHERE t.anon_key IS NOT NULL AND t.source_kind <> 'public'
""")


class Alias(Struct, frozen=True, gc=False):
    """The component and the degree of a key."""

    component_id: bytes
    degree: int

    @property
    def is_hub(self) -> bool:
        """Whether the key has too many neighbours to merge components."""
        return self.degree > HUB_NEIGHBOURS

    def moved_to(self, component_id: bytes | None) -> "Alias":
        """Return the alias in another component, or this one for None."""
        return self if component_id is None else Alias(component_id, self.degree)


class VisitorHit(Struct, frozen=True, gc=False):
    """A staged touch whose visitor has an alias."""

    place: int
    alias: Alias


async def put_aliases(
    conn: asyncpg.Connection,
    aliases: Mapping[Keyed, Alias],
    touches: Mapping[Keyed, str],
    converted_at: Mapping[Keyed, datetime],
) -> None:
    """Store the component and degree of keys.

    A new alias also stores the touch of a click key and, until the first decision, the time of a
    conversion.
    """
    ordered = sorted(aliases)
    if ordered:
        await conn.execute(
            PUT_ALIASES,
            [key for _, key in ordered],
            [workspace for workspace, _ in ordered],
            [aliases[keyed].component_id for keyed in ordered],
            [aliases[keyed].degree for keyed in ordered],
            [touches.get(keyed) for keyed in ordered],
            [converted_at.get(keyed) for keyed in ordered],
        )


async def insert_neighbours(
    conn: asyncpg.Connection,
    pairs: Collection[tuple[str, bytes, bytes]],
    late: Collection[tuple[str, bytes, bytes]],
) -> dict[Keyed, int]:
    """Store neighbours and return how many new ones each key has.

    `pairs` are (workspace, key, neighbour); `late` are the clicks that arrived after events that
    name them: (workspace, click key, visitor key).
    """
    if not pairs and not late:
        return {}
    ordered, clicks = sorted(pairs), sorted(late)
    rows = await conn.fetch(
        INSERT_NEIGHBOURS,
        [key for _, key, _ in ordered],
        [neighbour for _, _, neighbour in ordered],
        [workspace for workspace, _, _ in ordered],
        [click for _, click, _ in clicks],
        [visitor for _, _, visitor in clicks],
        [workspace for workspace, _, _ in clicks],
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def read_aliases(conn: asyncpg.Connection, keys: Collection[Keyed]) -> dict[Keyed, Alias]:
    """Return the alias of each key; keys without an alias are absent."""
    ordered = sorted(keys)
    if not ordered:
        return {}
    rows = await conn.fetch(
        READ_ALIASES, [key for _, key in ordered], [workspace for workspace, _ in ordered]
    )
    return {
        (row["workspace_id"], row["key"]): Alias(row["component_id"], row["degree"]) for row in rows
    }


async def merge_components(
    conn: asyncpg.Connection, merges: Sequence[tuple[str, bytes, bytes]]
) -> None:
    """Move all keys of components to others: (workspace, before, after)."""
    if merges:
        await conn.execute(
            MERGE_COMPONENTS,
            [before for _, before, _ in merges],
            [after for _, _, after in merges],
            [workspace for workspace, _, _ in merges],
        )


async def probe_visitors(conn: asyncpg.Connection) -> list[VisitorHit]:
    """Return the staged touches whose visitor has an alias."""
    rows = await conn.fetch(PROBE_VISITORS)
    return [VisitorHit(row["place"], Alias(row["component_id"], row["degree"])) for row in rows]


async def probe_clicks(conn: asyncpg.Connection) -> list[tuple[int, str, bytes, bytes]]:
    """Return staged clicks whose click id has an alias: (place, workspace, click key, visitor)."""
    return [tuple(row) for row in await conn.fetch(PROBE_CLICKS)]


async def visitors_of_clicks(
    conn: asyncpg.Connection, touches: Mapping[Keyed, str]
) -> list[tuple[str, bytes, bytes]]:
    """Return the visitors who made the clicks: (workspace, click key, visitor key)."""
    if not touches:
        return []
    ordered = sorted(touches.items())
    rows = await conn.fetch(
        VISITORS_OF_CLICKS,
        [key for (_, key), _ in ordered],
        [workspace for (workspace, _), _ in ordered],
        [touch_id for _, touch_id in ordered],
    )
    return [tuple(row) for row in rows]
