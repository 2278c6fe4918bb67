"""The consumer loop and its watchdog on the memory log: outages, lost records, stalls."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from typing_extensions import override

from shared.clock import ManualClock, SystemClock
from shared.errors import OffsetGone
from shared.log.loop import ConsumerLoop
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import Record, StoredRecord
from shared.log.topics import Topic
from shared.log.watchdog import Stalled, measure_lag, progress_or_die
from tests.contract.log.harness import eventually
from tests.contract.log.memory_handler import MemoryHandler

TOPIC = Topic("t", 1, 60_000)


def batch(first: int, count: int) -> list[Record]:
    return [Record(b"k", str(n).encode()) for n in range(first, first + count)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def broker(clock: ManualClock) -> MemoryBroker:
    return MemoryBroker(clock)


@pytest.fixture
async def log(broker: MemoryBroker) -> MemoryLog:
    made = MemoryLog(broker, timeout_seconds=0.05)
    await made.ensure_topics([TOPIC])
    return made


async def until(handler: MemoryHandler, records: int) -> None:
    async with asyncio.timeout(10):
        while len(handler.effects) < records:
            handler.entered.clear()
            await handler.entered.wait()
            await asyncio.sleep(0)


async def test_records_lost_to_retention_end_the_loop_with_an_error(
    broker: MemoryBroker, log: MemoryLog
) -> None:
    await log.append(TOPIC, batch(0, 10))
    broker.drop_below(TOPIC, 0, 5)
    handler = MemoryHandler()
    handler.offsets = {0: 3}
    with pytest.raises(OffsetGone):
        await ConsumerLoop(log, TOPIC, "g", handler, SystemClock()).run(asyncio.Event())
    assert handler.effects == []


async def test_a_new_group_starts_at_the_low_mark(broker: MemoryBroker, log: MemoryLog) -> None:
    await log.append(TOPIC, batch(0, 10))
    broker.drop_below(TOPIC, 0, 5)
    handler, stop = MemoryHandler(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            ConsumerLoop(log, TOPIC, "g", handler, SystemClock(), wait_ms=20).run(stop)
        )
        await until(handler, 5)
        stop.set()
    assert handler.values() == ["5", "6", "7", "8", "9"]
    assert handler.offsets == {0: 10}


async def test_an_outage_of_log_or_database_is_waited_out(
    broker: MemoryBroker, log: MemoryLog, clock: ManualClock
) -> None:
    handler, stop = MemoryHandler(), asyncio.Event()
    loop = ConsumerLoop(log, TOPIC, "g", handler, clock, wait_ms=20)
    broker.go_away()
    handler.is_away = True

    async def failed_thrice() -> bool:
        return loop.progress.failures >= 3

    async def misses_its_database() -> bool:
        return "database" in loop.progress.last_failure

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run(stop))
        await eventually(failed_thrice)
        broker.come_back()
        await log.append(TOPIC, batch(0, 10))
        await eventually(misses_its_database)
        handler.is_away = False
        await until(handler, 10)
        stop.set()
    assert handler.values() == [str(n) for n in range(10)]


async def test_a_bug_in_the_handler_ends_the_loop(log: MemoryLog) -> None:
    class Broken(MemoryHandler):
        @override
        async def stored_offsets(self) -> dict[int, int]:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        await ConsumerLoop(log, TOPIC, "g", Broken(), SystemClock()).run(asyncio.Event())


async def test_a_batch_longer_than_the_drain_is_cancelled(log: MemoryLog) -> None:
    await log.append(TOPIC, batch(0, 1))
    handler, stop = MemoryHandler(), asyncio.Event()
    handler.may_finish.clear()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        loop = ConsumerLoop(log, TOPIC, "g", handler, SystemClock(), drain_seconds=0.05)
        tasks.create_task(loop.run(stop))
        await handler.entered.wait()
        stop.set()
    assert handler.offsets == {}


class Reading(MemoryHandler):
    """Set an event when the second batch is decoded before the first one is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.is_ahead = asyncio.Event()
        self.broken = ""

    @override
    def decoded(self, record: StoredRecord) -> StoredRecord:
        text = record.value.decode()
        if text == self.broken:
            raise ZeroDivisionError("a bug")
        if text == "19" and not self.effects:
            self.is_ahead.set()
        return record


async def test_the_next_batch_is_decoded_while_the_last_one_is_handled(
    log: MemoryLog,
) -> None:
    await log.append(TOPIC, batch(0, 30))
    handler, stop = Reading(), asyncio.Event()
    handler.may_finish.clear()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        loop = ConsumerLoop(log, TOPIC, "g", handler, SystemClock(), records_max=10, wait_ms=20)
        tasks.create_task(loop.run(stop))
        await handler.is_ahead.wait()
        assert handler.effects == []
        handler.may_finish.set()
        await until(handler, 30)
        stop.set()
    assert handler.values() == [str(n) for n in range(30)]


async def test_the_next_batch_is_fetched_while_the_last_one_is_handled(log: MemoryLog) -> None:
    """The batch is appended while the last one is being handled."""
    stop = asyncio.Event()

    class Late(Reading):
        @override
        async def handle(self, *args: Any) -> None:
            if not self.effects and not self.is_ahead.is_set():
                await log.append(TOPIC, batch(10, 10))
            await super().handle(*args)

    await log.append(TOPIC, batch(0, 10))
    handler = Late()
    handler.may_finish.clear()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        loop = ConsumerLoop(log, TOPIC, "g", handler, SystemClock(), records_max=10, wait_ms=20)
        tasks.create_task(loop.run(stop))
        await handler.is_ahead.wait()
        handler.may_finish.set()
        await until(handler, 20)
        stop.set()
    assert handler.values() == [str(n) for n in range(20)]


async def test_what_was_read_ahead_of_a_failed_batch_is_read_again(log: MemoryLog) -> None:
    await log.append(TOPIC, batch(0, 40))
    handler, stop = MemoryHandler(), asyncio.Event()
    handler.fail_attempts = {1, 2, 4}
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        loop = ConsumerLoop(
            log, TOPIC, "g", handler, ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), records_max=10
        )
        tasks.create_task(loop.run(stop))
        await until(handler, 40)
        stop.set()
    assert handler.values() == [str(n) for n in range(40)]


async def test_a_record_that_cannot_be_decoded_stops_the_loop_only_in_its_turn(
    log: MemoryLog,
) -> None:
    """Otherwise the batch before it would never be stored, at any start."""
    await log.append(TOPIC, batch(0, 15))
    handler = Reading()
    handler.broken = "12"
    with pytest.raises(ZeroDivisionError):
        await ConsumerLoop(log, TOPIC, "g", handler, SystemClock(), records_max=10, wait_ms=20).run(
            asyncio.Event()
        )
    assert handler.values() == [str(n) for n in range(10)]


async def test_a_partition_lost_meanwhile_takes_what_was_read_ahead_with_it(
    broker: MemoryBroker, log: MemoryLog
) -> None:
    await log.append(TOPIC, batch(0, 30))
    handler, stop = Reading(), asyncio.Event()
    handler.may_finish.clear()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        loop = ConsumerLoop(log, TOPIC, "g", handler, SystemClock(), records_max=10, wait_ms=20)
        tasks.create_task(loop.run(stop))
        await handler.is_ahead.wait()
        # Another member handles all of them and leaves.
        handler.effects, handler.offsets = [], {0: 30}
        broker.rebalance(TOPIC, "g")
        handler.may_finish.set()
        await log.append(TOPIC, batch(30, 5))
        await until(handler, 5)
        stop.set()
    assert handler.values() == [str(n) for n in range(30, 35)]


async def test_lag_counts_records_and_seconds(log: MemoryLog, clock: ManualClock) -> None:
    await log.append(TOPIC, batch(0, 4))
    handler, stop = MemoryHandler(), asyncio.Event()
    loop = ConsumerLoop(log, TOPIC, "g", handler, clock, wait_ms=20)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run(stop))
        await until(handler, 4)
        stop.set()
    assert (await measure_lag(log, TOPIC, loop.progress, clock))[0].records == 0
    clock.advance(30)
    await log.append(TOPIC, batch(4, 3))
    lag = (await measure_lag(log, TOPIC, loop.progress, clock))[0]
    assert (lag.records, round(lag.seconds)) == (3, 30)


@dataclass
class Database:
    """The database that the watchdog checks."""

    is_up: bool
    asked: int = 0

    async def answers(self) -> bool:
        self.asked += 1
        return self.is_up


async def watch_a_stalled_loop(
    log: MemoryLog,
    clock: ManualClock,
    database: Database,
    *,
    broker_away: MemoryBroker | None = None,
) -> None:
    """Let records wait for a handler that never returns.

    Raises the error of the watchdog, or `TimeoutError`.
    """
    await log.append(TOPIC, batch(0, 5))
    handler = MemoryHandler()
    handler.may_finish.clear()
    loop = ConsumerLoop(log, TOPIC, "g", handler, clock, drain_seconds=0.01)
    async with asyncio.timeout(0.5), asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run(asyncio.Event()))
        await handler.entered.wait()
        if broker_away is not None:
            broker_away.go_away()
        tasks.create_task(progress_or_die(log, loop, database.answers, clock))


async def test_the_watchdog_ends_a_loop_that_stands_still(
    log: MemoryLog, clock: ManualClock
) -> None:
    started = clock.monotonic()
    with pytest.raises(ExceptionGroup) as group:
        await watch_a_stalled_loop(log, clock, Database(is_up=True))
    assert group.group_contains(Stalled)
    assert 60 <= clock.monotonic() - started < 70


async def test_the_watchdog_spares_a_loop_that_waits_for_its_database(
    log: MemoryLog, clock: ManualClock
) -> None:
    database = Database(is_up=False)
    with pytest.raises(TimeoutError):
        await watch_a_stalled_loop(log, clock, database)
    assert database.asked > 20


async def test_the_watchdog_spares_a_loop_while_the_log_is_away(
    broker: MemoryBroker, log: MemoryLog, clock: ManualClock
) -> None:
    database, started = Database(is_up=True), clock.monotonic()
    with pytest.raises(TimeoutError):
        await watch_a_stalled_loop(log, clock, database, broker_away=broker)
    assert database.asked == 0
    # The watchdog checked for longer than it takes to end a stalled loop.
    assert clock.monotonic() - started > 120
