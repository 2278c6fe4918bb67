"""Queues the conversions of dissolved components to be decided again.

Promise: the number of statements does not depend on the number of conversions. A conversion that is
queued already stays so, with its reason.
"""

from collections.abc import Collection
from typing import Final

import asyncpg

from services.attribution.store.identity_rows import Keyed
from services.attribution.tables import Sql

# Of the aliases of a component only those of conversions have a time.
WANT_COMPONENTS: Final = Sql("""
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT a.key, n.workspace_id, $3::text
FROM unnest($1::bytea[], $2::uuid[]) AS n (component_id, workspace_id) CROSS JOIN LATERAL (
    SELECT key FROM attribution.aliases AS a
    WHERE a.component_id = n.component_id AND a.workspace_id = n.workspace_id
      AND a.converted_at IS NOT NULL OFFSET 0
) AS a
ON CONFLICT DO NOTHING
""")
WANT_CONVERSIONS: Final = Sql("""
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, $3::text
FROM unnest($1::bytea[], $2::uuid[]) AS n (own_key, workspace_id)
ON CONFLICT DO NOTHING
""")


async def want_components(
    conn: asyncpg.Connection, components: Collection[tuple[str, bytes]], reason: str
) -> None:
    """Queue every conversion of these components."""
    await _want(conn, WANT_COMPONENTS, components, reason)


async def want_conversions(
    conn: asyncpg.Connection, own_keys: Collection[Keyed], reason: str
) -> None:
    """Queue these conversions."""
    await _want(conn, WANT_CONVERSIONS, own_keys, reason)


async def _want(
    conn: asyncpg.Connection, statement: Sql, keyed: Collection[tuple[str, bytes]], reason: str
) -> None:
    ordered = sorted(keyed)
    if ordered:
        keys, workspaces = [key for _, key in ordered], [workspace for workspace, _ in ordered]
        await conn.execute(statement, keys, workspaces, reason)
