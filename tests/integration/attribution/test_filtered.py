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
from shared.catalog import AnyCatalogRecord, ApiKey
from shared.db.engine import Database, driver
from shared.db.migrate import move_history
from shared.events import AnyEvent
from shared.ids import new_id
from tests.factories import NOON
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.explained import Explainer
from tests.integration.attribution.station import Station
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_order import check
from tests.integration.attribution.test_statements import statements
from tests.integration.attribution.town import LOYAL_ORDERS, Town

BRANDS = 3
CLICKS = 500
ORDERS = 80
# Of all that happens: what is told late, while every statement is watched.
LATE_PERCENT = 12
# Of a town's records, the ones before the corrections.
FACTS = 8
NEVER_ANALYSED = """
SELECT relname FROM pg_class
WHERE relnamespace = 'attribution'::regnamespace AND relkind = 'r' AND reltuples <> -1
UNION SELECT tablename FROM pg_stats WHERE schemaname = 'attribution'
"""
TIMES = "SELECT key, converted_at FROM attribution.aliases ORDER BY key, workspace_id"


@dataclass
class Brand:
    """One town, what it has told, what it tells late, and its facts."""

    town: Town
    told: list[AnyEvent] = field(default_factory=list)
    late: list[AnyEvent] = field(default_factory=list)
    records: list[AnyCatalogRecord] = field(default_factory=list)

    @property
    def workspace_id(self) -> str:
        return self.town.story.workspace_id


async def live(station: Station, number: int) -> Brand:
    """Most of what happens to a brand. All brands have equal names."""
    town = Town(Story(new_id()), Random(number))
    events, records = town.events(CLICKS, ORDERS), town.records()
    cut = len(events) * LATE_PERCENT // 100
    await station.learn(*records[:FACTS])
    await station.feed(*events[cut:])
    return Brand(town, events[cut:], events[:cut], records)


async def tell_late(station: Station, explainer: Explainer, brands: list[Brand]) -> None:
    """Batches of any size, of one or more workspaces, with duplicates, conflicts, bad bytes."""
    random = Random(BRANDS)
    for brand in brands:
        clicks = [brand.town.a_loyal_click(day) for day in (LOYAL_ORDERS, -1)]
        again = random.sample(brand.told, 10)
        batch = [*brand.late[:60], *again, structs.replace(again[0], occurred_at=NOON)]
        for events in (clicks[:1], clicks[1:], batch):
            explainer.records = len(events)
            await station.feed(*events)
        brand.told += clicks
    rest = [event for brand in brands for event in brand.late[60:]]
    explainer.records = len(rest)
    await station.feed(*rest)
    explainer.records = 1
    await station.feed_bytes(b"no event", key=brands[0].workspace_id.encode())


async def correct(station: Station, brand: Brand) -> None:
    """Catalog records that change touches and decisions, one a batch, and a key that is revoked."""
    for record in brand.records[FACTS:]:
        await station.learn(record)
    key = ApiKey(
        workspace_id=brand.workspace_id,
        id=new_id(),
        revision=1,
        recorded_at=NOON,
        sha256=new_id().replace("-", "") * 2,
        scopes=("read",),
    )
    await station.learn(key)
    await station.learn(structs.replace(key, revision=2, deleted_at=NOON))


async def look_around(station: Station) -> None:
    """Statements between batches: offsets, the key of a request, and what is to be published."""
    await station.events.stored_offsets()
    async with station.database.exempt() as connection:
        await look_up_key(await driver(connection), b"k" * 32)
    await station.credits()


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    """What the owner sees."""
    conn = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await conn.fetch(statement)]
    finally:
        await conn.close()


@pytest.fixture
async def lonely(fresh_database: str, database_for: DatabaseFactory) -> Database:
    """A pool onto attribution's role in a database of its own, which nobody analyses."""
    return await database_for("attribution", url=fresh_database)


async def test_no_batch_statement_throws_away_more_than_the_batch_holds(
    lonely: Database, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = Station(lonely)
    brands = [await live(station, number) for number in range(BRANDS)]
    explainer = Explainer({statement: name for name, statement in statements()})
    with monkeypatch.context() as patches:
        explainer.watch(patches)
        await tell_late(station, explainer, brands)
        # One queue for all brands, longer than one chunk of it.
        explainer.records = BRANDS
        policies = [brand.town.story.policy(revision=2) for brand in brands]
        await station.learn(*policies)
        explainer.records = 1
        for brand in brands[:2]:
            await correct(station, brand)
        await look_around(station)
    assert set(explainer.met) == set(explainer.names.values())
    assert not explainer.scans, "\n".join(explainer.scans)

    assert not explainer.wasteful, "\n".join(explainer.wasteful)
    assert await rows(fresh_database, NEVER_ANALYSED) == []
    # What was explained left nothing behind.
    for brand, policy in zip(brands[:2], policies, strict=False):
        events = [*brand.told, *brand.late]
        await check(station, brand.workspace_id, events, [*brand.records, policy])


async def test_the_times_of_older_conversions_are_filled_in(
    lonely: Database, fresh_database: str, story: Story
) -> None:
    station = Station(lonely)
    click = story.click("k1", by="v1")
    await station.feed(click, story.order("1", click=click), story.order("2", customer="c1"))
    before = await rows(fresh_database, TIMES)
    assert sum(moment is not None for _, moment in before) == 2
    await move_history(fresh_database, "attribution", "0001")
    await move_history(fresh_database, "attribution", "head")
    assert await rows(fresh_database, TIMES) == before
