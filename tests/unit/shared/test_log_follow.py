"""Following a compacted topic: catch up, then go on; from a snapshot; through outages."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.log.follow import Follower
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import Record, StoredRecord
from shared.log.topics import Topic
from tests.fixtures.background import at_work

TOPIC = Topic("catalog", 1, None, compacted=True)


class Seen:
    """The records that were handled."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.news = asyncio.Event()

    def receive(self, records: Sequence[StoredRecord]) -> None:
        self.values.extend(r.value.decode() for r in records)
        self.news.set()

    async def until(self, value: str) -> None:
        async with asyncio.timeout(10):
            while value not in self.values:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture
async def log(broker: MemoryBroker) -> MemoryLog:
    made = MemoryLog(broker, timeout_seconds=0.05)
    await made.ensure_topics([TOPIC])
    await made.append(TOPIC, [Record(f"k{n % 3}".encode(), str(n).encode()) for n in range(6)])
    return made


async def test_it_catches_up_and_goes_on(broker: MemoryBroker, log: MemoryLog) -> None:
    broker.compact(TOPIC)
    seen = Seen()
    follower = Follower(log, TOPIC, seen.receive, broker.clock)
    async with at_work(follower.run()):
        await asyncio.wait_for(follower.caught_up.wait(), 10)
        assert seen.values == ["3", "4", "5"]
        await log.append(TOPIC, [Record(b"k0", b"6")])
        await seen.until("6")
    assert follower.positions == {0: 7}


async def test_an_empty_topic_is_caught_up_at_once(broker: MemoryBroker, log: MemoryLog) -> None:
    empty = Topic("empty", 1, None, compacted=True)
    await log.ensure_topics([empty])
    follower = Follower(log, empty, Seen().receive, broker.clock)
    async with at_work(follower.run()):
        await asyncio.wait_for(follower.caught_up.wait(), 10)
    assert follower.positions == {0: 0}


async def test_it_goes_on_from_a_snapshot(broker: MemoryBroker, log: MemoryLog) -> None:
    seen = Seen()
    follower = Follower(log, TOPIC, seen.receive, broker.clock, start={0: 4})
    async with at_work(follower.run()):
        await seen.until("5")
    assert seen.values == ["4", "5"]


async def test_a_snapshot_of_another_log_is_read_anew(broker: MemoryBroker, log: MemoryLog) -> None:
    seen = Seen()
    follower = Follower(log, TOPIC, seen.receive, broker.clock, start={0: 400})
    async with at_work(follower.run()):
        await seen.until("5")
    assert seen.values == ["0", "1", "2", "3", "4", "5"]


async def test_it_waits_while_the_log_is_away(broker: MemoryBroker, log: MemoryLog) -> None:
    seen = Seen()
    broker.go_away()
    follower = Follower(log, TOPIC, seen.receive, broker.clock)
    async with at_work(follower.run()):
        await asyncio.sleep(0.05)
        assert not follower.caught_up.is_set()
        broker.come_back()
        await seen.until("5")
    assert len(seen.values) == 6
