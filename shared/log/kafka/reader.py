"""One reader of a topic on Kafka: its consumer, its positions, and the checks of both.

Promise: this class keeps the positions, so they survive a rebalance and a new consumer. A rebalance
during a fetch neither repeats nor skips records.
What can go wrong: the client hides lost connections and sometimes stalls (aiokafka issues 847 and
1154). After an empty fetch the reader asks for the ends, which detects a lost connection. A reader
that makes no progress although records wait gets a new consumer.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from typing_extensions import override

from shared.concurrency import SLICE_ITEMS, yield_control
from shared.errors import OffsetGone, Permanent, Transient
from shared.log.kafka.timeouts import start, stop, with_deadline
from shared.log.port import EventLog, Reader, StoredRecord
from shared.log.topics import Topic

# After an empty fetch the reader asks for the ends, at most this often.
PROBE_SECONDS: Final = 1.0
# Longer than any rebalance and election.
STALL_SECONDS: Final = 20.0


def all_partitions(topic: Topic) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for number in range(topic.partitions)]


class KafkaReader(Reader, ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
    """A reader of one topic, alone or as a member of a group. It keeps its own positions."""

    def __init__(
        self,
        log: EventLog,
        topic: Topic,
        make_consumer: Callable[[], AIOKafkaConsumer],
        *,
        is_member: bool,
        timeout_seconds: float,
    ) -> None:
        self.is_closed = False
        self._log = log
        self._make_consumer = make_consumer
        self._is_member = is_member
        self._timeout_seconds = timeout_seconds
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None
        self._owned: frozenset[int] = frozenset()
        self._positions: dict[int, int] = {}
        self._pending: dict[int, Sequence[Any]] = {}
        self._generation = 0
        self._turn = 0
        self._news = asyncio.Event()
        self._joined = False
        self._probed_at = 0.0
        self._moved_at = 0.0

    @override
    async def assignment(self) -> frozenset[int]:
        await self._started()
        # A partition lost and regained since the last call keeps its position. If another member
        # handled it in between, the compare-and-set of the stored offset fails.
        for lost in self._positions.keys() - self._owned:
            del self._positions[lost]
        return self._owned

    @override
    async def seek(self, partition: int, offset: int) -> None:
        self._positions[partition] = offset
        self._place([partition])

    @override
    async def fetch(self, *, records_max: int, wait_ms: int) -> Sequence[StoredRecord]:
        consumer = await self._started()
        generation = self._generation
        records: Sequence[Any] = ()
        try:
            records = await self._poll(consumer, records_max, wait_ms)
        except OffsetOutOfRangeError as error:
            await self._refuse_out_of_range(error)
        except NoOffsetForPartitionError:
            # The client looked for a start position before the first seek.
            self._place(self._positions)
        except (KafkaError, OSError) as error:
            await self._drop()
            raise Transient(f"fetch from {self._topic.name}: {error!r}") from error
        if generation != self._generation:
            # The poll began before a rebalance, so its records may come from the time after it.
            # They are dropped, and the client seeks to our positions again.
            self._place(self._positions)
        elif records:
            self._turn = records[0].partition + 1
            self._positions[records[0].partition] = records[-1].offset + 1
            self._moved_at = asyncio.get_running_loop().time()
            return [_stored(record) for record in records]
        await self._probe(consumer)
        return ()

    @override
    async def close(self) -> None:
        self.is_closed = True
        await self._drop()

    # -- the client calls these two during a rebalance; no lock is held around a poll ----------

    @override
    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._begin_generation(frozenset(), joined=False)

    @override
    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._begin_generation(frozenset(tp.partition for tp in assigned), joined=True)
        self._place(self._positions)

    # -- private -------------------------------------------------------------------------------

    def _begin_generation(self, owned: frozenset[int], *, joined: bool) -> None:
        self._owned = owned
        self._joined = joined
        self._generation += 1
        self._pending.clear()
        self._moved_at = asyncio.get_running_loop().time()
        self._news.set()

    def _place(self, partitions: Iterable[int]) -> None:
        """Seek the client to our positions; it loses its own at every rebalance."""
        for partition in partitions:
            self._pending.pop(partition, None)
            if self._consumer is not None and partition in self._owned:
                with suppress(IllegalStateError):
                    tp = TopicPartition(self._topic.name, partition)
                    self._consumer.seek(tp, self._positions[partition])

    async def _poll(
        self, consumer: AIOKafkaConsumer, records_max: int, wait_ms: int
    ) -> Sequence[Any]:
        """Return records of one partition; the partitions are served in rotation."""
        ready = sorted(self._owned & self._positions.keys())
        if not ready:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_ms / 1_000):
                    await self._news.wait()
            return ()
        for _ in range(2):
            for partition in [p for p in ready if p >= self._turn] + [
                p for p in ready if p < self._turn
            ]:
                if records := await self._buffered(consumer, partition, records_max, wait_ms):
                    return records
            tps = [TopicPartition(self._topic.name, partition) for partition in ready]
            found = await _take(consumer, tps, SLICE_ITEMS, wait_ms)
            self._pending = {tp.partition: records for tp, records in found.items()}
        return ()

    async def _buffered(
        self, consumer: AIOKafkaConsumer, partition: int, records_max: int, wait_ms: int
    ) -> Sequence[Any]:
        tp = TopicPartition(self._topic.name, partition)
        generation = self._generation
        taken = list(self._pending.pop(partition, ()))
        while len(taken) < records_max and generation == self._generation:
            size = min(SLICE_ITEMS, records_max - len(taken))
            found = await _take(consumer, [tp], size, wait_ms, is_urgent=True)
            if not found:
                break
            taken += found[tp]
            await yield_control()
        if len(taken) > records_max:
            self._pending[partition] = taken[records_max:]
        return taken[:records_max]

    async def _refuse_out_of_range(self, error: OffsetOutOfRangeError) -> None:
        low = await self._log.low_offsets(self._topic)
        for tp, offset in error.args[0].items():
            # The client does not read this partition before the next seek.
            self._place([tp.partition])
            if offset < low[tp.partition]:
                raise OffsetGone(self._topic.name, tp.partition, offset, low[tp.partition])
            raise Permanent(
                f"offset {offset} lies beyond the end of {self._topic.name}/{tp.partition}: "
                "this is another log than before, or it has lost its tail"
            )

    async def _probe(self, consumer: AIOKafkaConsumer) -> None:
        """Check an empty fetch: `Transient` when the log is unreachable or the client stalls."""
        now = asyncio.get_running_loop().time()
        if now - self._probed_at < PROBE_SECONDS:
            return
        ends = await self._log.end_offsets(self._topic)
        self._probed_at = now
        if await self._waits_for_nothing(consumer, ends):
            self._moved_at = now
        elif now - self._moved_at > STALL_SECONDS:
            await self._drop()
            raise Transient(f"the reader of {self._topic.name} stalled; it gets a new consumer")

    async def _waits_for_nothing(self, consumer: AIOKafkaConsumer, ends: Mapping[int, int]) -> bool:
        if not self._joined:
            return False
        async with with_deadline("ask for the position", self._timeout_seconds):
            for partition in self._owned & self._positions.keys():
                # The client position counts markers, which are never returned (issue 911).
                tp = TopicPartition(self._topic.name, partition)
                if await consumer.position(tp) < ends[partition]:
                    return False
        return True

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = self._make_consumer()
            if not self._is_member:
                consumer.assign(all_partitions(self._topic))
                self._begin_generation(frozenset(range(self._topic.partitions)), joined=True)
            else:
                self._begin_generation(frozenset(), joined=False)
                consumer.subscribe([self._topic.name], listener=self)
            async with with_deadline(f"read {self._topic.name}", self._timeout_seconds):
                await start(consumer)
            self._consumer = consumer
            self._place(self._positions)
        return self._consumer

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if self._is_member:
            self._begin_generation(frozenset(), joined=False)
        if consumer is not None:
            await stop(consumer)


async def _take(
    consumer: AIOKafkaConsumer,
    tps: Sequence[TopicPartition],
    records_max: int,
    wait_ms: int,
    *,
    is_urgent: bool = False,
) -> Mapping[TopicPartition, Sequence[Any]]:
    """Return the records that the client has; with `is_urgent` it does not wait for more.

    The time-out ends a wait for records or for a rebalance. It never drops records that the client
    has returned.
    """
    timeout_ms = 0 if is_urgent else wait_ms
    found: Mapping[TopicPartition, Sequence[Any]] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_ms / 1_000):
            found = await consumer.getmany(*tps, timeout_ms=timeout_ms, max_records=records_max)
    return found


def _stored(record: Any) -> StoredRecord:
    return StoredRecord(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        tuple(record.headers),
        record.timestamp,
    )
