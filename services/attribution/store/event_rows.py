"""Stores the events of a batch: COPY into stage tables, insert new rows, return known ones.

Promise: the number of statements does not depend on the batch size. A real touch replaces a derived
one with the same id. Other known rows stay unchanged; the caller compares the stored fingerprint to
tell a duplicate from a conflict.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
from msgspec import Struct

from services.attribution.domain.model import Edge, Touch
from services.attribution.tables import (
    EDGE_COLUMNS,
    EVIDENCE_COLUMNS,
    STAGE_TABLES,
    TOUCH_COLUMNS,
    Sql,
)
from shared.code_texts import code_text
from shared.events import Quality

# An empty `quality` is copied as NULL: an empty array takes a fifth of the driver's time per row.
_STAGED_TOUCH: Final = ", ".join(TOUCH_COLUMNS).replace("quality", "coalesce(quality, '{}')")
# In nearly every batch all rows are new, and the number of inserted rows shows it. RETURNING would
# check each row against the security policy a second time. If some rows were known, KNOWN_TOUCHES
# and KNOWN_EVIDENCE select the rows written by older transactions. The first statement of a write
# takes the workspace locks, so older writers of these rows ended before this transaction got an id.
# Derived touches are inserted by themselves: their clicks are known, as a rule.
INSERT_TOUCHES: Final = Sql(f"""
INSERT INTO attribution.touches ({", ".join(TOUCH_COLUMNS)})
SELECT {_STAGED_TOUCH} FROM stage_touches WHERE derived = $1::boolean
ON CONFLICT (event_id, workspace_id) DO NOTHING
""")
INSERT_EVIDENCE: Final = Sql(f"""
INSERT INTO attribution.evidence ({", ".join(EVIDENCE_COLUMNS)})
SELECT {", ".join(EVIDENCE_COLUMNS)} FROM stage_evidence
ON CONFLICT (event_id, workspace_id) DO NOTHING
""")
KNOWN_TOUCHES: Final = Sql("""
SELECT s.place, t.* FROM stage_touches AS s CROSS JOIN LATERAL (
    SELECT event_id::text, kind, occurred_at, anon_key, click_key, link_id::text,
           placement_id::text, code, quality, consent, derived, source_kind, fingerprint,
           xmin AS writer
    FROM attribution.touches AS t
    WHERE t.event_id = s.event_id AND t.workspace_id = s.workspace_id LIMIT 1
) AS t
WHERE s.derived = $1::boolean AND age(t.writer) > age(pg_current_xact_id()::xid)
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
SET occurred_at = excluded.occurred_at, anon_key = excluded.anon_key,
    click_key = excluded.click_key, link_id = excluded.link_id,
    quality = excluded.quality, consent = excluded.consent, derived = false,
    fingerprint = excluded.fingerprint, source_kind = excluded.source_kind
WHERE t.derived
""")
INSERT_EDGES: Final = Sql(f"""
INSERT INTO attribution.edges ({", ".join(EDGE_COLUMNS)})
SELECT {", ".join(EDGE_COLUMNS)} FROM stage_edges ON CONFLICT DO NOTHING
""")


class StagedTouch(Struct, frozen=True, gc=False):
    """A touch and its position (`place`) in the batch."""

    place: int
    workspace_id: str
    touch: Touch
    fingerprint: bytes


class StagedEvidence(Struct, frozen=True, gc=False):
    """An event that is not a touch, and its position (`place`) in the batch."""

    place: int
    workspace_id: str
    event_id: str
    kind: str
    occurred_at: datetime
    own_key: bytes | None
    fingerprint: bytes
    body: bytes
    quality: tuple[Quality, ...] = ()


class KnownTouch(Struct, frozen=True, gc=False):
    """The stored touch with the id of a staged touch."""

    touch: Touch
    fingerprint: bytes


async def prepare(conn: asyncpg.Connection) -> None:
    """Create the stage tables of this connection if they do not exist."""
    await conn.execute(STAGE_TABLES)


async def stage_touches(conn: asyncpg.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Copy the touches of a batch into the stage table."""
    if rows:
        await conn.copy_records_to_table(
            "stage_touches", records=rows, columns=("place", *TOUCH_COLUMNS)
        )


async def store_touches(
    conn: asyncpg.Connection, staged: Sequence[StagedTouch]
) -> dict[int, KnownTouch]:
    """Insert the new ones of the staged touches and return the known ones by place.

    Derived ones are not replaced.
    """
    derived = sum(item.touch.derived for item in staged)
    known: dict[int, KnownTouch] = {}
    for is_derived, count in ((False, len(staged) - derived), (True, derived)):
        if not count or _inserted(await conn.execute(INSERT_TOUCHES, is_derived)) == count:
            continue
        for row in await conn.fetch(KNOWN_TOUCHES, is_derived):
            known[row["place"]] = KnownTouch(touch_of(row), row["fingerprint"])
    return known


async def replace_derived(conn: asyncpg.Connection, places: Sequence[int]) -> None:
    """Replace derived touches by the staged real clicks at these places, which have their ids."""
    if places:
        await conn.execute(REPLACE_DERIVED, places)


async def store_evidence(
    conn: asyncpg.Connection, rows: Sequence[tuple[object, ...]]
) -> dict[int, bytes]:
    """Insert the new evidence and return the stored fingerprints of known evidence by place."""
    if not rows:
        return {}
    await conn.copy_records_to_table(
        "stage_evidence", records=rows, columns=("place", *EVIDENCE_COLUMNS)
    )
    if _inserted(await conn.execute(INSERT_EVIDENCE)) == len(rows):
        return {}
    return {row["place"]: row["fingerprint"] for row in await conn.fetch(KNOWN_EVIDENCE)}


def _inserted(status: str) -> int:
    """Return the row count of the command status `INSERT 0 <rows>`."""
    return int(status.rpartition(" ")[2])


async def store_edges(conn: asyncpg.Connection, edges: Iterable[tuple[str, Edge]]) -> None:
    """Insert (workspace, edge) pairs; known edges are skipped."""
    rows = [
        (edge.key_a, edge.event_id, edge.key_b, workspace, edge.source_kind)
        for workspace, edge in edges
    ]
    if rows:
        await conn.copy_records_to_table("stage_edges", records=rows, columns=EDGE_COLUMNS)
        await conn.execute(INSERT_EDGES)


def touch_of(row: Any) -> Touch:
    """Return the domain `Touch` of a row of `touches`."""
    return Touch(
        touch_id=row["event_id"],
        kind=row["kind"],
        occurred_at=row["occurred_at"],
        anon_key=row["anon_key"],
        click_key=row["click_key"],
        link_id=row["link_id"],
        placement_id=row["placement_id"],
        code=code_text(row["code"]) if row["code"] is not None else None,
        quality=tuple(Quality(flag) for flag in row["quality"]),
        consent=row["consent"],
        derived=row["derived"],
        source_kind=row["source_kind"],
    )


def touch_row(item: StagedTouch) -> tuple[object, ...]:
    """Return the row of a touch that `store_touches` copies."""
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
        touch.code.text if touch.code else None,
        touch.quality or None,
        touch.consent,
        touch.derived,
        item.fingerprint,
        touch.source_kind,
    )


def evidence_row(item: StagedEvidence) -> tuple[object, ...]:
    """Return the row of evidence that `store_evidence` copies."""
    return (
        item.place,
        item.event_id,
        item.workspace_id,
        item.kind,
        item.occurred_at,
        item.own_key,
        item.fingerprint,
        item.body,
        item.quality or None,
    )
