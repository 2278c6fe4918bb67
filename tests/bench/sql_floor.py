"""The limit of attribution: plain SQL that stores the same rows in the same tables.

Promise: each batch of 10,000 rows is one transaction: COPY into temporary tables, insert with
deduplication into tables with the columns and indexes of the service (no row-level security), and
an hourly rollup. Decoding is not timed.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.attribution.tables import EVIDENCE_COLUMNS, TOUCH_COLUMNS
from services.attribution.wire.event_readings import read
from tests.fixtures.connections import connect

BATCH_ROWS: Final = 10_000
TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS floor;
CREATE TABLE floor.touches (LIKE attribution.touches INCLUDING ALL);
CREATE TABLE floor.evidence (LIKE attribution.evidence INCLUDING ALL);
CREATE TABLE floor.hourly (
    link_id uuid NOT NULL, hour_at timestamptz NOT NULL, workspace_id uuid NOT NULL,
    counted bigint NOT NULL,
    PRIMARY KEY (link_id, hour_at, workspace_id)
);
CREATE TEMP TABLE floor_touches (LIKE attribution.touches) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE floor_evidence (LIKE attribution.evidence) ON COMMIT DELETE ROWS;
"""
STORE: Final = """
INSERT INTO floor.touches SELECT * FROM floor_touches
ON CONFLICT (event_id, workspace_id) DO NOTHING;
INSERT INTO floor.evidence SELECT * FROM floor_evidence
ON CONFLICT (event_id, workspace_id) DO NOTHING;
INSERT INTO floor.hourly AS h
SELECT link_id, date_trunc('hour', occurred_at), workspace_id, count(*) FROM floor_touches
WHERE link_id IS NOT NULL GROUP BY 1, 2, 3
ON CONFLICT (link_id, hour_at, workspace_id) DO UPDATE SET counted = h.counted + excluded.counted;
"""

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, ready to copy."""

    touches: Sequence[Row]
    evidence: Sequence[Row]


def batches(values: Iterable[bytes]) -> list[Batch]:
    """Return encoded events as batches of rows of the tables of attribution."""
    found: list[Batch] = []
    touches: list[Row] = []
    evidence: list[Row] = []
    for value in values:
        reading = read(value)
        if reading.touch is not None:
            touch = reading.touch
            touches.append(
                (
                    *(touch.touch_id, reading.workspace_id, touch.kind, touch.occurred_at),
                    *(touch.anon_key, touch.click_key, touch.link_id, touch.placement_id),
                    *(touch.code, touch.quality, touch.consent, touch.derived),
                    *(reading.fingerprint, touch.source_kind),
                )
            )
        else:
            evidence.append(
                (
                    *(reading.event_id, reading.workspace_id, reading.kind, reading.occurred_at),
                    *(reading.filed_under, reading.fingerprint, reading.body, reading.quality),
                )
            )
        if len(touches) + len(evidence) == BATCH_ROWS:
            found.append(Batch(touches, evidence))
            touches, evidence = [], []
    found.append(Batch(touches, evidence))
    return found


async def rows_per_second(url: str, work: Sequence[Batch]) -> float:
    """Store all batches in a fresh database; return rows per second."""
    connection: Any = await connect(url)
    try:
        await connection.execute("SET jit = off")
        await connection.execute(TABLES)
        began = time.monotonic()
        for batch in work:
            async with connection.transaction():
                await connection.copy_records_to_table(
                    "floor_touches", records=batch.touches, columns=TOUCH_COLUMNS
                )
                await connection.copy_records_to_table(
                    "floor_evidence", records=batch.evidence, columns=EVIDENCE_COLUMNS
                )
                await connection.execute(STORE)
        seconds = time.monotonic() - began
    finally:
        await connection.close()
    return sum(len(batch.touches) + len(batch.evidence) for batch in work) / seconds
