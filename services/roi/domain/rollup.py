"""Which credit records of a batch are folded, in which order, and when they count as known: pure.

Promise: per workspace, records are folded in the order of `sequence` without a hole; what was folded before is a duplicate, what
lies beyond a hole waits. `known_at` grows strictly from record to record of a workspace and is never before `recorded_at`, so a
moment names a prefix of the workspace's records, and its answer never changes afterwards.
What can go wrong: a record whose account or sequence makes no sense raises `CreditsRejected`: a bug of the writer, so the reader stops.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from shared.credits import (
    ORGANIC,
    AnyCredits,
    CreditsRejected,
    DecisionCredited,
    TouchesTallied,
)

# The clock of a workspace is a microsecond clock, like Postgres' timestamptz.
TICK: Final = timedelta(microseconds=1)
# A uuid column holds accounts; a real placement never has the nil id.
ORGANIC_ACCOUNT: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class FoldState:
    """Where a workspace stands: the last sequence folded and the last moment that its clock gave out."""

    workspace_id: str
    sequence: int
    clock_at: datetime


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record to fold and the moment from which answers know it."""

    record: AnyCredits
    known_at: datetime

    @property
    def recorded_day(self) -> date:
        """The UTC day of `known_at`: the grain of history."""
        return self.known_at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """What a batch does to one workspace. `waiting` lies beyond `missing_sequence` (None: no hole)."""

    state: FoldState
    known: tuple[KnownRecord, ...]
    waiting: tuple[AnyCredits, ...]
    duplicates: int
    missing_sequence: int | None
    # Of the duplicates those that were folded before this batch: their dates may be corrected.
    repeated: tuple[AnyCredits, ...] = ()


def plan_fold(state: FoldState, records: Iterable[AnyCredits]) -> FoldPlan:
    """Order, deduplicate and number the records of one workspace."""
    offered: dict[int, AnyCredits] = {}
    duplicates = 0
    repeated: list[AnyCredits] = []
    for record in records:
        if record.sequence < 1:
            raise CreditsRejected(f"sequence {record.sequence} of {record.workspace_id}")
        if record.sequence <= state.sequence or record.sequence in offered:
            duplicates += 1
            if record.sequence <= state.sequence:
                repeated.append(record)
        else:
            offered[record.sequence] = record
    known: list[KnownRecord] = []
    sequence, clock_at = state.sequence, state.clock_at
    while (following := offered.pop(sequence + 1, None)) is not None:
        sequence += 1
        clock_at = max(following.recorded_at.astimezone(UTC), clock_at + TICK)
        known.append(KnownRecord(following, clock_at))
    return FoldPlan(
        state=FoldState(state.workspace_id, sequence, clock_at),
        known=tuple(known),
        waiting=tuple(offered[number] for number in sorted(offered)),
        duplicates=duplicates,
        missing_sequence=sequence + 1 if offered else None,
        repeated=tuple(repeated),
    )


Row = tuple[object, ...]

ENTRY_COLUMNS: Final = (
    "sequence",
    "position",
    "workspace_id",
    "conversion_id",
    "conversion_kind",
    "natural_id",
    "model",
    "revision",
    "account",
    "stage",
    "touch_stage",
    "currency",
    "amount_minor",
    "units",
    "occurred_at",
    "touched_at",
    "person_ref",
    "new_customer",
    "recorded_at",
    "known_at",
    "recorded_day",
)
TALLY_COLUMNS: Final = (
    "sequence",
    "position",
    "workspace_id",
    "account",
    "touch_kind",
    "stage",
    "quarter_at",
    "counted",
    "flagged",
    "recorded_at",
    "known_at",
    "recorded_day",
)


# (workspace, sequence, position, when it occurred)
DatedEntry = tuple[UUID, int, int, datetime]


def dated_entries(record: AnyCredits) -> list[DatedEntry]:
    """The entries of a decision and the time that each is dated by; none for touch tallies."""
    if not isinstance(record, DecisionCredited):
        return []
    workspace_id = UUID(record.workspace_id)
    return [
        (workspace_id, record.sequence, position, entry.occurred_at or record.occurred_at)
        for position, entry in enumerate(record.entries)
    ]


def entry_rows(known: KnownRecord) -> list[Row]:
    """The rows of one decision, in the order of `ENTRY_COLUMNS`; none for touch tallies.

    Memos are rows of their own model beside the entries, so an answer of that model reads them
    in the same way; `is_additive` of `shared/models.py` tells that they are not to be summed.
    An entry that has its own `occurred_at` is dated by it: a reversal takes away on the day on
    which the old entry was added.
    """
    record = known.record
    if not isinstance(record, DecisionCredited):
        return []
    workspace_id, conversion_id = UUID(record.workspace_id), UUID(record.conversion_id)
    return [
        (
            record.sequence,
            position,
            workspace_id,
            conversion_id,
            record.kind,
            record.natural_id,
            entry.model,
            entry.revision,
            account_id(entry.account),
            entry.stage,
            entry.touch_stage,
            entry.currency,
            entry.amount_minor,
            entry.units,
            entry.occurred_at or record.occurred_at,
            entry.touched_at,
            record.person_ref,
            record.new_customer,
            record.recorded_at,
            known.known_at,
            known.recorded_day,
        )
        for position, entry in enumerate((*record.entries, *record.memos))
    ]


def tally_rows(known: KnownRecord) -> list[Row]:
    """The rows of one batch's touches, in the order of `TALLY_COLUMNS`; none for a decision."""
    record = known.record
    if not isinstance(record, TouchesTallied):
        return []
    workspace_id = UUID(record.workspace_id)
    return [
        (
            record.sequence,
            position,
            workspace_id,
            account_id(tally.account),
            tally.kind,
            tally.stage,
            tally.quarter_at,
            tally.counted,
            tally.flagged,
            record.recorded_at,
            known.known_at,
            known.recorded_day,
        )
        for position, tally in enumerate(record.tallies)
    ]


def account_id(account: str) -> UUID:
    """The stored form of an account: a placement's id, or the nil id for `organic`."""
    if account == ORGANIC:
        return ORGANIC_ACCOUNT
    try:
        return UUID(account)
    except ValueError as error:
        raise CreditsRejected(f"account {account!r} is neither a placement nor organic") from error
