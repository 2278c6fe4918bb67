"""The rows of the attention list: what each kind finds in the visible workspaces, or of one order.

Promise: kinds that find nothing are left out. Counts are exact; examples are the newest.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from services.attribution.store.attention_kind import AttentionKind

EXAMPLES_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One of the things that were found; an id that it does not have is None."""

    order_id: str | None
    event_id: str | None
    occurred_at: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Attention:
    """What one kind found: how many, the newest moment, and the newest examples."""

    kind: AttentionKind
    count: int
    newest_at: datetime
    examples: tuple[Example, ...]


async def attention(conn: asyncpg.Connection, kinds: Iterable[AttentionKind]) -> list[Attention]:
    """Return what each kind found; a kind that found nothing is left out."""
    return [item for kind in kinds if (item := await _found(conn, kind, kind.found))]


async def attention_of_order(
    conn: asyncpg.Connection, kinds: Iterable[AttentionKind], filed_under: Collection[bytes]
) -> list[Attention]:
    """Return what each kind found of one conversion, given its own key and its claims key."""
    keys = list(filed_under)
    return [
        item for kind in kinds if (item := await _found(conn, kind, statement_of_order(kind), keys))
    ]


def statement_of_order(kind: AttentionKind) -> str:
    """Return the statement that finds what a kind has of the conversions with the keys $1."""
    found = kind.found_of_order or kind.found
    return f"SELECT * FROM ({found}) AS found WHERE filed_under = ANY ($1::bytea[])"


async def _found(
    conn: asyncpg.Connection, kind: AttentionKind, found: str, *arguments: object
) -> Attention | None:
    row = await conn.fetchrow(
        f"SELECT count(*), max(occurred_at) FROM ({found}) AS found", *arguments
    )
    assert row is not None, "an aggregate has one row"
    if not row[0]:
        return None
    rows = await conn.fetch(
        "SELECT order_id, event_id::text, occurred_at, detail"
        f" FROM ({found}) AS found"
        f" ORDER BY occurred_at DESC, order_id, event_id LIMIT {EXAMPLES_MAX}",
        *arguments,
    )
    return Attention(kind, row[0], row[1], tuple(Example(*item) for item in rows))
