"""A batch's way into the tables: COPY into stage tables, insert what is new, and say what was known already.

Promise: a fixed number of statements a batch, whatever its size. A real touch replaces a derived one under the same id. Only what is new
is inserted; for the rest the stored fingerprint tells duplicate from conflict.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from services.attribution.domain.model import Edge, Touch
from services.attribution.tables import (
    EDGE_COLUMNS,
    EVIDENCE_COLUMNS,
    STAGE_TABLES,
    TOUCH_COLUMNS,
    Sql,
)
from shared.events import Quality

# No flags travel as nothing: an empty array is a fifth of what the driver takes to copy a row.
_STAGED_TOUCH: Final = ", ".join(TOUCH_COLUMNS).replace("quality", "coalesce(quality, '{}')")
# Nearly every batch is all new, and then the number of rows inserted says so: with RETURNING each row would be checked against the policy a
# second time and joined back. Which ones were known is asked of the table: those of writers before this one. The first statement of a write
# takes the locks, so whoever wrote these workspaces' rows had ended when this transaction got its number.
INSERT_TOUCHES: Final = Sql(f"""
INSERT INTO attribution.touches ({", ".join(TOUCH_COLUMNS)}) SELECT {_STAGED_TOUCH} FROM stage_touches
ON CONFLICT (event_id, workspace_id) DO NOTHING
""")
INSERT_EVIDENCE: Final = Sql(f"""
INSERT INTO attribution.evidence ({", ".join(EVIDENCE_COLUMNS)}) SELECT {", ".join(EVIDENCE_COLUMNS)} FROM stage_evidence
ON CONFLICT (event_id, workspace_id) DO NOTHING
""")
KNOWN_TOUCHES: Final = Sql("""
SELECT s.place, t.* FROM stage_touches AS s CROSS JOIN LATERAL (
    SELECT event_id::text, kind, occurred_at, anon_key, click_key, link_id::text, placement_id::text, code, quality, consent, derived,
           fingerprint, xmin AS writer
    FROM attribution.touches AS t WHERE t.event_id = s.event_id AND t.workspace_id = s.workspace_id LIMIT 1
) AS t
WHERE age(t.writer) > age(pg_current_xact_id()::xid)
""")
KNOWN_EVIDENCE: Final = Sql("""
SELECT s.place, e.fingerprint FROM stage_evidence AS s CROSS JOIN LATERAL (
    SELECT fingerprint, xmin AS writer FROM attribution.evidence AS e
    WHERE e.event_id = s.event_id AND e.workspace_id = s.workspace_id LIMIT 1
) AS e
WHERE age(e.writer) > age(pg_current_xact_id()::xid)
""")
REPLACE_DERIVED: Final = Sql(f"""
INSERT INTO attribution.touches AS t ({", ".join(TOUCH_COLUMNS)})
SELECT {_STAGED_TOUCH} FROM stage_touches WHERE place = ANY ($1::integer[])
ON CONFLICT (event_id, workspace_id) DO UPDATE
SET occurred_at = excluded.occurred_at, anon_key = excluded.anon_key, click_key = excluded.click_key, link_id = excluded.link_id,
    quality = excluded.quality, consent = excluded.consent, derived = false, fingerprint = excluded.fingerprint
WHERE t.derived
""")
INSERT_EDGES: Final = Sql(f"""
INSERT INTO attribution.edges ({", ".join(EDGE_COLUMNS)}) SELECT {", ".join(EDGE_COLUMNS)} FROM stage_edges ON CONFLICT DO NOTHING
""")


class StagedTouch(msgspec.Struct, frozen=True, gc=False):
    """A touch of the batch at its place in it."""

    place: int
    workspace_id: str
    touch: Touch
    fingerprint: bytes


class StagedEvidence(msgspec.Struct, frozen=True, gc=False):
    """An event of the batch that is no touch, at its place in it."""

    place: int
    workspace_id: str
    event_id: str
    kind: str
    occurred_at: datetime
    own_key: bytes | None
    fingerprint: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class KnownTouch:
    """What the table held under the id of a staged touch."""

    touch: Touch
    fingerprint: bytes


async def prepare(conn: asyncpg.Connection) -> None:
    """Make this connection's stage tables, or find them there."""
    await conn.execute(STAGE_TABLES)


async def store_touches(
    conn: asyncpg.Connection, rows: Sequence[tuple[object, ...]]
) -> dict[int, KnownTouch]:
    """Insert what is new; the answer tells, by place, what was known. Known derived touches are not replaced yet."""
    if not rows:
        return {}
    await conn.copy_records_to_table(
        "stage_touches", records=rows, columns=("place", *TOUCH_COLUMNS)
    )
    if _inserted(await conn.execute(INSERT_TOUCHES)) == len(rows):
        return {}
    found = await conn.fetch(KNOWN_TOUCHES)
    return {row["place"]: KnownTouch(touch_of(row), row["fingerprint"]) for row in found}


async def replace_derived(conn: asyncpg.Connection, places: Sequence[int]) -> None:
    """Put the real clicks at these places over the derived rows under their ids."""
    if places:
        await conn.execute(REPLACE_DERIVED, places)


async def store_evidence(
    conn: asyncpg.Connection, rows: Sequence[tuple[object, ...]]
) -> dict[int, bytes]:
    """Insert what is new; the answer gives, by place, the fingerprint of what was known."""
    if not rows:
        return {}
    await conn.copy_records_to_table(
        "stage_evidence", records=rows, columns=("place", *EVIDENCE_COLUMNS)
    )
    if _inserted(await conn.execute(INSERT_EVIDENCE)) == len(rows):
        return {}
    return {row["place"]: row["fingerprint"] for row in await conn.fetch(KNOWN_EVIDENCE)}


def _inserted(status: str) -> int:
    """How many rows an `INSERT 0 <rows>` was."""
    return int(status.rpartition(" ")[2])


async def store_edges(conn: asyncpg.Connection, edges: Iterable[tuple[str, Edge]]) -> None:
    """Insert edges, each with its workspace."""
    rows = [(edge.key_a, edge.event_id, edge.key_b, workspace) for workspace, edge in edges]
    if rows:
        await conn.copy_records_to_table("stage_edges", records=rows, columns=EDGE_COLUMNS)
        await conn.execute(INSERT_EDGES)


def touch_of(row: Any) -> Touch:
    """A row of touches as the core wants it."""
    return Touch(
        touch_id=row["event_id"],
        kind=row["kind"],
        occurred_at=row["occurred_at"],
        anon_key=row["anon_key"],
        click_key=row["click_key"],
        link_id=row["link_id"],
        placement_id=row["placement_id"],
        code=row["code"],
        quality=tuple(Quality(flag) for flag in row["quality"]),
        consent=row["consent"],
        derived=row["derived"],
    )


def touch_row(item: StagedTouch) -> tuple[object, ...]:
    """A touch as `store_touches` copies it."""
    touch = item.touch
    return (
        item.place,
        touch.touch_id,
        item.workspace_id,
        touch.kind,
        touch.occurred_at,
        touch.anon_key,
        touch.click_key,
        touch.link_id,
        touch.placement_id,
        touch.code,
        touch.quality or None,
        touch.consent,
        touch.derived,
        item.fingerprint,
    )


def evidence_row(item: StagedEvidence) -> tuple[object, ...]:
    """Evidence as `store_evidence` copies it."""
    return (
        item.place,
        item.event_id,
        item.workspace_id,
        item.kind,
        item.occurred_at,
        item.own_key,
        item.fingerprint,
        item.body,
    )
