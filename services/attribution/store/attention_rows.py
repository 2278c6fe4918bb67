"""The rows of the attention list: what each kind finds in the visible workspaces.

Promise: kinds that find nothing are left out. Counts are exact; examples are the newest.
"""

from collections.abc import Iterable
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
    found: list[Attention] = []
    for kind in kinds:
        row = await conn.fetchrow(f"SELECT count(*), max(occurred_at) FROM ({kind.found}) AS found")
        assert row is not None, "an aggregate has one row"
        if row[0]:
            found.append(Attention(kind, row[0], row[1], await _examples(conn, kind)))
    return found


async def _examples(conn: asyncpg.Connection, kind: AttentionKind) -> tuple[Example, ...]:
    rows = await conn.fetch(
        "SELECT order_id, event_id::text, occurred_at, detail"
        f" FROM ({kind.found}) AS found"
        " ORDER BY occurred_at DESC, order_id, event_id LIMIT $1",
        EXAMPLES_MAX,
    )
    return tuple(Example(*row) for row in rows)
