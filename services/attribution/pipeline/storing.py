"""Store the new events of a batch, and classify each reading as new, duplicate or conflict.

Promise: each reading is exactly one of the three. The first payload of an id is kept, in the batch
as in the table. A derived touch (built from a click id) is replaced by the real click without a
conflict.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.attribution.domain.model import Touch
from services.attribution.pipeline.record_sorting import CONFLICT, Refusal, Sorted
from services.attribution.store import event_rows as store
from services.attribution.store.event_rows import StagedTouch
from services.attribution.store.repeat_rows import near_clicks
from services.attribution.wire.event_readings import Reading


@dataclass(slots=True)
class Intake:
    """The new contents of a batch.

    `touches` are the new rows by place, with the derived ones. `replaced` are the derived rows
    that a real click replaced. `near` are the stored clicks next to those of the batch: they say
    which are repeats. `repeated` are the events that were known, and `duplicates` counts them by
    workspace.
    """

    new: list[Reading] = field(default_factory=list)
    repeated: list[Reading] = field(default_factory=list)
    touches: dict[int, StagedTouch] = field(default_factory=dict)
    replaced: list[tuple[str, Touch]] = field(default_factory=list)
    near: list[tuple[str, Touch]] = field(default_factory=list)
    conflicts: list[Refusal] = field(default_factory=list)
    stored: int = 0
    duplicates: Counter[str] = field(default_factory=Counter)


async def store_batch(conn: Any, batch: Sorted, newest_touch_at: datetime) -> Intake:
    """Store a decoded batch and return what was new in it.

    No stored touch of its workspaces is later than `newest_touch_at`.
    """
    await store.prepare(conn)
    intake = Intake()
    rows = batch.staged.touch_rows
    await store.stage_touches(conn, rows)
    intake.near = await near_clicks(conn, newest_touch_at) if rows else []
    known_touches = await store.store_touches(conn, batch.staged.touches)
    known_evidence = await store.store_evidence(conn, batch.staged.evidence_rows)
    known = known_evidence
    replaced: list[int] = []
    for staged in batch.staged.touches:
        before = known_touches.get(staged.place)
        if before is None:
            intake.touches[staged.place] = staged
        elif staged.touch.derived:
            continue  # no reading has its place, and what is stored stays
        elif before.touch.derived:
            intake.touches[staged.place] = staged
            intake.replaced.append((staged.workspace_id, before.touch))
            replaced.append(staged.place)
        else:
            known[staged.place] = before.fingerprint
    await store.replace_derived(conn, replaced)
    _judge(batch, known, intake)
    return intake


def _judge(batch: Sorted, known: dict[int, bytes], intake: Intake) -> None:
    """Add every reading to the new ones, the duplicates or the conflicts.

    `known` has the fingerprints that were stored before, by the first place of the id.
    """
    first = batch.staged.first
    if not known and len(first) == len(batch.readings):
        intake.new, intake.stored = list(batch.readings), len(batch.readings)
        return
    for place, reading in enumerate(batch.readings):
        first_place = first[reading.workspace_id, reading.event_id]
        if place == first_place and place not in known:
            intake.new.append(reading)
            intake.stored += 1
            continue
        standing = known.get(first_place, batch.readings[first_place].fingerprint)
        if standing == reading.fingerprint:
            intake.repeated.append(reading)
            intake.duplicates[reading.workspace_id] += 1
        else:
            detail = f"event {reading.event_id} is known with another payload; the first is kept"
            intake.conflicts.append(
                Refusal(
                    batch.records[place], reading.workspace_id, CONFLICT, detail, reading.event_id
                )
            )
