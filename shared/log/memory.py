"""The event log in memory, for tests and simulation: one broker, any number of connections.

Promise: the promises of `port.py`, without the wall clock: record times come from the injected
clock, and waits are those of the event loop. A test calls the hooks of the broker to make it hang,
become unreachable, fail before or after a write, duplicate, rebalance, expire records, or compact.
What can go wrong: it is not durable, so only tests use it.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from typing_extensions import override

from shared.clock import Clock
from shared.errors import OffsetGone, Transient
from shared.log.partition import by_partition
from shared.log.port import EventLog, Reader, Record, StoredRecord
from shared.log.topics import Topic


def _offset_of(record: StoredRecord) -> int:
    return record.offset


@dataclass(slots=True)
class _Partition:
    """One partition: its records in order, its low mark and its end."""

    records: list[StoredRecord] = field(default_factory=list)
    low: int = 0
    end: int = 0

    def append(self, topic: str, partition: int, record: Record, now_ms: int) -> None:
        self.records.append(
            StoredRecord(
                topic, partition, self.end, record.key, record.value, record.headers, now_ms
            )
        )
        self.end += 1

    def read(self, offset: int, records_max: int) -> list[StoredRecord]:
        first = bisect_left(self.records, offset, key=_offset_of)
        return self.records[first : first + records_max]

    def drop_below(self, offset: int) -> None:
        self.low = max(self.low, min(offset, self.end))
        del self.records[: bisect_left(self.records, self.low, key=_offset_of)]

    def compact(self) -> None:
        newest = {record.key: record.offset for record in self.records}
        self.records = [record for record in self.records if newest[record.key] == record.offset]


@dataclass(slots=True)
class _Group:
    """The readers that share one topic; `turn` changes the assignment at every rebalance."""

    members: list["MemoryReader"] = field(default_factory=list)
    turn: int = 0


class MemoryBroker:
    """The shared state: partitions, groups, and the hooks for tests."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.topics: dict[str, tuple[Topic, list[_Partition]]] = {}
        self._groups: dict[tuple[str, str], _Group] = {}
        self._changed = asyncio.Event()
        self._running = asyncio.Event()
        self._running.set()
        self._reachable = True
        self._failures: list[bool] = []
        self._duplicates = 0

    # -- hooks for tests -------------------------------------------------------------------------

    def hang(self) -> None:
        """Make every call wait until its own deadline or `resume`, like a frozen server."""
        self._running.clear()

    def resume(self) -> None:
        """End `hang`."""
        self._running.set()

    def go_away(self) -> None:
        """Make every call raise `Transient` at once, like a stopped server."""
        self._reachable = False
        self._wake()

    def come_back(self) -> None:
        """End `go_away`."""
        self._reachable = True

    def fail_appends(self, count: int, *, after_writing: bool = False) -> None:
        """Make the next `count` appends raise `Transient`, before or after the write."""
        self._failures.extend([after_writing] * count)

    def duplicate_appends(self, count: int) -> None:
        """Write the next `count` batches twice, as after a lost acknowledgement."""
        self._duplicates += count

    def rebalance(self, topic: Topic, group: str) -> None:
        """Assign the partitions to other members than before."""
        found = self._groups.get((topic.name, group))
        if found is None:
            return
        found.turn += 1
        for member in found.members:
            member.owned = frozenset()
        if found.members:
            for partition in range(len(self._partitions(topic))):
                owner = found.members[(partition + found.turn) % len(found.members)]
                owner.owned |= {partition}
        self._wake()

    def drop_below(self, topic: Topic, partition: int, offset: int) -> None:
        """Delete every record below `offset`, like retention."""
        self._partitions(topic)[partition].drop_below(offset)

    def enforce_retention(self) -> None:
        """Delete what is older than the retention of its topic, by the injected clock."""
        now_ms = self._now_ms()
        for topic, partitions in self.topics.values():
            for partition in partitions:
                if topic.retention_ms is not None:
                    oldest_ms = now_ms - topic.retention_ms
                    kept = [r.offset for r in partition.records if r.appended_at_ms >= oldest_ms]
                    partition.drop_below(kept[0] if kept else partition.end)

    def compact(self, topic: Topic) -> None:
        """Keep only the newest value of each key."""
        for partition in self._partitions(topic):
            partition.compact()

    # -- for the connections -------------------------------------------------------------------

    async def answer(self, timeout_seconds: float) -> None:
        """Return when the broker answers; `Transient` when it is unreachable or hangs."""
        # A simulation calls this a million times, so the normal case starts no timer.
        if not self._running.is_set():
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._running.wait()
            except TimeoutError:
                raise Transient(f"the log did not answer within {timeout_seconds} s") from None
        if not self._reachable:
            raise Transient("the log is unreachable")

    def create(self, topic: Topic) -> None:
        if topic.name not in self.topics:
            self.topics[topic.name] = (topic, [_Partition() for _ in range(topic.partitions)])

    def write(self, topic: Topic, records: Sequence[Record]) -> None:
        fails_after_writing = self._failures.pop(0) if self._failures else None
        if fails_after_writing is False:
            raise Transient("the log refused the batch")
        times = 1
        if self._duplicates:
            self._duplicates -= 1
            times = 2
        partitions, now_ms = self._partitions(topic), self._now_ms()
        for number, batch in by_partition(records, len(partitions)).items():
            for record in batch * times:
                partitions[number].append(topic.name, number, record, now_ms)
        self._wake()
        if fails_after_writing:
            raise Transient("the log wrote the batch and its answer was lost")

    def offset_ranges(self, topic: Topic) -> Mapping[int, tuple[int, int]]:
        return {n: (p.low, p.end) for n, p in enumerate(self._partitions(topic))}

    def read(
        self, topic: Topic, partition: int, offset: int, records_max: int
    ) -> Sequence[StoredRecord]:
        found = self._partitions(topic)[partition]
        if offset < found.low:
            raise OffsetGone(topic.name, partition, offset, found.low)
        return found.read(offset, records_max)

    def join(self, topic: Topic, group: str, member: "MemoryReader") -> None:
        self._groups.setdefault((topic.name, group), _Group()).members.append(member)
        self.rebalance(topic, group)

    def leave(self, topic: Topic, group: str, member: "MemoryReader") -> None:
        members = self._groups[(topic.name, group)].members
        if member in members:
            members.remove(member)
            member.owned = frozenset()
            self.rebalance(topic, group)

    async def changed(self) -> None:
        """Return after the next append, rebalance or outage."""
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _partitions(self, topic: Topic) -> list[_Partition]:
        if topic.name not in self.topics:
            raise Transient(f"topic {topic.name} does not exist yet")
        return self.topics[topic.name][1]

    def _now_ms(self) -> int:
        return int(self.clock.now().timestamp() * 1000)


class MemoryLog(EventLog):
    """One connection to a shared broker."""

    def __init__(self, broker: MemoryBroker, *, timeout_seconds: float = 5.0) -> None:
        self._broker = broker
        self._timeout_seconds = timeout_seconds
        self._readers: list[MemoryReader] = []

    @override
    async def open(self) -> None:
        return None

    @override
    async def close(self) -> None:
        for reader in self._readers:
            await reader.close()

    @override
    async def ensure_topics(self, topics: Sequence[Topic]) -> None:
        await self._broker.answer(self._timeout_seconds)
        for topic in topics:
            self._broker.create(topic)

    @override
    async def append(self, topic: Topic, records: Sequence[Record]) -> None:
        await self._broker.answer(self._timeout_seconds)
        if records:
            self._broker.write(topic, records)

    @override
    async def low_offsets(self, topic: Topic) -> Mapping[int, int]:
        await self._broker.answer(self._timeout_seconds)
        return {number: low for number, (low, _) in self._broker.offset_ranges(topic).items()}

    @override
    async def end_offsets(self, topic: Topic) -> Mapping[int, int]:
        await self._broker.answer(self._timeout_seconds)
        return {number: end for number, (_, end) in self._broker.offset_ranges(topic).items()}

    @override
    async def reader(self, topic: Topic, *, group: str | None) -> Reader:
        reader = MemoryReader(self._broker, topic, group, self._timeout_seconds)
        self._readers = [*(other for other in self._readers if not other.is_closed), reader]
        return reader


class MemoryReader(Reader):
    """A reader of the broker. It joins its group at its first call."""

    def __init__(
        self, broker: MemoryBroker, topic: Topic, group: str | None, timeout_seconds: float
    ) -> None:
        self.owned: frozenset[int] = frozenset()
        self.positions: dict[int, int] = {}
        self._broker = broker
        self._topic = topic
        self._group = group
        self._timeout_seconds = timeout_seconds
        self._joined = False
        self.is_closed = False
        self._turn = 0

    @override
    async def assignment(self) -> frozenset[int]:
        await self._broker.answer(self._timeout_seconds)
        if not self._joined:
            partitions = self._broker.offset_ranges(self._topic)
            if self._group is None:
                self.owned = frozenset(partitions)
            else:
                self._broker.join(self._topic, self._group, self)
            self._joined = True
        # A partition lost and regained since the last call keeps its position. If another member
        # handled it in between, the compare-and-set of the stored offset fails.
        for lost in self.positions.keys() - self.owned:
            del self.positions[lost]
        return self.owned

    @override
    async def seek(self, partition: int, offset: int) -> None:
        if partition in self.owned:
            self.positions[partition] = offset

    @override
    async def fetch(self, *, records_max: int, wait_ms: int) -> Sequence[StoredRecord]:
        await self._broker.answer(self._timeout_seconds)
        records = self._next(records_max)
        if records or not wait_ms:
            return records
        try:
            async with asyncio.timeout(wait_ms / 1000):
                while not records:
                    await self._broker.changed()
                    await self._broker.answer(self._timeout_seconds)
                    records = self._next(records_max)
        except TimeoutError:
            return ()
        return records

    def _next(self, records_max: int) -> Sequence[StoredRecord]:
        for partition in self._rotation():
            position = self.positions[partition]
            records = self._broker.read(self._topic, partition, position, records_max)
            if records:
                self._turn = partition + 1
                self.positions[partition] = records[-1].next_offset
                return records
        return ()

    def _rotation(self) -> list[int]:
        ready = sorted(self.owned & self.positions.keys())
        return [p for p in ready if p >= self._turn] + [p for p in ready if p < self._turn]

    @override
    async def close(self) -> None:
        if self._joined and not self.is_closed and self._group is not None:
            self._broker.leave(self._topic, self._group, self)
        self.is_closed = True
