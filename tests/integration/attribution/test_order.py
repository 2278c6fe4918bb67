"""Order does not matter: any split, order and duplication gives the net ledger of the oracle."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.catalog import AnyCatalogRecord
from shared.credits import TouchesTallied
from shared.db.engine import Database
from shared.events import AnyEvent
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution import oracle
from tests.integration.attribution.attribution_pipeline import AttributionPipeline, Source
from tests.integration.attribution.random_story import RandomStory
from tests.integration.attribution.story import Story

BOOKS = """
SELECT c.natural_id, c.net_minor, l.model, sum(l.amount_minor)::bigint
FROM attribution.conversions AS c JOIN attribution.ledger AS l USING (own_key, workspace_id)
GROUP BY c.own_key, c.natural_id, c.net_minor, l.model HAVING sum(l.amount_minor) <> c.net_minor
"""


async def check(
    pipeline: AttributionPipeline,
    workspace_id: str,
    events: Sequence[AnyEvent],
    records: Sequence[AnyCatalogRecord],
) -> None:
    """The ledger equals the oracle's, and every conversion's credit its net."""
    assert await pipeline.rows(BOOKS, workspace_id) == []
    found = await pipeline.net_ledger(workspace_id)
    assert found == oracle.net_ledger(workspace_id, events, records)


async def check_tallies(
    pipeline: AttributionPipeline,
    workspace_id: str,
    events: Sequence[AnyEvent],
    records: Sequence[AnyCatalogRecord],
) -> None:
    """The published touch counts add up to the oracle's."""
    found: Counter[tuple[object, ...]] = Counter()
    for record in await pipeline.credits():
        if isinstance(record, TouchesTallied) and record.workspace_id == workspace_id:
            for item in record.tallies:
                slot = (item.account, item.kind, item.stage, item.quarter_at)
                found[*slot, "counted"] += item.counted
                found[*slot, "flagged"] += item.flagged
    expected: Counter[tuple[object, ...]] = Counter()
    for item in oracle.tallies(workspace_id, events, records):
        slot = (item.account, item.kind, item.stage, item.quarter_at)
        expected[*slot, "counted"] += item.counted
        expected[*slot, "flagged"] += item.flagged
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in expected.items() if v}


def shuffled(random: Random, events: Sequence[AnyEvent]) -> list[list[AnyEvent]]:
    """The events in any order, some of them several times, in batches of any size."""
    order = [event for event in events for _ in range(random.choice((1, 1, 1, 2, 3)))]
    random.shuffle(order)
    batches = []
    while order:
        size = random.choice((1, 2, 5, 20, 80))
        batches.append(order[:size])
        del order[:size]
    return batches


@pytest.mark.parametrize("seed", range(12))
async def test_any_arrival_gives_the_ledger_of_the_oracle(
    pipeline: AttributionPipeline, seed: int
) -> None:
    random = Random(seed)
    story = Story(new_id())
    random_story = RandomStory(story, random)
    events, records = random_story.events(90), random_story.records()
    told: list[AnyCatalogRecord] = []
    seen: list[AnyEvent] = []
    for batch in shuffled(random, events):
        if random.random() < 0.5 and len(told) < len(records):
            news = records[len(told) : len(told) + random.randrange(1, 5)]
            told += news
            await pipeline.learn(*news)
        seen += batch
        await pipeline.feed(*batch)
        await check(pipeline, story.workspace_id, seen, told)
    await pipeline.learn(*records[len(told) :])
    await check(pipeline, story.workspace_id, events, records)
    await check_tallies(pipeline, story.workspace_id, events, records)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_any_small_history(pipeline: AttributionPipeline, data: st.DataObject) -> None:
    story = Story(new_id())
    seed = data.draw(st.integers(0, 10_000), label="world")
    random_story = RandomStory(story, Random(seed))
    events = random_story.events(12)
    records = random_story.records()
    order = data.draw(st.permutations([*events, *events[:4]]), label="order")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1)), label="cuts"))
    await pipeline.learn(*records)
    for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        await pipeline.feed(*order[start:end])
    await check(pipeline, story.workspace_id, events, records)


@pytest.mark.parametrize("seed", range(8))
async def test_two_processes_on_the_same_workspaces(
    database_for: DatabaseFactory, database: Database, seed: int
) -> None:
    random = Random(1_000 + seed)
    pipelines = [
        AttributionPipeline(database),
        AttributionPipeline(await database_for("attribution")),
    ]
    stories = [Story(new_id()), Story(new_id())]
    chances = [RandomStory(story, random) for story in stories]
    events = [event for random_story in chances for event in random_story.events(60)]
    records = [record for random_story in chances for record in random_story.records()]
    await pipelines[0].learn(*records[: len(records) // 2])

    # Some events reach both, as after a rebalance.
    told = {event.event_id: random.choice(((0,), (1,), (0, 1))) for event in events}
    shares = [[event for event in events if n in told[event.event_id]] for n in (0, 1)]
    async with asyncio.TaskGroup() as tasks:
        for pipeline, share in zip(pipelines, shares, strict=True):
            tasks.create_task(feed_slowly(pipeline, random, share))
        tasks.create_task(learn_slowly(pipelines[1], records[len(records) // 2 :]))
    for story in stories:
        await check(pipelines[0], story.workspace_id, events, records_of(story, records))


async def feed_slowly(
    pipeline: AttributionPipeline, random: Random, share: Sequence[AnyEvent]
) -> None:
    """One process at work, with pauses that the seed draws."""
    for batch in shuffled(random, share):
        await pipeline.feed(*batch)
        await asyncio.sleep(random.random() / 200)


async def learn_slowly(pipeline: AttributionPipeline, records: Sequence[AnyCatalogRecord]) -> None:
    """Corrections that arrive one by one while batches run."""
    for record in records:
        await pipeline.learn(record)
        await asyncio.sleep(0)


async def test_two_workspaces_with_equal_names_equal_each_alone(
    pipeline: AttributionPipeline,
) -> None:
    stories = [Story(new_id()) for _ in range(4)]
    worlds = [RandomStory(story, Random(7)) for story in stories]
    histories = [world.events(60) for world in worlds]
    records = [world.records() for world in worlds]
    # The first two together in every batch, the other two each alone.
    await pipeline.learn(*records[0], *records[1])
    await pipeline.learn(*records[2])
    await pipeline.learn(*records[3])
    for start in range(0, 60, 7):
        cut = slice(start, start + 7)
        both = [*histories[0][cut], *histories[1][cut]]
        Random(start).shuffle(both)
        await pipeline.feed(*both)
        await pipeline.feed(*histories[2][cut])
        await pipeline.feed(*histories[3][cut])
    for number, story in enumerate(stories):
        await check(pipeline, story.workspace_id, histories[number], records[number])
    amounts = [
        sorted((await pipeline.net_ledger(story.workspace_id)).values()) for story in stories
    ]
    assert amounts[0] == amounts[1] == amounts[2] == amounts[3]


def records_of(story: Story, records: Sequence[AnyCatalogRecord]) -> list[AnyCatalogRecord]:
    """The records of one workspace."""
    return [record for record in records if record.workspace_id == story.workspace_id]


def test_a_source_numbers_its_records() -> None:
    source, story = Source(), Story(new_id())
    source.add(story.click("k1"), story.click("k2"))
    assert [record.offset for record in source.events] == [0, 1]
