"""The fold of `laurel.credits` into rollups: one batch is one transaction.

The transaction holds the locks of the batch's workspaces. Records are decoded before that. The
stored offset advances by compare-and-set.

Promise: the records of a workspace are folded in the order of `sequence`, each exactly once,
whatever the batches are. read = folded + duplicate + waiting + unknown; this is asserted and
counted. A record that was folded before changes only the dates of its entries.
What can go wrong: a record that is missing, that cannot be read or whose sums do not fit stops the
fold of its workspace only. The stop and its reason are stored, logged and shown by answers. Later
records wait in the database. The missing records, published again, close the gap, and records that
wait are tried again from time to time. An roi that starts after the log dropped old records catches
up in the same way. A record that names no known workspace is logged and skipped.
A batch that times out is folded workspace by workspace, each with less time. Another `Transient`
never sets a workspace aside: the loop reads the batch again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from services.roi.domain.credit_reading import read_credits
from services.roi.domain.rollup import (
    FoldPlan,
    Offered,
    Unreadable,
    dated_entries,
    entry_rows,
    person_rows,
    plan_fold,
    tally_rows,
)
from services.roi.pipeline.counts_fold import fold_counts
from services.roi.store import rollups as store
from services.roi.store.people_rows import store_people
from services.roi.store.redate import redate
from services.roi.store.rollups import Stop
from shared.concurrency import map_in_slices
from shared.credits import encode_credits
from shared.db.data_faults import Unusable, data_errors
from shared.db.engine import Database
from shared.errors import OffsetMoved, TimedOut
from shared.log.loop import BatchHandler
from shared.log.port import StoredRecord
from shared.log.topics import CREDITS
from shared.telemetry import Metric, Telemetry, get_logger

# After a gap closes, waiting records are folded in transactions of this size, so that the
# workspace's lock is held no longer than for a full batch.
WAITING_RECORDS_MAX: Final = 10_000
# How much smaller the next transaction is when one of waiting records fails. A time-out is paid
# once on each level: 3 levels find one of 10,000 records.
SMALLER: Final = 32
# The longest time of one statement of the fold of a batch, and of one of a part of it. The
# time-outs of a batch, of a workspace and of four levels of its waiting records take 11.5 s.
STATEMENT_SECONDS: Final = 4.0
PART_SECONDS: Final = 1.5
# The faults for which one workspace is stopped.
STOPS_ONE: Final = (Unusable, TimedOut)

logger = get_logger(__name__)

Stops = Mapping[str, Stop]


@dataclass(frozen=True, slots=True)
class _OffsetStep:
    """The change of the stored offset that a batch makes."""

    partition: int
    expected_offset: int
    next_offset: int


class CreditsFold(BatchHandler[Sequence[Offered | None]]):
    """The handler of the consumer loop of `laurel.credits`.

    `report_stops` is called after every batch with the stop of each workspace that stands still; an
    empty mapping means that none does.
    """

    def __init__(
        self,
        database: Database,
        telemetry: Telemetry,
        report_stops: Callable[[Stops], None],
    ) -> None:
        self._database = database
        self._telemetry = telemetry
        self._report_stops = report_stops
        self._stops: dict[str, Stop] = {}

    @override
    async def stored_offsets(self) -> Mapping[int, int]:
        async with self._database.exempt() as conn:
            offsets = await store.stored_offsets(conn, CREDITS.name)
            workspace_ids = await store.all_workspace_ids(conn)
        if workspace_ids:
            async with self._database.read(workspace_ids) as conn:
                self._stops = await store.stops(conn)
        self._report_stops(self._stops)
        return offsets

    @override
    async def decode(self, records: Sequence[StoredRecord]) -> Sequence[Offered | None]:
        return await map_in_slices(_credits, records)

    @override
    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Sequence[Offered | None],
    ) -> None:
        batch = _by_workspace(item for item in decoded if item is not None)
        self._count_unknown(sum(item is None for item in decoded))
        step = _OffsetStep(partition, expected_offset, records[-1].next_offset)
        try:
            unfinished = await self._fold(batch, step, seconds=STATEMENT_SECONDS)
        except STOPS_ONE:
            unfinished = await self._fold_apart(batch, step)
        for name in unfinished:
            await self._fold_waiting(name)
        self._report_stops(self._stops)

    async def retry_stopped(self) -> None:
        """Try the next record of each workspace that stands still for another reason than a gap."""
        for name in [name for name, stop in self._stops.items() if stop.problem is not None]:
            try:
                has_more = await self._fold({name: []}, None, 1, STATEMENT_SECONDS)
            except STOPS_ONE as fault:
                await self._park(name, (), fault)
                continue
            if has_more:
                await self._fold_waiting(name)
        self._report_stops(self._stops)

    async def _fold_waiting(self, name: str) -> None:
        """Fold the waiting records of a workspace; stop it at the first that cannot be folded."""
        records_max = WAITING_RECORDS_MAX
        while True:
            try:
                if not await self._fold({name: []}, None, records_max):
                    return
            except STOPS_ONE as fault:
                if records_max == 1:
                    await self._park(name, (), fault)
                    return
                records_max = max(1, records_max // SMALLER)

    async def _fold_apart(self, batch: Mapping[str, list[Offered]], step: _OffsetStep) -> list[str]:
        """Fold each workspace of a batch in its own transactions, then move the offset.

        A crash in between repeats the batch; what was folded is a duplicate then.
        """
        unfinished: list[str] = []
        for name, records in batch.items():
            try:
                unfinished += await self._fold({name: records}, None)
            except STOPS_ONE as fault:
                await self._park(name, records, fault)
                unfinished.append(name)
        async with self._database.exempt() as conn:
            await self._move(conn, step)
        return unfinished

    async def _park(self, name: str, records: Sequence[Offered], fault: Exception) -> None:
        """Stop a workspace at its next record, and let its records wait."""
        async with self._database.write([name]) as conn:
            (workspace,) = (await store.workspaces(conn, [name])).values()
            later = [record for record in records if record.sequence > workspace.state.sequence]
            if later:
                await store.park(conn, [_waiting_row(record) for record in later])
            await store.stop(conn, name, str(fault))
        self._note_stop(name, Stop(workspace.state.sequence + 1, str(fault)))

    async def _move(self, conn: Any, step: _OffsetStep) -> None:
        if not await store.move_offset(
            conn, CREDITS.name, step.partition, step.expected_offset, step.next_offset
        ):
            raise OffsetMoved(f"{CREDITS.name}/{step.partition} is not at {step.expected_offset}")

    async def _fold(
        self,
        batch: Mapping[str, list[Offered]],
        step: _OffsetStep | None,
        waiting_max: int = WAITING_RECORDS_MAX,
        seconds: float = PART_SECONDS,
    ) -> list[str]:
        """Run one transaction, with a limit for each statement; without `step` no offset moves.

        A workspace without records folds waiting ones. Return the workspaces that have more waiting
        records than one transaction folds.
        """
        if not batch:
            assert step is not None, "a transaction has something to do"
            async with self._database.exempt() as conn:
                await self._move(conn, step)
            return []
        with data_errors():
            async with self._database.write(list(batch), statement_seconds=seconds) as conn:
                if step:
                    await self._move(conn, step)
                known = await store.workspaces(conn, list(batch))
                offered = {name: batch[name] for name in batch if name in known}
                waited = await _waited(conn, known, offered, waiting_max)
                plans = [
                    plan_fold(known[name].state, [*waited.get(name, ()), *records])
                    for name, records in offered.items()
                ]
                moved = await _write(conn, plans, known)
        self._count_unknown(sum(len(batch[name]) for name in batch if name not in known))
        if moved:
            logger.info("fold.redated", entries=moved)
        return self._count(plans, offered, waited, waiting_max)

    def _count(
        self,
        plans: Sequence[FoldPlan],
        batch: Mapping[str, list[Offered]],
        waited: Mapping[str, list[Offered]],
        waiting_max: int,
    ) -> list[str]:
        """Count the outcome of a committed transaction and note its stops.

        Return the workspaces that have more waiting records than one transaction folds.
        """
        unfinished = []
        for plan in plans:
            name = plan.state.workspace_id
            waited_before = waited.get(name, [])
            offered = len(batch[name]) + len(waited_before)
            assert offered == len(plan.known) + plan.duplicates + len(plan.waiting)
            self._telemetry.count(Metric.FOLDED, len(plan.known), outcome="folded")
            self._telemetry.count(Metric.FOLDED, plan.duplicates, outcome="duplicate")
            numbers = {record.sequence for record in waited_before}
            newly = sum(record.sequence not in numbers for record in plan.waiting)
            self._telemetry.count(Metric.FOLDED, newly, outcome="waiting")
            if plan.known or plan.missing_sequence is not None:
                missing = plan.missing_sequence
                self._note_stop(name, None if missing is None else Stop(missing, plan.problem))
            if plan.known and len(waited_before) == waiting_max:
                unfinished.append(name)
        return unfinished

    def _count_unknown(self, records: int) -> None:
        """Count records that name no workspace of this installation."""
        if records:
            self._telemetry.count(Metric.FOLDED, records, outcome="unknown")
            logger.error("fold.unknown_workspace", records=records)

    def _note_stop(self, name: str, stop: Stop | None) -> None:
        before = self._stops.get(name)
        if stop is None:
            self._stops.pop(name, None)
            if before is not None:
                logger.info("fold.goes_on", workspace=name)
            return
        if before is not None and before.sequence == stop.sequence and stop.problem is None:
            return
        self._stops[name] = stop
        if before != stop:
            logger.error(
                "fold.stopped",
                workspace=name,
                sequence=stop.sequence,
                problem=stop.problem or "the record is missing",
            )


async def _waited(
    conn: Any,
    known: Mapping[str, store.Workspace],
    batch: Mapping[str, list[Offered]],
    waiting_max: int,
) -> dict[str, list[Offered]]:
    """Return the waiting records that may be folded now, by workspace."""
    closing = {
        name: known[name].state.sequence + 1
        for name, records in batch.items()
        if _may_close(known[name], records)
    }
    rows = await store.waiting(conn, closing, waiting_max) if closing else []
    found = (read_credits(value, name.encode()) for name, value in rows)
    return _by_workspace(item for item in found if item is not None)


async def _write(conn: Any, plans: Sequence[FoldPlan], known: Mapping[str, store.Workspace]) -> int:
    """Write the plans; return how many folded entries got another date."""
    if not plans:
        return 0
    beyond = [_waiting_row(record) for plan in plans for record in plan.waiting]
    if beyond:
        await store.park(conn, beyond)
    dated = [entry for plan in plans for item in plan.repeated for entry in dated_entries(item)]
    moved = await redate(conn, dated, known) if dated else 0
    await store.apply(
        conn,
        plans,
        [row for plan in plans for item in plan.known for row in entry_rows(item)],
        [row for plan in plans for item in plan.known for row in tally_rows(item)],
        known,
    )
    await store_people(
        conn, [row for plan in plans for item in plan.known for row in person_rows(item)]
    )
    await fold_counts(conn, plans, known)
    return moved


def _waiting_row(record: Offered) -> tuple[int, str, bytes]:
    value = record.value if isinstance(record, Unreadable) else encode_credits(record)
    return record.sequence, record.workspace_id, value


def _by_workspace(records: Iterable[Offered]) -> dict[str, list[Offered]]:
    grouped: dict[str, list[Offered]] = {}
    for record in records:
        grouped.setdefault(record.workspace_id, []).append(record)
    return grouped


def _may_close(workspace: store.Workspace, records: Sequence[Offered]) -> bool:
    """Return whether waiting records can be folded now.

    They can when the missing record is in the batch, or when an earlier transaction left some
    (`records` is then empty).
    """
    following = workspace.state.sequence + 1
    has_come = any(record.sequence == following for record in records)
    return not records or (workspace.missing_sequence is not None and has_come)


def _credits(record: StoredRecord) -> Offered | None:
    return read_credits(record.value, record.key)
