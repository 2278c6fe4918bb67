"""The plan of one fold, and the rows that it stores. Pure.

To fold is to add credit records to the rollups, each record once. The plan says which records of a
batch are folded, in which order, and from which moment answers include them.

Promise: the records of a workspace are folded in the order of `sequence`, without a gap. A record
that is folded already is a duplicate; a record after a gap waits. `known_at` grows strictly within
a workspace and is never before `recorded_at`. So each `as_of` selects a prefix of the records, and
its answer never changes later.
What can go wrong: a record that cannot be read, or that has an invalid account, is `Unreadable`. It
stops its workspace as a missing record does, with its problem, until a readable copy comes.
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

# A workspace's clock counts microseconds, like timestamptz in Postgres.
TICK: Final = timedelta(microseconds=1)
# Accounts are stored in a uuid column. No placement has the nil id.
ORGANIC_ACCOUNT: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class FoldState:
    """The progress of one workspace: its last folded sequence and the last value of its clock."""

    workspace_id: str
    sequence: int
    clock_at: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be folded. It stops its workspace at its sequence.

    `sequence` is 0 when the record does not tell it. `problem` says what is wrong.
    """

    workspace_id: str
    sequence: int
    value: bytes
    problem: str


Offered = AnyCredits | Unreadable


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record to fold, and the moment from which answers include it."""

    record: AnyCredits
    known_at: datetime

    @property
    def recorded_day(self) -> date:
        """Return the UTC day of `known_at`, by which the history tables are grouped."""
        return self.known_at.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """The effect of a batch on one workspace.

    `waiting`: records from `missing_sequence` on, which is None when nothing stops the workspace.
    `problem`: why the record `missing_sequence` cannot be folded; None when it has not come.
    """

    state: FoldState
    known: tuple[KnownRecord, ...]
    waiting: tuple[Offered, ...]
    duplicates: int
    missing_sequence: int | None
    problem: str | None = None
    # Duplicates that an earlier batch folded: the dates of their entries may be corrected.
    repeated: tuple[AnyCredits, ...] = ()


def plan_fold(state: FoldState, records: Iterable[Offered]) -> FoldPlan:
    """Return the plan for records of one workspace: ordered, each once, each with `known_at`."""
    offered: dict[int, Offered] = {}
    repeated: list[AnyCredits] = []
    duplicates = 0
    # Of a record without a number: it may be the next one, unless a later one can be read.
    nameless: str | None = None
    is_last = False
    for record in records:
        if isinstance(record, Unreadable) and not record.sequence:
            nameless, is_last = record.problem, True
            duplicates += 1
            continue
        is_last = False
        before = offered.get(record.sequence)
        if record.sequence <= state.sequence or before is not None:
            duplicates += 1
        if record.sequence <= state.sequence:
            repeated += [] if isinstance(record, Unreadable) else [record]
        elif before is None or isinstance(before, Unreadable):
            offered[record.sequence] = record
    known, end = _in_order(state, offered)
    blocking = offered.get(end.sequence + 1)
    is_stopped = bool(offered) or is_last
    problem = blocking.problem if isinstance(blocking, Unreadable) else nameless
    return FoldPlan(
        state=end,
        known=tuple(known),
        waiting=tuple(offered[number] for number in sorted(offered)),
        duplicates=duplicates,
        missing_sequence=end.sequence + 1 if is_stopped else None,
        problem=problem if is_stopped else None,
        repeated=tuple(repeated),
    )


def _in_order(state: FoldState, offered: dict[int, Offered]) -> tuple[list[KnownRecord], FoldState]:
    """Take the records that can be folded now out of `offered`; return them and the new state."""
    known: list[KnownRecord] = []
    sequence, clock_at = state.sequence, state.clock_at
    while (following := offered.get(sequence + 1)) is not None:
        if isinstance(following, Unreadable):
            break
        del offered[sequence + 1]
        sequence += 1
        clock_at = max(following.recorded_at.astimezone(UTC), clock_at + TICK)
        known.append(KnownRecord(following, clock_at))
    return known, FoldState(state.workspace_id, sequence, clock_at)


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
    "touch_kind",
    "evidence_class",
    "link_id",
    "code",
    "sub_source",
    "placed_units",
    "net_minor",
    "reverses",
    "store",
    "bought_at",
    "person_ref",
    "new_customer",
    "recorded_at",
    "known_at",
    "recorded_day",
)
PERSON_COLUMNS: Final = (
    "sequence",
    "workspace_id",
    "conversion_id",
    "kind",
    "person_ref",
    "occurred_at",
    "currency",
    "units",
    "amount_minor",
    "known_at",
)
# The model whose entries tell what a conversion of a person is worth.
WORTH_MODEL: Final = "last"
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
    "link_id",
    "code",
    "sub_source",
    "recorded_at",
    "known_at",
    "recorded_day",
)


# (workspace id, sequence, position, occurred_at)
DatedEntry = tuple[UUID, int, int, datetime]


def dated_entries(record: AnyCredits) -> list[DatedEntry]:
    """Return each entry of a decision with the time that dates it; empty for touch tallies."""
    if not isinstance(record, DecisionCredited):
        return []
    workspace_id = UUID(record.workspace_id)
    return [
        (workspace_id, record.sequence, position, entry.occurred_at or record.occurred_at)
        for position, entry in enumerate(record.entries)
    ]


def entry_rows(known: KnownRecord) -> list[Row]:
    """Return the rows of one decision, in the order of `ENTRY_COLUMNS`; none for touch tallies.

    Memos become rows of their own model, so an answer of that model reads them in the same way;
    `is_additive` in `shared/models.py` says that they must not be summed. An entry with its own
    `occurred_at` is dated by it, so a reversal is subtracted on the day of the entry it reverses.
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
            entry.touch_kind,
            entry.evidence_class,
            UUID(entry.link_id) if entry.link_id else None,
            entry.code,
            entry.sub_source,
            entry.placed_units,
            entry.net_minor,
            entry.reverses,
            record.store,
            record.bought_at,
            record.person_ref,
            record.new_customer,
            record.recorded_at,
            known.known_at,
            known.recorded_day,
        )
        for position, entry in enumerate((*record.entries, *record.memos))
    ]


def person_rows(known: KnownRecord) -> list[Row]:
    """Return the person of a decision record, in the order of `PERSON_COLUMNS`."""
    record = known.record
    if not isinstance(record, DecisionCredited):
        return []
    told = [entry for entry in record.entries if entry.model == WORTH_MODEL]
    return [
        (
            record.sequence,
            UUID(record.workspace_id),
            UUID(record.conversion_id),
            record.kind,
            record.person_ref,
            record.occurred_at,
            record.currency,
            sum(entry.units for entry in told),
            sum(entry.amount_minor for entry in told),
            known.known_at,
        )
    ]


def tally_rows(known: KnownRecord) -> list[Row]:
    """Return the rows of touch tallies, in the order of `TALLY_COLUMNS`; none for a decision."""
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
            UUID(tally.link_id) if tally.link_id else None,
            tally.code,
            tally.sub_source,
            record.recorded_at,
            known.known_at,
            known.recorded_day,
        )
        for position, tally in enumerate(record.tallies)
    ]


def account_id(account: str) -> UUID:
    """Return the stored form of an account: the placement id, or the nil id for `organic`."""
    if account == ORGANIC:
        return ORGANIC_ACCOUNT
    try:
        return UUID(account)
    except ValueError as error:
        raise CreditsRejected(f"account {account!r} is neither a placement nor organic") from error
