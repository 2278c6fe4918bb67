"""A record that times out is found and set aside, alone, and is retried by itself.

A trigger of the database makes one event slow, so the time-outs are those of a real Postgres.
"""

import time
from datetime import timedelta

import pytest

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.dead_letter_retry import Retrier
from shared.db.engine import Database
from shared.errors import TimedOut, Transient
from shared.events import AnyEvent
from shared.ids import new_id
from tests.factories import NOON
from tests.fixtures.batches import hand_over
from tests.fixtures.clocks import ShiftedClock
from tests.fixtures.connections import execute
from tests.fixtures.postgres import DatabaseFactory
from tests.fixtures.slow_rows import QUICK, SLEEP, SLOW_SECONDS, slow_row
from tests.integration.attribution import oracle
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

LETTERS = (
    "SELECT reason, record_offset, event_id::text, attempts FROM attribution.dead_letters"
    " WHERE resolved_at IS NULL ORDER BY record_offset"
)
DUE = "UPDATE attribution.dead_letters SET retry_at = recorded_at WHERE retry_at IS NOT NULL"
EVENTS = ("attribution.evidence", "event_id")


@pytest.fixture
async def slow(fresh_database: str, database_for: DatabaseFactory) -> Database:
    """A pool on a database of its own, in which a test may make a statement slow."""
    return await database_for("attribution", url=fresh_database)


async def test_a_record_that_times_out_is_set_aside_and_its_neighbours_count_within_seconds(
    slow: Database, fresh_database: str
) -> None:
    pipeline = AttributionPipeline(slow)
    mine, theirs = Story(new_id()), Story(new_id())
    await pipeline.learn(*mine.cast(), *theirs.cast())
    guilty = mine.order("guilty", net=77)
    clicks = [story.click(f"k{n}", by=f"v{n}") for n in range(40) for story in (mine, theirs)]
    orders = [
        story.order(f"{n}", net=n + 1, visitor=f"v{n}")
        for n in range(40)
        for story in (mine, theirs)
    ]
    batch: list[AnyEvent] = [*clicks, *orders[:33], guilty, *orders[33:]]
    await execute(fresh_database, slow_row(*EVENTS, guilty.event_id))
    added = pipeline.source.add(*batch)
    partition = pipeline.source.partition
    began = time.monotonic()
    await hand_over(pipeline.events, partition, 0, added)
    # A part of the time of one slow statement, of which each level has one.
    assert time.monotonic() - began < SLOW_SECONDS / 2
    place = batch.index(guilty)
    assert await pipeline.rows(LETTERS, mine.workspace_id) == [
        ("timed_out", place, guilty.event_id, 0)
    ]
    for story in (mine, theirs):
        own = [event for event in own_events(batch, story) if event is not guilty]
        expected = oracle.net_ledger(story.workspace_id, own, story.cast())
        assert await pipeline.net_ledger(story.workspace_id) == expected
    assert (await pipeline.events.stored_offsets())[partition] == len(batch)
    await retried(pipeline, mine, fresh_database)
    expected = oracle.net_ledger(mine.workspace_id, own_events(batch, mine), mine.cast())
    assert await pipeline.net_ledger(mine.workspace_id) == expected


def own_events(batch: list[AnyEvent], story: Story) -> list[AnyEvent]:
    return [event for event in batch if event.workspace_id == story.workspace_id]


async def retried(pipeline: AttributionPipeline, story: Story, owner_url: str) -> None:
    """The letter is not due yet; then due and still slow; then due and quick."""
    (before,) = await pipeline.rows(LETTERS, story.workspace_id)
    clock = ShiftedClock()
    retrier = Retrier(pipeline.database, FactsCache(), clock, pipeline.relay.call)
    await retrier.retry_due()
    clock.ahead = timedelta(seconds=61)
    await retrier.retry_due()
    assert await pipeline.rows(LETTERS, story.workspace_id) == [(*before[:3], 1)]
    await execute(owner_url, QUICK)
    await retrier.retry_due()
    assert len(await pipeline.rows(LETTERS, story.workspace_id)) == 1
    clock.ahead = timedelta(minutes=5)
    await retrier.retry_due()
    assert await pipeline.rows(LETTERS, story.workspace_id) == []


async def test_a_database_that_is_slow_for_a_moment_sets_nothing_aside(
    slow: Database, fresh_database: str
) -> None:
    """The batch times out, and then it is not slow any more; a sequence keeps count."""
    pipeline = AttributionPipeline(slow)
    story = Story(new_id())
    order = story.order("1001", net=100)
    await execute(fresh_database, "CREATE SEQUENCE public.naps")
    await execute(fresh_database, "GRANT USAGE ON SEQUENCE public.naps TO PUBLIC")
    once = f"IF nextval('public.naps') = 1 THEN {SLEEP}; END IF"
    await execute(fresh_database, slow_row(*EVENTS, order.event_id, action=once))
    added = pipeline.source.add(order)
    await hand_over(pipeline.events, pipeline.source.partition, 0, added)
    assert await pipeline.rows("SELECT 1 FROM attribution.dead_letters", story.workspace_id) == []
    assert set((await pipeline.net_ledger(story.workspace_id)).values()) == {100}


async def test_an_outage_never_sets_a_record_aside(slow: Database, fresh_database: str) -> None:
    """The sessions of attribution are ended in the middle of the batch, again and again."""
    pipeline = AttributionPipeline(slow)
    story = Story(new_id())
    order = story.order("1001", net=100)
    end = "PERFORM pg_terminate_backend(pg_backend_pid())"
    await execute(fresh_database, slow_row(*EVENTS, order.event_id, action=end))
    added = pipeline.source.add(story.click("k1", by="v1"), order)
    for _ in range(4):
        with pytest.raises(Transient) as found:
            await hand_over(pipeline.events, pipeline.source.partition, 0, added)
        assert not isinstance(found.value, TimedOut)
    assert await pipeline.rows(LETTERS, story.workspace_id) == []
    await execute(fresh_database, QUICK)
    await hand_over(pipeline.events, pipeline.source.partition, 0, added)
    assert set((await pipeline.net_ledger(story.workspace_id)).values()) == {100}


async def test_a_conversion_that_times_out_is_set_aside_and_the_others_are_decided(
    slow: Database, fresh_database: str
) -> None:
    pipeline = AttributionPipeline(slow)
    mine, theirs = Story(new_id()), Story(new_id())
    for story in (mine, theirs):
        await pipeline.feed(*(story.order(f"{n}", net=100) for n in range(20)))
    await execute(
        fresh_database, slow_row("attribution.conversions", "natural_id", "13", on="UPDATE")
    )
    added = pipeline.source.add_catalog(
        mine.policy(models=("position",)), theirs.policy(models=("position",))
    )
    await hand_over(pipeline.catalog, pipeline.source.partition, 0, added)
    pipeline.worker.call([mine.workspace_id, theirs.workspace_id])
    await pipeline.worker.drain()
    for story in (mine, theirs):
        models = {row[:2] for row in await pipeline.net_ledger(story.workspace_id)}
        assert {name for name, model in models if model == "position"} == {
            f"{n}" for n in range(20) if n != 13
        }
        rows = "SELECT attempts, problem FROM attribution.recomputes"
        ((attempts, problem),) = await pipeline.rows(rows, story.workspace_id)
        assert attempts == 1
        assert "timeout" in problem
    await execute(fresh_database, QUICK)
    for story in (mine, theirs):
        async with slow.write([story.workspace_id]) as connection:
            await connection.exec_driver_sql(
                "UPDATE attribution.recomputes SET retry_at = '-infinity'"
            )
    await pipeline.worker.sweep()
    await pipeline.worker.drain()
    for story in (mine, theirs):
        models = {row[:2] for row in await pipeline.net_ledger(story.workspace_id)}
        assert models == {(f"{n}", "position") for n in range(20)}
        assert await pipeline.rows("SELECT 1 FROM attribution.recomputes", story.workspace_id) == []


async def test_amounts_near_the_bounds_of_the_database_end_as_one_record_each(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """Each alone fits a bigint; together they do not."""
    most = 2**63 - 1
    await pipeline.learn(*story.cast())
    batch: list[AnyEvent] = [
        story.order("sum", net=-most),
        story.adjusted("r1", of="sum", amount=most),
        story.order("good", net=5),
        story.order("first", net=most, at=NOON),
        story.order("second", net=most, at=NOON),
    ]
    await pipeline.feed(*batch)
    reasons = [row[:3] for row in await pipeline.rows(LETTERS, story.workspace_id)]
    assert reasons == [("unusable", 1, batch[1].event_id)]
    found = await pipeline.net_ledger(story.workspace_id)
    assert found["good", "last", "organic", "EUR"] == 5
    assert found["first", "last", "organic", "EUR"] == most
    assert await pipeline.rows("SELECT 1 FROM attribution.recomputes", story.workspace_id) == []
