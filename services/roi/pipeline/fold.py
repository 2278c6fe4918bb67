"""The fold of `laurel.credits` into rollups: one batch is one transaction.

The transaction holds the locks of the batch's workspaces. Records are decoded before that. The
stored offset advances by compare-and-set.

Promise: the records of a workspace are folded in the order of `sequence`, each exactly once,
whatever the batches are. read = folded + duplicate + waiting; this is asserted and counted. A
record that was folded before changes only the dates of its entries.
What can go wrong: a missing sequence stops the fold of that workspace only. Later records wait in
the database, the gap is logged, and readiness names it. The missing records, published again, close
the gap. An roi that starts after the log dropped old records catches up in the same way. A record
that does not decode, or that names an unknown workspace or account, stops the process; nothing of
its batch is written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from services.roi.domain.rollup import FoldPlan, dated_entries, entry_rows, plan_fold, tally_rows
from services.roi.store import rollups as store
from services.roi.store.redate import redate
from shared.concurrency import map_in_slices
from shared.credits import AnyCredits, CreditsRejected, decode_credits, encode_credits
from shared.db.engine import Database
from shared.errors import OffsetMoved
from shared.log.loop import BatchHandler
from shared.log.port import StoredRecord
from shared.log.topics import CREDITS
from shared.telemetry import Metric, Telemetry, get_logger

# After a gap closes, waiting records are folded in transactions of this size, so that the
# workspace's lock is held no longer than for a full batch.
WAITING_RECORDS_MAX: Final = 10_000

logger = get_logger(__name__)

Gaps = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _OffsetStep:
    """The change of the stored offset that a batch makes."""

    partition: int
    expected_offset: int
    next_offset: int


class CreditsFold(BatchHandler[Sequence[AnyCredits]]):
    """The handler of the consumer loop of `laurel.credits`.

    `report_gaps` is called after every batch with the missing sequence of each workspace that has a
    gap; an empty mapping means no gap.
    """

    def __init__(
        self, database: Database, telemetry: Telemetry, report_gaps: Callable[[Gaps], None]
    ) -> None:
        self._database = database
        self._telemetry = telemetry
        self._report_gaps = report_gaps
        self._gaps: dict[str, int] = {}

    @override
    async def stored_offsets(self) -> Mapping[int, int]:
        async with self._database.exempt() as conn:
            offsets = await store.stored_offsets(conn, CREDITS.name)
            workspace_ids = await store.all_workspace_ids(conn)
        if workspace_ids:
            async with self._database.read(workspace_ids) as conn:
                self._gaps = await store.gaps(conn)
        self._report_gaps(self._gaps)
        return offsets

    @override
    async def decode(self, records: Sequence[StoredRecord]) -> Sequence[AnyCredits]:
        return await map_in_slices(_credits, records)

    @override
    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Sequence[AnyCredits],
    ) -> None:
        batch = _by_workspace(decoded)
        step = _OffsetStep(partition, expected_offset, records[-1].next_offset)
        unfinished = await self._fold(batch, step)
        while unfinished:
            unfinished = await self._fold({name: [] for name in unfinished}, None)
        self._report_gaps(self._gaps)

    async def _fold(
        self, batch: Mapping[str, list[AnyCredits]], step: _OffsetStep | None
    ) -> list[str]:
        """Run one transaction; without `step` it folds waiting records.

        Return the workspaces that have more waiting records than one transaction folds.
        """
        async with self._database.write(list(batch)) as conn:
            if step and not await store.move_offset(
                conn, CREDITS.name, step.partition, step.expected_offset, step.next_offset
            ):
                raise OffsetMoved(
                    f"{CREDITS.name}/{step.partition} is not at {step.expected_offset}"
                )
            known = await store.workspaces(conn, list(batch))
            _refuse_unknown(batch, known)
            closing = {
                name: known[name].state.sequence + 1
                for name, records in batch.items()
                if _may_close(known[name], records)
            }
            values = await store.waiting(conn, closing, WAITING_RECORDS_MAX) if closing else []
            waited = _by_workspace(decode_credits(value) for value in values)
            plans = [
                plan_fold(known[name].state, [*waited.get(name, ()), *records])
                for name, records in batch.items()
            ]
            beyond = [
                (record.sequence, record.workspace_id, encode_credits(record))
                for plan in plans
                for record in plan.waiting
            ]
            if beyond:
                await store.park(conn, beyond)
            repeated = [record for plan in plans for record in plan.repeated]
            dated = [entry for record in repeated for entry in dated_entries(record)]
            moved = await redate(conn, dated, known) if dated else 0
            await store.apply(
                conn,
                plans,
                [row for plan in plans for item in plan.known for row in entry_rows(item)],
                [row for plan in plans for item in plan.known for row in tally_rows(item)],
                {name: known[name] for name in batch},
            )
        if moved:
            logger.info("fold.redated", entries=moved)
        return self._count(plans, batch, waited)

    def _count(
        self,
        plans: Sequence[FoldPlan],
        batch: Mapping[str, list[AnyCredits]],
        waited: Mapping[str, list[AnyCredits]],
    ) -> list[str]:
        """Count the outcome of a committed transaction and note its gaps.

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
            self._note_gap(plan)
            if plan.known and len(waited_before) == WAITING_RECORDS_MAX:
                unfinished.append(name)
        return unfinished

    def _note_gap(self, plan: FoldPlan) -> None:
        name, missing = plan.state.workspace_id, plan.missing_sequence
        if missing is None:
            self._gaps.pop(name, None)
        elif self._gaps.get(name) != missing:
            self._gaps[name] = missing
            logger.error("fold.sequence_gap", workspace=name, missing_sequence=missing)


def _by_workspace(records: Iterable[AnyCredits]) -> dict[str, list[AnyCredits]]:
    grouped: dict[str, list[AnyCredits]] = {}
    for record in records:
        grouped.setdefault(record.workspace_id, []).append(record)
    return grouped


def _refuse_unknown(batch: Mapping[str, object], known: Mapping[str, object]) -> None:
    unknown = sorted(set(batch) - set(known))
    if unknown:
        raise CreditsRejected(f"credits of unknown workspaces: {unknown}")


def _may_close(workspace: store.Workspace, records: Sequence[AnyCredits]) -> bool:
    """Return whether waiting records can be folded now.

    They can when the missing record is in the batch, or when an earlier transaction left some
    (`records` is then empty).
    """
    following = workspace.state.sequence + 1
    has_come = any(record.sequence == following for record in records)
    return not records or (workspace.missing_sequence is not None and has_come)


def _credits(record: StoredRecord) -> AnyCredits:
    return decode_credits(record.value)
