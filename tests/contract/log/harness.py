"""The harness of each log: fresh topics, handles, and control of retention and compaction.

Promise: the tests are the same for all logs. All differences are here.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from typing_extensions import override

from shared.clock import SystemClock
from shared.ids import new_id
from shared.log.kafka import KafkaLog
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import EventLog, Reader, Record, StoredRecord
from shared.log.postgres import PostgresLog
from shared.log.topics import Topic

# The shortest retention that all servers accept, so that a test takes one second.
RETENTION_MS = 1_000
_numbers = count()


def fresh_topic(
    *, partitions: int = 4, retention_ms: int | None = None, compacted: bool = False
) -> Topic:
    """Return a topic that no other test uses."""
    name = f"test.{next(_numbers)}.{str(new_id()).replace('-', '')[-20:]}"
    return Topic(name, partitions, retention_ms, compacted)


def record(key: str, value: str = "", **headers: bytes) -> Record:
    """Return a record with text in it."""
    return Record(key.encode(), value.encode(), tuple(headers.items()))


@dataclass
class Harness(ABC):
    """One kind of log under test. `close` closes the handles that it returned."""

    handles: list[EventLog] = field(default_factory=list)

    @abstractmethod
    def make(self) -> EventLog:
        """Return a new handle that is not open."""

    @abstractmethod
    def make_unreachable(self) -> EventLog:
        """Return a handle on an address without a server, with a deadline of 1 s."""

    @abstractmethod
    async def forget_old(self, log: EventLog, topic: Topic) -> None:
        """Apply retention once."""

    @abstractmethod
    async def compact(self, log: EventLog, topic: Topic) -> None:
        """Apply compaction once."""

    async def log(self) -> EventLog:
        """Return a new open handle."""
        handle = self.make()
        await handle.open()
        self.handles.append(handle)
        return handle

    async def log_with(self, topic: Topic) -> EventLog:
        """Return a new open handle, with the topic created."""
        handle = await self.log()
        await handle.ensure_topics([topic])
        return handle

    async def close(self) -> None:
        for handle in self.handles:
            await handle.close()


@dataclass
class MemoryHarness(Harness):
    """All handles share one broker, as processes share a server."""

    broker: MemoryBroker = field(default_factory=lambda: MemoryBroker(SystemClock()))

    @override
    def make(self) -> EventLog:
        return MemoryLog(self.broker)

    @override
    def make_unreachable(self) -> EventLog:
        broker = MemoryBroker(SystemClock())
        broker.hang()
        return MemoryLog(broker, timeout_seconds=1.0)

    @override
    async def forget_old(self, log: EventLog, topic: Topic) -> None:
        self.broker.enforce_retention()

    @override
    async def compact(self, log: EventLog, topic: Topic) -> None:
        self.broker.compact(topic)


@dataclass
class PostgresHarness(Harness):
    """The log in a real Postgres."""

    url: str = ""

    @override
    def make(self) -> EventLog:
        return PostgresLog(self.url, SystemClock())

    @override
    def make_unreachable(self) -> EventLog:
        # Port 9 is `discard`: nothing listens there.
        return PostgresLog("postgresql://x:y@127.0.0.1:9/x", SystemClock(), timeout_seconds=1.0)

    @override
    async def forget_old(self, log: EventLog, topic: Topic) -> None:
        assert isinstance(log, PostgresLog)
        await log.run_housekeeping(topic)

    @override
    async def compact(self, log: EventLog, topic: Topic) -> None:
        assert isinstance(log, PostgresLog)
        await log.run_housekeeping(topic)


@dataclass
class KafkaHarness(Harness):
    """The log on a real Kafka broker, which applies retention and compaction within a second."""

    bootstrap: str = ""

    @override
    def make(self) -> EventLog:
        return KafkaLog(self.bootstrap, SystemClock())

    @override
    def make_unreachable(self) -> EventLog:
        return KafkaLog("127.0.0.1:9", SystemClock(), timeout_seconds=1.0)

    @override
    async def forget_old(self, log: EventLog, topic: Topic) -> None:
        await asyncio.sleep(0.2)

    @override
    async def compact(self, log: EventLog, topic: Topic) -> None:
        await asyncio.sleep(0.5)


async def eventually(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30.0) -> None:
    """Wait until the condition is true. Raises `TimeoutError` after `seconds`."""
    async with asyncio.timeout(seconds):
        is_true = await condition()
        while not is_true:
            await asyncio.sleep(0.05)
            is_true = await condition()


async def seek_all(log: EventLog, topic: Topic, reader: Reader) -> frozenset[int]:
    """Wait until the reader owns partitions, and seek them to their low marks."""
    async with asyncio.timeout(30):
        while not (owned := await reader.assignment()):
            await reader.fetch(records_max=1, wait_ms=100)
    low = await log.low_offsets(topic)
    for partition in owned:
        await reader.seek(partition, low[partition])
    return owned


async def read_to_end(
    log: EventLog, topic: Topic, reader: Reader, *, records_max: int = 1_000
) -> list[StoredRecord]:
    """Read the partitions of the reader up to their present ends."""
    ends = {
        p: end
        for p, end in (await log.end_offsets(topic)).items()
        if p in await reader.assignment()
    }
    low = await log.low_offsets(topic)
    positions = {p: low[p] for p in ends}
    found: list[StoredRecord] = []
    async with asyncio.timeout(30):
        while any(positions[p] < end for p, end in ends.items()):
            batch = await reader.fetch(records_max=records_max, wait_ms=500)
            found.extend(batch)
            if batch:
                positions[batch[0].partition] = batch[-1].next_offset
    return found


def values(records: Sequence[StoredRecord]) -> list[str]:
    """Return the values as text."""
    return [r.value.decode() for r in records]
