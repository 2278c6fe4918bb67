"""No batch statement scans a table or discards more rows than the batch holds.

The tables hold a history and have no statistics. The limit counts the records of the batch and the
rows handed to the statement (keys, edges, revisions), because one record may bring many of them.
"""

from dataclasses import dataclass, field
from random import Random

import asyncpg
import pytest
from msgspec import structs

from services.attribution.store.catalog_rows import look_up_key
from services.attribution.store.recompute_rows import set_aside
from shared.catalog import AnyCatalogRecord, ApiKey
from shared.db.engine import Database, driver
from shared.db.migrate import move_history
from shared.events import AnyEvent
from shared.ids import new_id
from tests.factories import NOON
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.large_story import LOYAL_ORDERS, LargeStory
from tests.integration.attribution.statement_explainer import Explainer
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_order import check
from tests.integration.attribution.test_replay import publish_all
from tests.integration.attribution.test_statements import statements

BRANDS = 3
CLICKS = 500
ORDERS = 80
# The share of events sent late, while every statement is explained.
LATE_PERCENT = 12
# How many records of a history come before its corrections.
FACTS = 8
# The records of one replayed span.
SPAN_RECORDS = 50
NEVER_ANALYSED = """
SELECT relname FROM pg_class
WHERE relnamespace = 'attribution'::regnamespace AND relkind = 'r' AND reltuples <> -1
UNION SELECT tablename FROM pg_stats WHERE schemaname = 'attribution'
"""
TIMES = "SELECT key, converted_at FROM attribution.aliases ORDER BY key, workspace_id"


@dataclass
class Brand:
    """One history: its early events, its late events and its catalog records."""

    large_story: LargeStory
    told: list[AnyEvent] = field(default_factory=list)
    late: list[AnyEvent] = field(default_factory=list)
    records: list[AnyCatalogRecord] = field(default_factory=list)

    @property
    def workspace_id(self) -> str:
        return self.large_story.story.workspace_id


async def live(pipeline: AttributionPipeline, number: int) -> Brand:
    """Handle most events of a workspace. All workspaces use equal names."""
    large_story = LargeStory(Story(new_id()), Random(number))
    events, records = large_story.events(CLICKS, ORDERS), large_story.records()
    cut = len(events) * LATE_PERCENT // 100
    await pipeline.learn(*records[:FACTS])
    await pipeline.feed(*events[cut:])
    return Brand(large_story, events[cut:], events[:cut], records)


async def tell_late(
    pipeline: AttributionPipeline, explainer: Explainer, brands: list[Brand]
) -> None:
    """Batches of any size, of one or more workspaces, with duplicates, conflicts, bad bytes."""
    random = Random(BRANDS)
    for brand in brands:
        clicks = [brand.large_story.a_loyal_click(day) for day in (LOYAL_ORDERS, -1)]
        again = random.sample(brand.told, 10)
        batch = [*brand.late[:60], *again, structs.replace(again[0], occurred_at=NOON)]
        for events in (clicks[:1], clicks[1:], batch):
            explainer.records = len(events)
            await pipeline.feed(*events)
        brand.told += clicks
    rest = [event for brand in brands for event in brand.late[60:]]
    explainer.records = len(rest)
    await pipeline.feed(*rest)
    explainer.records = 1
    await pipeline.feed_bytes(b"no event", key=brands[0].workspace_id.encode())


async def correct(pipeline: AttributionPipeline, brand: Brand) -> None:
    """Catalog records that change touches and decisions, one a batch, and a key that is revoked."""
    for record in brand.records[FACTS:]:
        await pipeline.learn(record)
    key = ApiKey(
        workspace_id=brand.workspace_id,
        id=new_id(),
        revision=1,
        recorded_at=NOON,
        sha256=new_id().replace("-", "") * 2,
        scopes=("read",),
    )
    await pipeline.learn(key)
    await pipeline.learn(structs.replace(key, revision=2, deleted_at=NOON))


async def look_around(pipeline: AttributionPipeline, workspace_id: str) -> None:
    """Statements between batches: offsets, a key, what is published, and what is set aside."""
    await pipeline.events.stored_offsets()
    async with pipeline.database.exempt() as connection:
        await look_up_key(await driver(connection), b"k" * 32)
    await pipeline.credits()
    async with pipeline.database.write([workspace_id]) as connection:
        keyed = workspace_id, b"no conversion"
        await set_aside(await driver(connection), keyed, "fact_corrected", NOON, "a fault")


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    """Return the rows that the database owner sees."""
    conn = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await conn.fetch(statement)]
    finally:
        await conn.close()


@pytest.fixture
async def lonely(fresh_database: str, database_for: DatabaseFactory) -> Database:
    """A pool with attribution's role on a separate database that is never analysed."""
    return await database_for("attribution", url=fresh_database)


async def test_no_batch_statement_throws_away_more_than_the_batch_holds(
    lonely: Database, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = AttributionPipeline(lonely)
    brands = [await live(pipeline, number) for number in range(BRANDS)]
    explainer = Explainer({statement: name for name, statement in statements()})
    with monkeypatch.context() as patches:
        explainer.watch(patches)
        await tell_late(pipeline, explainer, brands)
        # One queue for all workspaces, longer than one chunk.
        explainer.records = BRANDS
        policies = [brand.large_story.story.policy(revision=2) for brand in brands]
        await pipeline.learn(*policies)
        explainer.records = 1
        for brand in brands[:2]:
            await correct(pipeline, brand)
        await look_around(pipeline, brands[0].workspace_id)
        # A replay reads spans of records, not a batch.
        explainer.records = SPAN_RECORDS
        workspace_id = brands[0].large_story.story.workspace_id
        await publish_all(pipeline, workspace_id, SPAN_RECORDS)
    assert set(explainer.met) == set(explainer.names.values())
    assert not explainer.scans, "\n".join(explainer.scans)

    assert not explainer.wasteful, "\n".join(explainer.wasteful)
    assert await rows(fresh_database, NEVER_ANALYSED) == []
    # The explained executions left no rows.
    for brand, policy in zip(brands[:2], policies, strict=False):
        events = [*brand.told, *brand.late]
        await check(pipeline, brand.workspace_id, events, [*brand.records, policy])


async def test_the_times_of_older_conversions_are_filled_in(
    lonely: Database, fresh_database: str, story: Story
) -> None:
    pipeline = AttributionPipeline(lonely)
    click = story.click("k1", by="v1")
    await pipeline.feed(click, story.order("1", click=click), story.order("2", customer="c1"))
    before = await rows(fresh_database, TIMES)
    assert sum(moment is not None for _, moment in before) == 2
    await move_history(fresh_database, "attribution", "0001")
    await move_history(fresh_database, "attribution", "head")
    assert await rows(fresh_database, TIMES) == before
