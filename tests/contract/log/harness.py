"""What the contract suite needs of each log beside the port: fresh topics, and a hand on retention and compaction.

Promise: tests never ask which log they run on. What differs (how to make time pass, how to take the server away) is here.
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

# The shortest span that all servers can be told to keep, so that a test of retention takes a second.
RETENTION_MS = 1_000
_numbers = count()


def fresh_topic(
    *, partitions: int = 4, retention_ms: int | None = None, compacted: bool = False
) -> Topic:
    """A topic that no other test or worker knows."""
    name = f"test.{next(_numbers)}.{str(new_id()).replace('-', '')[-20:]}"
    return Topic(name, partitions, retention_ms, compacted)


def record(key: str, value: str = "", **headers: bytes) -> Record:
    """A record of text."""
    return Record(key.encode(), value.encode(), tuple(headers.items()))


@dataclass
class Harness(ABC):
    """One kind of log under test; handles it gave out are closed at the end."""

    handles: list[EventLog] = field(default_factory=list)

    @abstractmethod
    def make(self) -> EventLog:
        """A new handle, not yet opened."""

    @abstractmethod
    def make_unreachable(self) -> EventLog:
        """A handle onto an address where nobody answers, with a deadline of a second."""

    @abstractmethod
    async def forget_old(self, log: EventLog, topic: Topic) -> None:
        """Give retention its chance, once."""

    @abstractmethod
    async def compact(self, log: EventLog, topic: Topic) -> None:
        """Give compaction its chance, once."""

    async def log(self) -> EventLog:
        """A new handle, open."""
        handle = self.make()
        await handle.open()
        self.handles.append(handle)
        return handle

    async def log_with(self, topic: Topic) -> EventLog:
        """A new handle, open, with the topic made."""
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
        await log.keep_house(topic)

    @override
    async def compact(self, log: EventLog, topic: Topic) -> None:
        assert isinstance(log, PostgresLog)
        await log.keep_house(topic)


@dataclass
class KafkaHarness(Harness):
    """The log on a real Apache Kafka broker, which forgets and compacts within a second by its own settings."""

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
    """Wait until the condition holds; fail when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        is_true = await condition()
        while not is_true:
            await asyncio.sleep(0.05)
            is_true = await condition()


async def seek_all(log: EventLog, topic: Topic, reader: Reader) -> frozenset[int]:
    """Position the reader at the low mark of all it owns; wait until it owns something."""
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
    """Everything up to the ends as they are now, of the partitions that the reader owns."""
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
    """The values, as text."""
    return [r.value.decode() for r in records]
