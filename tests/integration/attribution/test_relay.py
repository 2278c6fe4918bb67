"""The relay publishes in order and once at a time, whatever the log or another process does."""

import asyncio
from itertools import pairwise

import pytest

from shared.credits import AnyCredits, decode_credits
from shared.errors import Transient
from shared.log.topics import CREDITS, DEAD_LETTER
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

PENDING = "SELECT count(*) FROM attribution.outbox"


async def published(pipeline: AttributionPipeline) -> list[AnyCredits]:
    """What stands on the credits topic now."""
    return [decode_credits(record.value) for record in await pipeline.read(CREDITS)]


async def test_an_outage_of_the_log_loses_and_reorders_nothing(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.log.ensure_topics([CREDITS, DEAD_LETTER])
    await pipeline.feed(*(story.order(f"{n}") for n in range(5)))
    pipeline.broker.fail_appends(1)
    pipeline.broker.fail_appends(1, after_writing=True)
    for _ in range(2):
        with pytest.raises(Transient):
            await pipeline.relay.drain()
    assert await pipeline.rows(PENDING, story.workspace_id) == [(5,)]
    assert await pipeline.relay.drain()
    assert await pipeline.rows(PENDING, story.workspace_id) == [(0,)]
    # The lost answer published twice, with the old numbers: a reader drops what it has.
    assert [record.sequence for record in await published(pipeline)] == [1, 2, 3, 4, 5] * 2


async def test_two_relays_keep_one_order(
    pipeline: AttributionPipeline, database_for: DatabaseFactory, story: Story
) -> None:
    await pipeline.log.ensure_topics([CREDITS, DEAD_LETTER])
    other = AttributionPipeline(await database_for("attribution"), broker=pipeline.broker)

    async def move(mover: AttributionPipeline) -> None:
        for _ in range(60):
            mover.relay.call([story.workspace_id])
            await mover.relay.drain()
            await asyncio.sleep(0)

    async def work() -> None:
        for n in range(25):
            await pipeline.feed(story.order(f"{n}"), story.click(f"k{n}"))

    async with asyncio.TaskGroup() as tasks:
        for coroutine in (work(), move(pipeline), move(other)):
            tasks.create_task(coroutine)
    for mover in (pipeline, other):
        mover.relay.call([story.workspace_id])
        await mover.relay.drain()
    sequences = [record.sequence for record in await published(pipeline)]
    assert sequences == list(range(1, 51))


async def test_a_process_that_died_leaves_its_outbox_to_the_next(
    pipeline: AttributionPipeline, database_for: DatabaseFactory, story: Story
) -> None:
    await pipeline.feed(story.order("1"))
    heir = AttributionPipeline(await database_for("attribution"))
    await heir.log.ensure_topics([CREDITS, DEAD_LETTER])
    await heir.relay.sweep()
    await heir.relay.drain()
    mine = [r for r in await published(heir) if r.workspace_id == story.workspace_id]
    assert [record.sequence for record in mine] == [1]


async def test_moments_are_strictly_monotone(pipeline: AttributionPipeline, story: Story) -> None:
    await pipeline.feed(*(story.order(f"{n}") for n in range(9)))
    await pipeline.feed(*(story.order(f"{n}") for n in range(9, 12)))
    moments = [record.recorded_at for record in await pipeline.credits()]
    assert all(before < after for before, after in pairwise(moments))
