"""The fault hooks of the memory log. tests/contract/log has the tests of all logs."""

from datetime import UTC, datetime

import pytest

from shared.clock import ManualClock
from shared.errors import OffsetGone, Transient
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import Reader, Record
from shared.log.topics import Topic

TOPIC = Topic("t", 2, 60_000)
ONE = Record(b"k", b"v")


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture
async def log(broker: MemoryBroker) -> MemoryLog:
    made = MemoryLog(broker, timeout_seconds=0.05)
    await made.ensure_topics([TOPIC])
    return made


async def total(log: MemoryLog) -> int:
    return sum((await log.end_offsets(TOPIC)).values())


async def test_a_refused_append_writes_nothing(broker: MemoryBroker, log: MemoryLog) -> None:
    broker.fail_appends(1)
    with pytest.raises(Transient):
        await log.append(TOPIC, [ONE])
    assert await total(log) == 0
    await log.append(TOPIC, [ONE])
    assert await total(log) == 1


async def test_a_lost_answer_has_written(broker: MemoryBroker, log: MemoryLog) -> None:
    broker.fail_appends(1, after_writing=True)
    with pytest.raises(Transient):
        await log.append(TOPIC, [ONE])
    assert await total(log) == 1


async def test_a_batch_can_arrive_twice(broker: MemoryBroker, log: MemoryLog) -> None:
    broker.duplicate_appends(1)
    await log.append(TOPIC, [ONE, ONE])
    assert await total(log) == 4


async def test_away_and_hanging_are_transient(broker: MemoryBroker, log: MemoryLog) -> None:
    for begin, end in ((broker.go_away, broker.come_back), (broker.hang, broker.resume)):
        begin()
        with pytest.raises(Transient):
            await log.append(TOPIC, [ONE])
        with pytest.raises(Transient):
            await log.low_offsets(TOPIC)
        end()
    await log.append(TOPIC, [ONE])
    assert await total(log) == 1


async def test_retention_goes_by_the_injected_clock(broker: MemoryBroker, log: MemoryLog) -> None:
    clock = broker.clock
    assert isinstance(clock, ManualClock)
    await log.append(TOPIC, [ONE])
    clock.advance(59)
    await log.append(TOPIC, [ONE])
    broker.enforce_retention()
    assert sorted((await log.low_offsets(TOPIC)).values()) == [0, 0]
    clock.advance(2)
    broker.enforce_retention()
    assert sorted((await log.low_offsets(TOPIC)).values()) == [0, 1]
    reader = await log.reader(TOPIC, group=None)
    for partition in await reader.assignment():
        await reader.seek(partition, 0)
    with pytest.raises(OffsetGone):
        await reader.fetch(records_max=1, wait_ms=0)


async def test_a_forced_rebalance_moves_partitions(broker: MemoryBroker, log: MemoryLog) -> None:
    first: Reader = await log.reader(TOPIC, group="g")
    second: Reader = await log.reader(TOPIC, group="g")
    await first.assignment()
    await second.assignment()
    before = await first.assignment()
    assert before | await second.assignment() == {0, 1}
    broker.rebalance(TOPIC, "g")
    after = await first.assignment()
    assert after != before
    assert after | await second.assignment() == {0, 1}
    assert not after & await second.assignment()


async def test_an_unknown_topic_is_transient(log: MemoryLog) -> None:
    with pytest.raises(Transient):
        await log.append(Topic("other", 1, None), [ONE])
