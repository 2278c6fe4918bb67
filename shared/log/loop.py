"""THE consumer loop: fetch, decode, handle, remember, seek back on failure, drain on stop. Every service's consumer is this one.

Promise: a batch is handled at least once and its effects count once, because the handler moves the stored offset by
compare-and-set in the transaction of the effects. The next batch is fetched and decoded while the database works on the last one; batches are
handled one after the other, in the order of their partition. After any `Transient` the loop backs off and reads again from the
stored offset. A stop finishes the batch being handled. What it does is visible in `progress`, which `watchdog.py` judges.
What can go wrong: `OffsetGone` below a stored offset means that retention has removed what was never read; it is raised and
ends the process, because going on would lose records silently.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import structlog

from shared.clock import Clock
from shared.errors import OffsetGone, OffsetMoved, Transient
from shared.log.port import EventLog, Reader, StoredRecord
from shared.log.topics import Topic

# One batch holds the locks of its workspaces for at most 250 ms, which 10,000 events take.
RECORDS_MAX: Final = 10_000
# A stop is noticed at the latest after one empty fetch.
WAIT_MS: Final = 500
# The first retry is soon, because most failures are short; the last are rare enough to harm nobody.
BACK_OFF_FIRST_SECONDS: Final = 0.1
BACK_OFF_MAX_SECONDS: Final = 5.0
# What a supervisor grants between asking and killing, less a margin for closing the connections.
DRAIN_SECONDS: Final = 10.0

logger = structlog.get_logger(__name__)

Decoded = TypeVar("Decoded")


class BatchHandler(Protocol[Decoded]):
    """What a service plugs into the loop. `handle` is never called concurrently with itself."""

    async def stored_offsets(self) -> Mapping[int, int]:
        """Partition to the offset to read next, as stored in the database; absent partitions were never read."""
        ...

    async def decode(self, records: Sequence[StoredRecord]) -> Decoded:
        """What a batch says, from its bytes alone: called before its turn, while the batch before is being handled, so it gives way
        now and then. What it raises is raised when the turn comes."""
        ...

    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Decoded,
    ) -> None:
        """Apply one batch of one partition (`decoded` is what `decode` made of `records`) in one transaction and move the stored
        offset from `expected_offset` to `records[-1].next_offset` by compare-and-set inside it. A partition without a stored offset starts at the low mark
        that the loop found: then `expected_offset` is that mark and no row exists yet, so the handler inserts it. Raises
        `OffsetMoved` when the compare fails, `Transient` when nothing was written; anything else is a bug and stops
        the process."""
        ...


@dataclass(slots=True)
class Progress:
    """What a loop has done, for health, lag and the watchdog. Only the loop writes it."""

    started_at: datetime
    healthy_at: datetime
    """When a turn last ended well, with a batch or without: older than a minute means not ready."""
    last_batch_at: datetime | None = None
    positions: dict[int, int] = field(default_factory=dict)
    """Owned partition to the offset to handle next."""
    applied_at_ms: dict[int, int] = field(default_factory=dict)
    """Owned partition to the log's time of the last record handled."""
    batches: int = 0
    records: int = 0
    failures: int = 0
    """Failures in a row, 0 after a batch or an empty fetch."""
    last_failure: str = ""


@dataclass(frozen=True, slots=True)
class _Batch:
    """The next batch to handle, or the error that its decoding met."""

    records: Sequence[StoredRecord]
    decoded: Any
    failure: Exception | None = None

    @property
    def partition(self) -> int:
        return self.records[0].partition


class ConsumerLoop:
    """Reads one topic for one group and hands batches to one handler until told to stop."""

    def __init__(
        self,
        log: EventLog,
        topic: Topic,
        group: str | None,
        handler: BatchHandler[Any],
        clock: Clock,
        *,
        records_max: int = RECORDS_MAX,
        wait_ms: int = WAIT_MS,
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        self.topic = topic
        self.progress = Progress(clock.now(), clock.now())
        self._log = log
        self._group = group
        self._handler = handler
        self._clock = clock
        self._records_max = records_max
        self._wait_ms = wait_ms
        self._drain_seconds = drain_seconds
        self._never_stored: set[int] = set()
        self._next: _Batch | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then the batch in hand gets `drain_seconds` to end, or is abandoned and redone later."""
        try:
            async with asyncio.TaskGroup() as tasks:
                work = tasks.create_task(self._work(stop))
                stopping = tasks.create_task(stop.wait())
                await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait((work,), timeout=self._drain_seconds)
                work.cancel()
                stopping.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _work(self, stop: asyncio.Event) -> None:
        reader: Reader | None = None
        try:
            while not stop.is_set():
                try:
                    reader = reader or await self._log.reader(self.topic, group=self._group)
                    await self._step(reader)
                    self.progress.failures = 0
                    self.progress.healthy_at = self._clock.now()
                except Transient as problem:
                    self._remember(problem)
                    await self._back_off(stop)
        finally:
            if reader is not None:
                await reader.close()

    async def _step(self, reader: Reader) -> None:
        """One turn: take up new partitions, then handle the batch before while the next one is fetched and decoded."""
        owned = await reader.assignment()
        await self._take_up(reader, owned)
        batch, self._next = self._next, None
        # Records are waited for only when there is nothing else to do.
        wait_ms = self._wait_ms if batch is None else 0
        applied, fetched = await asyncio.gather(
            self._apply(batch), self._read(reader, wait_ms), return_exceptions=True
        )
        if isinstance(fetched, BaseException):
            fetched = self._lose_place(fetched, owned)
        elif fetched is not None and fetched.partition in self.progress.positions:
            self._next, fetched = fetched, None
        # A bug ends the process, whatever else has failed.
        failures = [it for it in (applied, fetched) if isinstance(it, BaseException)]
        for failure in sorted(failures, key=lambda it: isinstance(it, Transient)):
            raise failure

    async def _read(self, reader: Reader, wait_ms: int) -> _Batch | None:
        records = await reader.fetch(records_max=self._records_max, wait_ms=wait_ms)
        if not records:
            return None
        try:
            return _Batch(records, await self._handler.decode(records))
        except Exception as error:  # noqa: BLE001 - it is raised when the batch's turn comes
            return _Batch(records, None, error)

    def _lose_place(self, failure: BaseException, owned: frozenset[int]) -> BaseException | None:
        """What a failed fetch means for the positions; None when it is mended by that."""
        if isinstance(failure, OffsetGone) and failure.partition in self._never_stored:
            # Never read and never stored: retention overtook the low mark that was asked for a moment ago.
            self._forget(failure.partition)
            return None
        if isinstance(failure, Transient):
            # The reader may have lost its place with its connection: take all up from what is stored.
            for partition in owned:
                self._forget(partition)
        return failure

    async def _take_up(self, reader: Reader, owned: frozenset[int]) -> None:
        """Seek what is new here (after a rebalance, at start, after a failure) to its stored offset."""
        for partition in self.progress.positions.keys() - owned:
            self._forget(partition)
        new = owned - self.progress.positions.keys()
        if not new:
            return
        stored = await self._handler.stored_offsets()
        self._never_stored |= new - stored.keys()
        low = await self._log.low_offsets(self.topic) if new - stored.keys() else {}
        for partition in sorted(new):
            position = stored[partition] if partition in stored else low[partition]
            await reader.seek(partition, position)
            self.progress.positions[partition] = position

    async def _apply(self, batch: _Batch | None) -> None:
        if batch is None:
            return
        partition, records = batch.partition, batch.records
        if batch.failure is not None:
            raise batch.failure
        expected = self.progress.positions[partition]
        try:
            await self._handler.handle(partition, expected, records, batch.decoded)
        except Transient:
            self._forget(partition)
            raise
        self._never_stored.discard(partition)
        self.progress.positions[partition] = records[-1].next_offset
        self.progress.applied_at_ms[partition] = records[-1].appended_at_ms
        self.progress.last_batch_at = self._clock.now()
        self.progress.batches += 1
        self.progress.records += len(records)

    def _forget(self, partition: int) -> None:
        """The next turn seeks this partition to its stored offset again; what was read ahead of it is read again."""
        self.progress.positions.pop(partition, None)
        if self._next is not None and self._next.partition == partition:
            self._next = None
        self._never_stored.discard(partition)

    def _remember(self, problem: Transient) -> None:
        self.progress.failures += 1
        self.progress.last_failure = f"{type(problem).__name__}: {problem}"
        logger.warning(
            "consumer.retry",
            topic=self.topic.name,
            failures=self.progress.failures,
            problem=self.progress.last_failure,
            moved=isinstance(problem, OffsetMoved),
        )

    async def _back_off(self, stop: asyncio.Event) -> None:
        seconds = BACK_OFF_FIRST_SECONDS * 2.0 ** min(self.progress.failures - 1, 10)
        async with asyncio.TaskGroup() as tasks:
            nap = tasks.create_task(self._clock.sleep(min(seconds, BACK_OFF_MAX_SECONDS)))
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait((nap, stopping), return_when=asyncio.FIRST_COMPLETED)
            nap.cancel()
            stopping.cancel()
