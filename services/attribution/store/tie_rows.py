"""Untrusted ties between anonymous keys: stored once, found from both ends.

Promise: a tie is one row from each of its keys that leads somewhere, however often it was told. A
read returns at most one row more than the number of ties that may count, so no sender can make it
long. The number of statements does not depend on the batch size.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import asyncpg
from msgspec import Struct

from services.attribution.domain.ties import TIES_MAX
from services.attribution.store.identity_rows import Keyed
from services.attribution.tables import Sql
from shared.ids import CLAIM_PREFIX, TOKEN_PREFIX

INSERT_TIES: Final = Sql("""
INSERT INTO attribution.ties (key, tied_key, workspace_id)
SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::uuid[])
ON CONFLICT DO NOTHING
""")
READ_TIES: Final = Sql(f"""
SELECT n.workspace_id::text, n.key, t.tied_key
FROM unnest($1::bytea[], $2::uuid[]) AS n (key, workspace_id) CROSS JOIN LATERAL (
    SELECT tied_key FROM attribution.ties AS t
    WHERE t.key = n.key AND t.workspace_id = n.workspace_id LIMIT {TIES_MAX + 1}
) AS t
""")
# For each tied key also the number of its own ties, its degree and the touch of its click id.
READ_NEAR: Final = Sql(f"""
SELECT n.workspace_id::text, n.key, t.tied_key, b.ties, a.degree, a.touch_id
FROM unnest($1::bytea[], $2::uuid[]) AS n (key, workspace_id) CROSS JOIN LATERAL (
    SELECT tied_key FROM attribution.ties AS t
    WHERE t.key = n.key AND t.workspace_id = n.workspace_id LIMIT {TIES_MAX + 1}
) AS t CROSS JOIN LATERAL (
    SELECT count(*) AS ties FROM (
        SELECT FROM attribution.ties AS u
        WHERE u.key = t.tied_key AND u.workspace_id = n.workspace_id LIMIT {TIES_MAX + 1}
    ) AS u
) AS b LEFT JOIN LATERAL (
    SELECT degree, touch_id::text FROM attribution.aliases AS a
    WHERE a.key = t.tied_key AND a.workspace_id = n.workspace_id LIMIT 1
) AS a ON true
""")
# The keys of the claims with the token of a trusted order.
READ_PROVEN: Final = Sql(f"""
SELECT n.workspace_id::text, n.own_key, t.tied_key
FROM unnest($1::bytea[], $2::bytea[], $3::uuid[]) AS n (token, own_key, workspace_id)
CROSS JOIN LATERAL (
    SELECT FROM attribution.conversion_keys AS k
    WHERE k.key = n.token AND k.own_key = n.own_key AND k.workspace_id = n.workspace_id LIMIT 1
) AS k CROSS JOIN LATERAL (
    SELECT tied_key FROM attribution.ties AS t
    WHERE t.key = n.token AND t.workspace_id = n.workspace_id LIMIT {TIES_MAX + 1}
) AS t
""")

# (workspace, key, tied key).
Tie = tuple[str, bytes, bytes]


class Near(Struct, frozen=True, gc=False):
    """A tie that counts, and what is stored about the tied key."""

    workspace_id: str
    key: bytes
    tied_key: bytes
    degree: int
    touch_id: str | None


async def insert_ties(conn: asyncpg.Connection, ties: Iterable[Tie]) -> None:
    """Store ties; known ones are skipped."""
    ordered = sorted(ties)
    if ordered:
        await conn.execute(
            INSERT_TIES,
            [key for _, key, _ in ordered],
            [tied for _, _, tied in ordered],
            [workspace for workspace, _, _ in ordered],
        )


async def tied_keys(conn: asyncpg.Connection, keys: Collection[Keyed]) -> set[Keyed]:
    """Return the keys that are tied to one of these; a key with too many ties has none."""
    if not keys:
        return set()
    found: defaultdict[Keyed, set[Keyed]] = defaultdict(set)
    for workspace, key, tied in await conn.fetch(READ_TIES, *_columns(keys)):
        found[workspace, key].add((workspace, tied))
    return {tied for told in found.values() if len(told) <= TIES_MAX for tied in told}


async def near_keys(conn: asyncpg.Connection, keys: Collection[Keyed]) -> list[Near]:
    """Return the ties of these keys that count: neither end has too many others."""
    if not keys:
        return []
    found: defaultdict[Keyed, list[Near | None]] = defaultdict(list)
    for workspace, key, tied, ties, degree, touch_id in await conn.fetch(
        READ_NEAR, *_columns(keys)
    ):
        # A token leads to the keys of its claims, whatever else they are tied to.
        counts = ties <= TIES_MAX or key[:1] == TOKEN_PREFIX
        near = Near(workspace, key, tied, degree or 0, touch_id) if counts else None
        found[workspace, key].append(near)
    return [
        near
        for told in found.values()
        if len(told) <= TIES_MAX
        for near in told
        if near is not None
    ]


async def proven_keys(conn: asyncpg.Connection, tokens: Collection[Tie]) -> set[Tie]:
    """Return (workspace, own key, key) for the claims with a token of their trusted order.

    `tokens` are (workspace, token, own key).
    """
    if not tokens:
        return set()
    ordered = sorted(tokens)
    rows = await conn.fetch(
        READ_PROVEN,
        [token for _, token, _ in ordered],
        [own for _, _, own in ordered],
        [workspace for workspace, _, _ in ordered],
    )
    return {(row[0], row[1], row[2]) for row in rows if row[2][:1] != CLAIM_PREFIX}


def _columns(keys: Collection[Keyed]) -> tuple[list[bytes], list[str]]:
    ordered = sorted(keys)
    return [key for _, key in ordered], [workspace for workspace, _ in ordered]
