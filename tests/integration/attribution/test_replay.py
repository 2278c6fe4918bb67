"""Publish again: equal numbers and contents, bounded spans, under traffic, never counted twice."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from services.attribution.pipeline import publish_again
from services.attribution.pipeline.publish_again import Publisher, Span
from services.attribution.store.published_rows import read_tallies
from shared.credits import AnyCredits, DecisionCredited, TouchesTallied
from shared.db.engine import driver
from tests.factories import NOON
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.random_story import RandomStory
from tests.integration.attribution.story import Story


async def publish_all(
    pipeline: AttributionPipeline, workspace_id: str, records_max: int = 500
) -> list[Span]:
    """Replay all spans, one call after the other."""
    publisher = Publisher(pipeline.database, pipeline.relay.call, records_max)
    spans: list[Span] = []
    following = 1
    while True:
        span = await publisher.publish(workspace_id, following)
        spans.append(span)
        if span.last >= span.newest:
            return spans
        following = span.last + 1


async def a_world(pipeline: AttributionPipeline, story: Story, seed: int) -> list[AnyCredits]:
    """Events in batches of any size and corrected facts in between; the credits of it all."""
    random = Random(seed)
    random_story = RandomStory(story, random)
    events, records = random_story.events(150), random_story.records()
    await pipeline.learn(*records[:4])
    while events:
        size = random.randrange(1, 25)
        await pipeline.feed(*events[:size])
        del events[:size]
        await pipeline.learn(*records[4:6])
        del records[4:6]
    return [r for r in await pipeline.credits() if r.workspace_id == story.workspace_id]


@pytest.mark.parametrize("seed", range(6))
async def test_every_number_says_again_what_it_said(
    pipeline: AttributionPipeline, story: Story, seed: int
) -> None:
    first = await a_world(pipeline, story, seed)
    kinds = {type(record) for record in first}
    assert kinds == {DecisionCredited, TouchesTallied}
    assert any(e.occurred_at for r in first if isinstance(r, DecisionCredited) for e in r.entries)
    spans = await publish_all(pipeline, story.workspace_id, records_max=5)
    assert len(spans) > 3
    assert all(span.missing == () and span.published <= 5 for span in spans)
    both = [r for r in await pipeline.credits() if r.workspace_id == story.workspace_id]
    assert both[: len(first)] == first
    assert both[len(first) :] == first
    assert [record.sequence for record in first] == list(range(1, len(first) + 1))
    # A repeat stores nothing again.
    assert (await publish_all(pipeline, story.workspace_id))[0].missing == ()


async def test_memos_are_published_again_although_no_table_holds_them(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast(), story.policy(models=("last", "participation")))
    click = story.click("k", by="v1")
    await pipeline.feed(click, story.order("1", visitor="v1", net=500))
    later = NOON + timedelta(days=9)
    await pipeline.feed(story.order("1", visitor="v1", net=700, at=later, version=2))
    await pipeline.feed(story.adjusted("r", of="1", amount=100, at=later))
    await pipeline.feed(story.adjusted("c", of="1", kind="cancel", amount=None, at=later))
    first = [r for r in await pipeline.credits() if r.workspace_id == story.workspace_id]
    told = [len(r.memos) for r in first if isinstance(r, DecisionCredited)]
    assert len([count for count in told if count]) >= 3, told
    await publish_all(pipeline, story.workspace_id)
    both = [r for r in await pipeline.credits() if r.workspace_id == story.workspace_id]
    assert both == [*first, *first]


async def test_spans_end_before_they_are_too_large(
    pipeline: AttributionPipeline, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await a_world(pipeline, story, 3)
    monkeypatch.setattr(publish_again, "TALLIES_BYTES_MAX", 1)
    spans = await publish_all(pipeline, story.workspace_id)
    tallies = sum(isinstance(record, TouchesTallied) for record in first)
    assert len(spans) >= tallies > 1
    again = [r for r in await pipeline.credits() if r.workspace_id == story.workspace_id]
    assert again[len(first) :] == first


async def test_it_goes_on_under_traffic(pipeline: AttributionPipeline, story: Story) -> None:
    await pipeline.credits()
    await pipeline.feed(*(story.order(f"{n}") for n in range(20)), story.click("k"))
    await pipeline.credits()

    async def sell() -> None:
        for n in range(20, 60):
            await pipeline.feed(story.order(f"{n}"), story.click(f"k{n}"))
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sell())
        spans = tasks.create_task(publish_all(pipeline, story.workspace_id, records_max=5))
    assert all(span.missing == () for span in spans.result())
    once: dict[int, AnyCredits] = {}
    found = [r for r in await pipeline.credits() if r.workspace_id == story.workspace_id]
    for record in found:
        assert once.setdefault(record.sequence, record) == record
    assert sorted(once) == list(range(1, len(once) + 1))
    assert len(found) > len(once)


async def test_what_was_sent_before_tallies_were_kept_is_named(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.credits()
    await pipeline.feed(story.click("k"), story.order("1"))
    # Still in the outbox: neither sent nor missing.
    (span,) = await publish_all(pipeline, story.workspace_id)
    assert (span.published, span.missing) == (1, ())
    waiting = "SELECT sequence FROM attribution.outbox WHERE sequence IS NOT NULL"
    ((tallied,),) = await pipeline.rows(waiting, story.workspace_id)
    async with pipeline.database.write([story.workspace_id]) as connection:
        await connection.exec_driver_sql("UPDATE attribution.outbox SET sequence = NULL")
    await pipeline.credits()
    (span,) = await publish_all(pipeline, story.workspace_id)
    assert span.missing == (tallied,)


async def test_tallies_that_are_sent_meanwhile_are_seen_whole_or_not_at_all(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.credits()
    await pipeline.feed(story.click("k"))

    class SendsBetween:
        """A connection that runs the relay between two of its statements."""

        def __init__(self, conn: asyncpg.Connection) -> None:
            self.conn = conn

        async def fetch(self, *words: Any) -> Any:
            rows = await self.conn.fetch(*words)
            await pipeline.credits()
            return rows

        async def fetchval(self, *words: Any) -> Any:
            return await self.conn.fetchval(*words)

    async with pipeline.database.write([story.workspace_id]) as connection:
        between: Any = SendsBetween(await driver(connection))
        assert await read_tallies(between, 1, 500, 1_000) == ({}, True)
        assert len((await read_tallies(between, 1, 500, 1_000))[0]) == 1


async def test_a_workspace_without_credits_has_nothing_to_publish(
    pipeline: AttributionPipeline, story: Story
) -> None:
    (span,) = await publish_all(pipeline, story.workspace_id)
    assert (span.first, span.last, span.newest, span.published) == (1, 0, 0, 0)
