"""Sort log records into readings and refusals, before any lock is taken.

Promise: every record is in exactly one of the two lists. A refusal has the unchanged record, the
reason and, if it could be read, the workspace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.attribution.store.event_rows import (
    StagedEvidence,
    StagedTouch,
    evidence_row,
    touch_row,
)
from services.attribution.store.outbox_rows import DeadLetter
from services.attribution.tables import NO_WORKSPACE
from services.attribution.wire.event_readings import Reading, read
from shared.errors import TimedOut
from shared.events import EventRejected
from shared.ids import natural_id
from shared.log.port import StoredRecord

# How much of an error a dead letter stores; the record is stored in full.
DETAIL_CHARACTERS_MAX: Final = 500
# Reasons in addition to those of `EventRejected`.
CONFLICT: Final = "idempotency_conflict"
UNUSABLE: Final = "unusable"
TIMED_OUT: Final = "timed_out"
CURRENCY_MISMATCH: Final = "currency_mismatch"
# The reasons of records that are retried by themselves: another time or another fact may help.
RETRIED: Final = (UNUSABLE, TIMED_OUT)
FIRST_RETRY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that cannot be used."""

    record: StoredRecord
    workspace_id: str
    reason: str
    detail: str
    event_id: str | None = None

    def letter(self, recorded_at: datetime) -> DeadLetter:
        """Return the dead letter; its id is derived from the position and value of the record."""
        record = self.record
        place = f"{record.topic}/{record.partition}/{record.offset}/"
        return DeadLetter(
            dead_letter_id=natural_id(
                self.workspace_id, "attribution", "dead_letter", place + record.value.hex()
            ),
            workspace_id=self.workspace_id,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            reason=self.reason,
            detail=self.detail.replace("\x00", "�")[:DETAIL_CHARACTERS_MAX],
            event_id=self.event_id,
            recorded_at=recorded_at,
            retry_at=recorded_at + FIRST_RETRY if self.reason in RETRIED else None,
        )


# (workspace, event id)
Id = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Staged:
    """The rows of a batch, ready to copy. `first` is the first place of each event."""

    first: Mapping[Id, int] = field(default_factory=dict)
    touches: Sequence[StagedTouch] = ()
    touch_rows: Sequence[tuple[object, ...]] = ()
    evidence_rows: Sequence[tuple[object, ...]] = ()


@dataclass(frozen=True, slots=True)
class Sorted:
    """A decoded batch. `readings` keep the order of the log; the place of one is its index."""

    records: tuple[StoredRecord, ...]
    readings: tuple[Reading, ...]
    refusals: tuple[Refusal, ...]
    staged: Staged = field(default_factory=Staged)

    @property
    def workspaces(self) -> list[str]:
        """Every workspace of the batch, ascending."""
        named = {reading.workspace_id for reading in self.readings}
        return sorted(named | {refusal.workspace_id for refusal in self.refusals})


def decode_event(record: StoredRecord) -> Reading | Refusal:
    """Return the reading of an event record, or the reason why it cannot be used."""
    try:
        return read(record.value)
    except EventRejected as error:
        return refuse(record, error.reason.value, str(error))
    except (ArithmeticError, ValueError) as error:
        # The time is outside the calendar in UTC.
        return refuse(record, UNUSABLE, str(error))


def sort_records(records: Sequence[StoredRecord], decoded: Sequence[Reading | Refusal]) -> Sorted:
    """Return the batch of these records and their results."""
    readable: list[StoredRecord] = []
    readings: list[Reading] = []
    refusals: list[Refusal] = []
    for record, found in zip(records, decoded, strict=True):
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            readings.append(found)
            readable.append(record)
    return Sorted(tuple(readable), tuple(readings), tuple(refusals), _staged(readings))


def _staged(readings: Sequence[Reading]) -> Staged:
    """Return one row for each id: touches and evidence at their places.

    Derived touches get places after those of the batch.
    """
    first: dict[Id, int] = {}
    touches: list[StagedTouch] = []
    evidence: list[StagedEvidence] = []
    derived: list[Reading] = []
    for place, reading in enumerate(readings):
        workspace_id, event_id = reading.workspace_id, reading.event_id
        if first.setdefault((workspace_id, event_id), place) != place:
            continue
        if reading.touch is not None:
            touches.append(StagedTouch(place, workspace_id, reading.touch, reading.fingerprint))
        if reading.body is not None:
            evidence.append(_staged_evidence(place, reading, reading.body))
        if reading.derived is not None:
            derived.append(reading)
    taken = {(item.workspace_id, item.touch.touch_id) for item in touches} if derived else set()
    for reading in derived:
        touch = reading.derived
        if touch is not None and (reading.workspace_id, touch.touch_id) not in taken:
            taken.add((reading.workspace_id, touch.touch_id))
            place = len(readings) + len(taken)
            touches.append(StagedTouch(place, reading.workspace_id, touch, b""))
    return Staged(first, touches, list(map(touch_row, touches)), list(map(evidence_row, evidence)))


def _staged_evidence(place: int, reading: Reading, body: bytes) -> StagedEvidence:
    return StagedEvidence(
        place,
        reading.workspace_id,
        reading.event_id,
        reading.kind,
        reading.occurred_at,
        reading.filed_under,
        reading.fingerprint,
        body,
        reading.quality,
    )


def set_aside(record: StoredRecord, found: object, fault: Exception) -> Refusal:
    """Return the refusal of a record for which a transaction fails, with its event id."""
    reason = TIMED_OUT if isinstance(fault, TimedOut) else UNUSABLE
    refusal = refuse(record, reason, str(fault))
    if isinstance(found, Reading) and found.workspace_id == refusal.workspace_id:
        return replace(refusal, event_id=found.event_id)
    return refusal


def refuse(record: StoredRecord, reason: str, detail: str) -> Refusal:
    """Return the refusal of a record of which only the key is used."""
    return Refusal(record, _workspace_in(record.key), reason, detail)


def _workspace_in(key: bytes) -> str:
    """Return the workspace of a record key (`<workspace>` or `<workspace>/<entity>`)."""
    try:
        return str(UUID(key.decode().partition("/")[0]))
    except ValueError:
        return NO_WORKSPACE
