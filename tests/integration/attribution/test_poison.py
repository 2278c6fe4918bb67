"""A bad record does not block the others: halving finds it, it is stored, and can be retried."""

import msgspec
from msgspec.structs import replace

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.dead_letter_retry import Retrier
from shared.clock import SystemClock
from shared.events import AnyEvent, encode_event
from tests.factories import NOON
from tests.fixtures.batches import hand_over
from tests.integration.attribution import oracle
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

LETTERS = (
    "SELECT reason, record_offset FROM attribution.dead_letters"
    " WHERE resolved_at IS NULL ORDER BY record_offset"
)


def world(story: Story, count: int) -> list[AnyEvent]:
    """Clicks and orders that have nothing wrong."""
    clicks = [story.click(f"k{n}", by=f"v{n % 7}", at=NOON) for n in range(count)]
    orders = [story.order(f"{n}", click=clicks[n], net=n + 1) for n in range(count)]
    return [*clicks, *orders]


async def test_a_poison_record_stands_alone(pipeline: AttributionPipeline, story: Story) -> None:
    await pipeline.learn(*story.cast())
    good = world(story, 30)
    # More than any ledger column holds: it decodes, and no database takes it.
    monster = story.order("monster", net=2**63)
    early = msgspec.structs.replace(
        story.order("early"), occurred_at=NOON.replace(year=1, month=1, day=2)
    )
    batch = [*good[:40], monster, *good[40:50], early, *good[50:]]
    await pipeline.feed(*batch)
    assert await pipeline.rows(LETTERS, story.workspace_id) == [("unusable", 40), ("unusable", 51)]
    stored = await pipeline.events.stored_offsets()
    assert stored[pipeline.source.partition] == len(batch)
    found = await pipeline.net_ledger(story.workspace_id)
    assert found == oracle.net_ledger(story.workspace_id, good, story.cast())
    # The whole batch again, as after a lost offset: nothing changes and nothing stops.
    await pipeline.feed(*batch)
    assert await pipeline.net_ledger(story.workspace_id) == found


async def test_an_adjustment_beyond_all_sums_is_set_aside(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.feed(story.order("1001", net=100))
    await pipeline.feed(story.adjusted("r1", amount=10**30), story.adjusted("r2", amount=40))
    assert await pipeline.rows(LETTERS, story.workspace_id) == [("unusable", 1)]
    assert set((await pipeline.net_ledger(story.workspace_id)).values()) == {60}


async def test_a_record_that_failed_for_a_fact_is_stored_once_the_fact_is_right(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(story.policy(models=("crystal_ball",)))
    await pipeline.feed(story.order("1001", net=100), story.click("k1", by="v1"))
    assert await pipeline.rows(LETTERS, story.workspace_id) == [("unusable", 0)]
    retrier = Retrier(pipeline.database, FactsCache(), SystemClock(), pipeline.relay.call)
    failed = await retrier.retry(story.workspace_id, None)
    assert [item.outcome for item in failed] == ["failed"]
    await pipeline.learn(story.policy(revision=2, models=("last",)))
    resolved = await retrier.retry(story.workspace_id, [failed[0].dead_letter_id])
    assert [item.outcome for item in resolved] == ["resolved"]
    assert await pipeline.net_ledger(story.workspace_id) == {
        ("1001", "last", "organic", "EUR"): 100
    }
    assert await pipeline.rows(LETTERS, story.workspace_id) == []
    assert await retrier.retry(story.workspace_id, None) == []


async def test_a_bad_catalog_record_is_set_aside(
    pipeline: AttributionPipeline, story: Story
) -> None:
    added = pipeline.source.add_catalog(*story.cast("mia"))
    broken = replace(added[0], offset=2, value=b'{"entity":"unicorn"}')
    await hand_over(pipeline.catalog, pipeline.source.partition, 0, [*added, broken])
    assert await pipeline.rows(LETTERS, story.workspace_id) == [("not_a_catalog_record", 2)]
    assert len(await pipeline.rows("SELECT 1 FROM attribution.catalog", story.workspace_id)) == 2


async def test_a_letter_never_writes_into_another_workspace(
    pipeline: AttributionPipeline, story: Story
) -> None:
    foreign = Story(story.ident("workspace", "foreign"))
    value = encode_event(foreign.order("1", net=2**63))
    await pipeline.feed_bytes(value, key=story.workspace_id.encode())
    retrier = Retrier(pipeline.database, FactsCache(), SystemClock(), pipeline.relay.call)
    done = await retrier.retry(story.workspace_id, None)
    assert [item.reason for item in done] == ["the record is of another workspace"]
    assert await pipeline.net_ledger(foreign.workspace_id) == {}
