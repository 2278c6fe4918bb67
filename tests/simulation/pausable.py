"""The clock, the log and the database with pause points, at which the scheduler holds an actor.

Promise: the pause points are fixed; `FaultPlan` decides what happens at them. At most one
transaction is paused while it holds the locks of a workspace, with everything written and nothing
committed, so that other actors meet the real locks.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from shared.clock import Clock, ManualClock
from shared.db.engine import Database
from shared.errors import Transient
from shared.log.memory import MemoryBroker, MemoryLog, MemoryReader
from shared.log.port import EventLog, Reader, Record, StoredRecord
from shared.log.topics import Topic
from tests.simulation.actor import Actor


class AppendOutcome(Enum):
    """The outcome of one append."""

    ARRIVES = "arrives"
    REFUSED = "refused"
    ANSWER_LOST = "answer_lost"
    TWICE = "twice"
    PREFIX = "prefix"
    LATE = "late"


class FaultPlan(Protocol):
    """The decisions that the pausable parts ask for."""

    def of_append(self, topic: Topic) -> AppendOutcome:
        """Return the outcome of the next append."""
        ...

    def prefix(self, records: int) -> int:
        """Return how many records of a broken append arrive."""
        ...

    def publish_size(self, topic: Topic) -> int:
        """Return the most records in the next append of a publisher."""
        ...

    def fetch_size(self) -> int:
        """Return the most records in the next fetch."""
        ...

    def holds_locks(self, actor: Actor) -> bool:
        """Return whether this actor is paused before its commit."""
        ...


@dataclass
class ProcessClock(Clock):
    """The clock of one process: the simulated time plus its skew. A sleep is a pause point."""

    base: ManualClock
    actor: Actor
    skew: dict[str, timedelta]
    process: str

    @override
    def now(self) -> datetime:
        return self.base.now() + self.skew[self.process]

    @override
    def monotonic(self) -> float:
        return self.base.monotonic()

    @override
    async def sleep(self, seconds: float) -> None:
        await self.actor.pause("sleep")


class PausableDatabase(Database):
    """A pool for one actor: a pause before each write transaction, and around its commit."""

    def __init__(self, pool: Database, actor: Actor, faults: FaultPlan) -> None:
        self._pool = pool
        self._actor = actor
        self._faults = faults

    @override
    @asynccontextmanager
    async def write(
        self,
        workspaces: Sequence[UUID | str],
        *,
        extra: Sequence[str] = (),
        statement_seconds: float | None = None,
    ) -> AsyncIterator[AsyncConnection]:
        self._actor.locks = frozenset((id(self._pool), str(name)) for name in workspaces)
        await self._actor.pause("begin")
        async with self._pool.write(
            workspaces, extra=extra, statement_seconds=statement_seconds
        ) as conn:
            yield conn
            self._actor.die_if_doomed()
            if self._faults.holds_locks(self._actor):
                await self._actor.pause("written")
                self._actor.die_if_doomed()
        self._actor.has_committed = True
        await self._actor.pause("committed")

    @override
    @asynccontextmanager
    async def read(self, workspaces: Sequence[UUID | str]) -> AsyncIterator[AsyncConnection]:
        async with self._pool.read(workspaces) as conn:
            yield conn

    @override
    @asynccontextmanager
    async def exempt(self) -> AsyncIterator[AsyncConnection]:
        async with self._pool.exempt() as conn:
            yield conn
            self._actor.die_if_doomed()


@dataclass
class InFlight:
    """Appends that timed out for their sender and have not arrived yet."""

    appends: list[tuple[Topic, Sequence[Record]]] = field(default_factory=list)

    async def deliver(self, log: MemoryLog, place: int) -> None:
        """Append one of them to the log."""
        topic, records = self.appends.pop(place)
        await log.append(topic, records)


class PausableLog(EventLog):
    """A log handle for one actor."""

    def __init__(
        self, broker: MemoryBroker, actor: Actor, faults: FaultPlan, in_flight: InFlight
    ) -> None:
        self._broker = broker
        self._log = MemoryLog(broker)
        self._actor = actor
        self._faults = faults
        self._in_flight = in_flight
        self.readers: list[PausableReader] = []

    @override
    async def open(self) -> None:
        await self._log.open()

    @override
    async def close(self) -> None:
        await self._log.close()

    @override
    async def ensure_topics(self, topics: Sequence[Topic]) -> None:
        await self._log.ensure_topics(topics)

    @override
    async def append(self, topic: Topic, records: Sequence[Record]) -> None:
        await self._actor.pause("append")
        # An append that does not reach the log takes no outcome from the plan.
        await self._broker.answer(timeout_seconds=1.0)
        match self._faults.of_append(topic):
            case AppendOutcome.REFUSED:
                self._broker.fail_appends(1)
            case AppendOutcome.ANSWER_LOST:
                self._broker.fail_appends(1, after_writing=True)
            case AppendOutcome.TWICE:
                self._broker.duplicate_appends(1)
            case AppendOutcome.PREFIX:
                await self._log.append(topic, records[: self._faults.prefix(len(records))])
                raise Transient("the log stored a part and its answer was lost")
            case AppendOutcome.LATE:
                self._in_flight.appends.append((topic, tuple(records)))
                raise Transient("the log did not answer in time; the records are on their way")
            case AppendOutcome.ARRIVES:
                pass
        await self._log.append(topic, records)
        await self._actor.pause("appended")

    @override
    async def low_offsets(self, topic: Topic) -> Mapping[int, int]:
        return await self._log.low_offsets(topic)

    @override
    async def end_offsets(self, topic: Topic) -> Mapping[int, int]:
        return await self._log.end_offsets(topic)

    @override
    async def reader(self, topic: Topic, *, group: str | None) -> Reader:
        inner = await self._log.reader(topic, group=group)
        assert isinstance(inner, MemoryReader), "the memory log gives memory readers"
        reader = PausableReader(inner, topic, group, self._actor, self._faults)
        self.readers.append(reader)
        return reader


class PausableReader(Reader):
    """A reader for one actor, with a pause point before each fetch that waits.

    A killed process does not leave its group: its session must expire.
    """

    def __init__(
        self, inner: MemoryReader, topic: Topic, group: str | None, actor: Actor, faults: FaultPlan
    ) -> None:
        self.inner = inner
        self.topic = topic
        self.group = group
        self.is_member = False
        self._actor = actor
        self._faults = faults

    @override
    async def assignment(self) -> frozenset[int]:
        owned = await self.inner.assignment()
        self.is_member = self.group is not None
        return owned

    @override
    async def seek(self, partition: int, offset: int) -> None:
        await self.inner.seek(partition, offset)

    @override
    async def fetch(self, *, records_max: int, wait_ms: int) -> Sequence[StoredRecord]:
        if wait_ms:
            await self._actor.pause("fetch")
        size = min(records_max, self._faults.fetch_size())
        return await self.inner.fetch(records_max=size, wait_ms=0)

    @override
    async def close(self) -> None:
        if not self._actor.is_dead:
            await self.expire()

    async def expire(self) -> None:
        """End the session, as the broker does after a time-out."""
        self.is_member = False
        await self.inner.close()
