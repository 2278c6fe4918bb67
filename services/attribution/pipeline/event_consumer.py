"""The consumer of `laurel.events`: one transaction for each batch, or several by division.

Promise: records read = stored + duplicate + dead-lettered; this is asserted and counted. The offset
moves in the same transaction as the effects. A record for which a transaction fails becomes a dead
letter, and its neighbours are handled.
What can go wrong: `Transient` goes to the consumer loop, which reads again from the stored offset.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.division import Division
from services.attribution.pipeline.record_faults import PART_SECONDS, STATEMENT_SECONDS
from services.attribution.pipeline.record_sorting import (
    Refusal,
    Sorted,
    decode_event,
    sort_records,
)
from services.attribution.pipeline.unit_of_work import Outcome, UnitOfWork
from services.attribution.store.offset_rows import move_offset, stored_offsets
from services.attribution.wire.event_readings import Reading
from shared.clock import Clock
from shared.concurrency import map_in_slices
from shared.db.data_faults import data_errors
from shared.db.engine import Database, driver
from shared.log.loop import BatchHandler
from shared.log.port import StoredRecord
from shared.log.topics import EVENTS
from shared.telemetry import Metric, Telemetry, get_logger

# An error is logged when more than this share of the last records was dead-lettered.
WATCHED_RECORDS: Final = 10_000
BAD_PERCENT_MAX: Final = 1

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded batch: the result of each record, and the sorted batch."""

    found: Sequence[Reading | Refusal]
    batch: Sorted


class EventsHandler(BatchHandler[Decoded]):
    """The batch handler of `laurel.events`.

    `wake` gets the workspaces with new outbox records, `decide_later` those whose queue of
    conversions to decide again grew.
    """

    def __init__(
        self,
        database: Database,
        cache: FactsCache,
        clock: Clock,
        telemetry: Telemetry,
        wake: Callable[[Sequence[str]], None],
        decide_later: Callable[[Sequence[str]], None],
    ) -> None:
        self._database = database
        self._cache = cache
        self._clock = clock
        self._telemetry = telemetry
        self._wake = wake
        self._decide_later = decide_later
        self._division = Division(self._sort_and_transact, PART_SECONDS)
        self._recent: deque[tuple[int, int]] = deque()

    @override
    async def stored_offsets(self) -> Mapping[int, int]:
        async with self._database.exempt() as conn:
            return await stored_offsets(await driver(conn), EVENTS.name)

    @override
    async def decode(self, records: Sequence[StoredRecord]) -> Decoded:
        found = await map_in_slices(decode_event, records)
        return Decoded(found, sort_records(records, found))

    @override
    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Decoded,
    ) -> None:
        whole = self._transact(
            partition, expected_offset, records, decoded.batch, STATEMENT_SECONDS
        )
        await self._division.handle(partition, expected_offset, records, decoded.found, whole)

    async def _sort_and_transact(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        found: Sequence[Reading | Refusal],
        seconds: float | None,
    ) -> None:
        batch = sort_records(records, found)
        await self._transact(partition, expected_offset, records, batch, seconds)

    async def _transact(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        batch: Sorted,
        seconds: float | None,
    ) -> None:
        started = self._clock.monotonic()
        workspaces = batch.workspaces
        with data_errors():
            async with self._database.write(workspaces, statement_seconds=seconds) as connection:
                conn = await driver(connection)
                next_offset = records[-1].next_offset
                await move_offset(conn, EVENTS.name, partition, expected_offset, next_offset)
                work = await UnitOfWork.open(conn, workspaces, self._cache, self._clock.now())
                outcome = await work.take_batch(batch)
                accounted = outcome.stored + outcome.duplicates + outcome.dead_lettered
                assert accounted == len(records), (
                    f"{len(records)} records, {accounted} accounted for"
                )
        self._wake(workspaces)
        if outcome.is_queued:
            self._decide_later(workspaces)
        self._measure(partition, next_offset, outcome, self._clock.monotonic() - started)

    def _measure(self, partition: int, offset: int, outcome: Outcome, seconds: float) -> None:
        counts = {
            "stored": outcome.stored,
            "duplicate": outcome.duplicates,
            "dead_lettered": outcome.dead_lettered,
        }
        for name, count in counts.items():
            self._telemetry.count(Metric.BATCH_RECORDS, count, topic=EVENTS.name, outcome=name)
        self._telemetry.observe(Metric.BATCH_SECONDS, seconds, topic=EVENTS.name)
        self._telemetry.set(Metric.OFFSET, offset, topic=EVENTS.name, partition=partition)
        self._telemetry.count(Metric.REVISIONS, outcome.revisions)
        self._telemetry.count(Metric.HUBS, outcome.hubs)
        if outcome.hubs:
            logger.warning("identity.hubs", keys=outcome.hubs)
        self._watch(sum(counts.values()), outcome.dead_lettered)

    def _watch(self, records: int, bad: int) -> None:
        """Log an error when more than 1 % of the recent records were bad."""
        self._recent.append((records, bad))
        while sum(n for n, _ in self._recent) - self._recent[0][0] >= WATCHED_RECORDS:
            self._recent.popleft()
        seen, wrong = sum(n for n, _ in self._recent), sum(b for _, b in self._recent)
        if bad and wrong * 100 > seen * BAD_PERCENT_MAX:
            logger.error("dead_letters.many", records=seen, bad=wrong)
