"""The consumer loop on every log: effects once, repeats, moved offsets, drain on stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.clock import SystemClock
from shared.log.loop import ConsumerLoop
from shared.log.port import EventLog
from shared.log.topics import Topic
from shared.log.watchdog import measure_lag
from tests.contract.log.harness import Harness, eventually, fresh_topic, record
from tests.contract.log.memory_handler import MemoryHandler


@asynccontextmanager
async def running(
    log: EventLog, topic: Topic, handler: MemoryHandler, *, group: str = "g", records_max: int = 10
) -> AsyncIterator[ConsumerLoop]:
    """Run a loop during the block, then stop it as a service does."""
    loop = ConsumerLoop(log, topic, group, handler, SystemClock(), records_max=records_max)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run(stop))
        try:
            yield loop
        finally:
            stop.set()


async def holds(handler: MemoryHandler, records: int) -> None:
    """Wait until this number of effects is stored."""

    async def enough() -> bool:
        return len(handler.effects) >= records

    await eventually(enough)


async def test_every_record_has_its_effect_once_and_in_order(harness: Harness) -> None:
    topic = fresh_topic()
    log = await harness.log_with(topic)
    await log.append(topic, [record(f"k{n % 7}", str(n)) for n in range(100)])
    handler = MemoryHandler()
    async with running(log, topic, handler) as loop:
        await holds(handler, 100)
        await log.append(topic, [record(f"k{n % 7}", str(n)) for n in range(100, 120)])
        await holds(handler, 120)
        lags = await measure_lag(log, topic, loop.progress, SystemClock())
        assert set(lags) == {0, 1, 2, 3}
        assert all(lag.records == 0 and lag.seconds == 0 for lag in lags.values())
    assert sorted(handler.values(), key=int) == [str(n) for n in range(120)]
    for key in range(7):
        mine = [int(r.value) for r in handler.effects if r.key == f"k{key}".encode()]
        assert mine == sorted(mine)
    assert handler.offsets == {p: o for p, o in (await log.end_offsets(topic)).items() if o}


async def test_a_failed_batch_is_done_again_from_the_stored_offset(harness: Harness) -> None:
    topic = fresh_topic(partitions=2)
    log = await harness.log_with(topic)
    await log.append(topic, [record(f"k{n}", str(n)) for n in range(60)])
    handler = MemoryHandler()
    handler.fail_attempts = {1, 3, 4}
    async with running(log, topic, handler):
        await holds(handler, 60)
    assert sorted(handler.values(), key=int) == [str(n) for n in range(60)]


async def test_a_loop_starts_where_its_database_says(harness: Harness) -> None:
    topic = fresh_topic(partitions=1)
    log = await harness.log_with(topic)
    await log.append(topic, [record("k", str(n)) for n in range(20)])
    handler = MemoryHandler()
    handler.offsets = {0: 15}
    async with running(log, topic, handler):
        await holds(handler, 5)
    assert handler.values() == ["15", "16", "17", "18", "19"]


async def test_an_overtaken_loop_writes_nothing_and_goes_on_behind_the_other(
    harness: Harness,
) -> None:
    topic = fresh_topic(partitions=1)
    log = await harness.log_with(topic)
    await log.append(topic, [record("k", str(n)) for n in range(10)])
    handler = MemoryHandler()
    handler.may_finish.clear()
    async with running(log, topic, handler):
        await handler.entered.wait()
        # Meanwhile another process has stored the first eight.
        handler.offsets[0] = 8
        handler.may_finish.set()
        await holds(handler, 2)
    assert handler.values() == ["8", "9"]


async def test_a_stop_finishes_the_batch_in_hand(harness: Harness) -> None:
    topic = fresh_topic(partitions=1)
    log = await harness.log_with(topic)
    await log.append(topic, [record("k", str(n)) for n in range(30)])
    handler = MemoryHandler()
    handler.may_finish.clear()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        stop = asyncio.Event()
        loop = ConsumerLoop(log, topic, "g", handler, SystemClock(), records_max=10)
        work = tasks.create_task(loop.run(stop))
        await handler.entered.wait()
        stop.set()
        await asyncio.sleep(0.1)
        assert not work.done()
        handler.may_finish.set()
    assert handler.values() == [str(n) for n in range(10)]
    assert handler.offsets == {0: 10}


async def test_two_loops_of_a_group_share_the_work(harness: Harness) -> None:
    topic = fresh_topic()
    log, other = await harness.log_with(topic), await harness.log()
    handler = MemoryHandler()
    async with running(log, topic, handler) as first:
        async with running(other, topic, handler) as second:

            async def both_own() -> bool:
                mine, theirs = first.progress.positions, second.progress.positions
                return bool(mine and theirs) and not mine.keys() & theirs.keys()

            await eventually(both_own)
            await log.append(topic, [record(f"k{n}", str(n)) for n in range(100)])
            await holds(handler, 100)
        await log.append(topic, [record(f"k{n}", str(n)) for n in range(100, 200)])
        await holds(handler, 200)
    assert sorted(handler.values(), key=int) == [str(n) for n in range(200)]
