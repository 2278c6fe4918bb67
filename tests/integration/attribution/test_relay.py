"""The relay publishes in order and once at a time, whatever the log or another process does."""

import asyncio
from itertools import pairwise

import pytest

from shared.credits import AnyCredits, decode_credits
from shared.errors import Transient
from shared.log.topics import CREDITS, DEAD_LETTER
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.station import Station
from tests.integration.attribution.story import Story

PENDING = "SELECT count(*) FROM attribution.outbox"


async def published(station: Station) -> list[AnyCredits]:
    """What stands on the credits topic now."""
    return [decode_credits(record.value) for record in await station.read(CREDITS)]


async def test_an_outage_of_the_log_loses_and_reorders_nothing(
    station: Station, story: Story
) -> None:
    await station.log.ensure_topics([CREDITS, DEAD_LETTER])
    await station.feed(*(story.order(f"{n}") for n in range(5)))
    station.broker.fail_appends(1)
    station.broker.fail_appends(1, after_writing=True)
    for _ in range(2):
        with pytest.raises(Transient):
            await station.relay.drain()
    assert await station.rows(PENDING, story.workspace_id) == [(5,)]
    assert await station.relay.drain()
    assert await station.rows(PENDING, story.workspace_id) == [(0,)]
    # The lost answer published twice, with the old numbers: a reader drops what it has.
    assert [record.sequence for record in await published(station)] == [1, 2, 3, 4, 5] * 2


async def test_two_relays_keep_one_order(
    station: Station, database_for: DatabaseFactory, story: Story
) -> None:
    await station.log.ensure_topics([CREDITS, DEAD_LETTER])
    other = Station(await database_for("attribution"), broker=station.broker)

    async def move(mover: Station) -> None:
        for _ in range(60):
            mover.relay.call([story.workspace_id])
            await mover.relay.drain()
            await asyncio.sleep(0)

    async def work() -> None:
        for n in range(25):
            await station.feed(story.order(f"{n}"), story.click(f"k{n}"))

    async with asyncio.TaskGroup() as tasks:
        for coroutine in (work(), move(station), move(other)):
            tasks.create_task(coroutine)
    for mover in (station, other):
        mover.relay.call([story.workspace_id])
        await mover.relay.drain()
    sequences = [record.sequence for record in await published(station)]
    assert sequences == list(range(1, 51))


async def test_a_process_that_died_leaves_its_outbox_to_the_next(
    station: Station, database_for: DatabaseFactory, story: Story
) -> None:
    await station.feed(story.order("1"))
    heir = Station(await database_for("attribution"))
    await heir.log.ensure_topics([CREDITS, DEAD_LETTER])
    await heir.relay.sweep()
    await heir.relay.drain()
    mine = [r for r in await published(heir) if r.workspace_id == story.workspace_id]
    assert [record.sequence for record in mine] == [1]


async def test_moments_are_strictly_monotone(station: Station, story: Story) -> None:
    await station.feed(*(story.order(f"{n}") for n in range(9)))
    await station.feed(*(story.order(f"{n}") for n in range(9, 12)))
    moments = [record.recorded_at for record in await station.credits()]
    assert all(before < after for before, after in pairwise(moments))
