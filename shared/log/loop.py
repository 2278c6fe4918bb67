"""The consumer loop of every service: fetch, decode, handle, seek back on failure, drain on stop.

Promise: a batch is handled at least once, and its effects count once, because the handler moves the
stored offset by compare-and-set in the transaction of the effects. The next batch is fetched and
decoded while the database works on the current one. Batches are handled one after the other, in the
order of their partition. After any `Transient` the loop waits and reads again from the stored
offset. A stop finishes the batch that is being handled. `progress` shows the state of the loop;
`watchdog.py` reads it.
What can go wrong: `OffsetGone` below a stored offset means that retention removed records that were
never read. The loop raises it and the process ends, because going on would lose records silently.
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
# An empty fetch takes this long, so a stop is noticed at the latest then.
WAIT_MS: Final = 500
# Most failures are short, so the first retry comes soon; later ones cause almost no load.
BACK_OFF_FIRST_SECONDS: Final = 0.1
BACK_OFF_MAX_SECONDS: Final = 5.0
# The time between the stop signal and the kill, less a margin to close the connections.
DRAIN_SECONDS: Final = 10.0

logger = structlog.get_logger(__name__)

Decoded = TypeVar("Decoded")


class BatchHandler(Protocol[Decoded]):
    """What a service gives to the loop. Calls of `handle` never overlap."""

    async def stored_offsets(self) -> Mapping[int, int]:
        """Return the stored offset to read next of each partition; one never read is absent."""
        ...

    async def decode(self, records: Sequence[StoredRecord]) -> Decoded:
        """Decode a batch from its bytes alone.

        It runs while the batch before is being handled, so it must yield to the event loop from
        time to time. An exception is raised again when the turn of the batch comes.
        """
        ...

    async def handle(
        self,
        partition: int,
        expected_offset: int,
        records: Sequence[StoredRecord],
        decoded: Decoded,
    ) -> None:
        """Apply one batch of one partition in one transaction, and move the stored offset in it.

        `decoded` is the result of `decode`. The offset moves from `expected_offset` to
        `records[-1].next_offset` by compare-and-set. A partition without a stored offset starts at
        the low mark: `expected_offset` is that mark and the handler inserts the row. Raises
        `OffsetMoved` when the compare fails, and `Transient` when nothing was written. Any other
        exception is a bug and stops the process.
        """
        ...


@dataclass(slots=True)
class Progress:
    """The state of a loop, for health, lag and the watchdog. Only the loop writes it."""

    started_at: datetime
    positions: dict[int, int] = field(default_factory=dict)
    """Owned partition to the offset to handle next."""
    applied_at_ms: dict[int, int] = field(default_factory=dict)
    """Owned partition to the time of the last record handled, by the clock of the log."""
    batches: int = 0
    records: int = 0
    failures: int = 0
    """Failures in a row, 0 after a batch or an empty fetch."""
    last_failure: str = ""


@dataclass(frozen=True, slots=True)
class _Batch:
    """The next batch to handle, or the exception that its decoding raised."""

    records: Sequence[StoredRecord]
    decoded: Any
    failure: Exception | None = None

    @property
    def partition(self) -> int:
        return self.records[0].partition


class ConsumerLoop:
    """Reads one topic for one group and passes batches to one handler until it is stopped."""

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
        self.progress = Progress(clock.now())
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
        """Work until `stop` is set; then the current batch has `drain_seconds` to end."""
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
                except Transient as problem:
                    self._remember(problem)
                    await self._back_off(stop)
        finally:
            if reader is not None:
                await reader.close()

    async def _step(self, reader: Reader) -> None:
        """Seek new partitions; then handle one batch while the next is fetched and decoded."""
        owned = await reader.assignment()
        await self._take_up(reader, owned)
        batch, self._next = self._next, None
        # The fetch waits for records only when no batch has to be handled.
        wait_ms = self._wait_ms if batch is None else 0
        applied, fetched = await asyncio.gather(
            self._apply(batch), self._read(reader, wait_ms), return_exceptions=True
        )
        if isinstance(fetched, BaseException):
            fetched = self._lose_place(fetched, owned)
        elif fetched is not None and fetched.partition in self.progress.positions:
            self._next, fetched = fetched, None
        # A bug ends the process even if a `Transient` was raised at the same time.
        failures = [it for it in (applied, fetched) if isinstance(it, BaseException)]
        for failure in sorted(failures, key=lambda it: isinstance(it, Transient)):
            raise failure

    async def _read(self, reader: Reader, wait_ms: int) -> _Batch | None:
        records = await reader.fetch(records_max=self._records_max, wait_ms=wait_ms)
        if not records:
            return None
        try:
            return _Batch(records, await self._handler.decode(records))
        except Exception as error:  # noqa: BLE001 - raised by `_apply`
            return _Batch(records, None, error)

    def _lose_place(self, failure: BaseException, owned: frozenset[int]) -> BaseException | None:
        """Reset positions after a failed fetch; None when that repairs the failure."""
        if isinstance(failure, OffsetGone) and failure.partition in self._never_stored:
            # Nothing was read or stored yet: retention moved the low mark after it was read.
            self._forget(failure.partition)
            return None
        if isinstance(failure, Transient):
            # The reader may have lost its positions: seek all partitions to the stored offsets.
            for partition in owned:
                self._forget(partition)
        return failure

    async def _take_up(self, reader: Reader, owned: frozenset[int]) -> None:
        """Seek each partition without a position to its stored offset, or else to the low mark."""
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
        self.progress.batches += 1
        self.progress.records += len(records)

    def _forget(self, partition: int) -> None:
        """Drop the position and the batch read ahead; the next step seeks to the stored offset."""
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
