"""Stores in the database: two orders of one id, guests, and the migration of stored rows."""

import asyncpg
import pytest

from shared.credits import DecisionCredited
from shared.db.migrate import move_history
from shared.events import Person
from shared.ids import conversion_id, customer_key, new_id, person_key
from tests.factories import NOON
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story
from tests.integration.attribution.test_migrations import owner_of

OUTLET = "01900000-0000-7000-8000-0000000000e1"
NETS = "SELECT store, natural_id, net_minor, status FROM attribution.conversions ORDER BY 1, 2"
LINES = "SELECT sequence, line, own_key, amount_minor FROM attribution.ledger"
# What an older release stored for the customer id of a guest: its key like that of any customer.
GUEST = person_key("customer", "0")


async def test_an_order_id_of_two_stores_is_two_conversions_with_their_own_refunds(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    clicked = story.click("k1", by="v1")
    await pipeline.feed(
        clicked,
        story.order("1001", net=4990, click=clicked),
        story.order("1001", net=700, store=OUTLET),
        story.adjusted(of="1001", amount=200, store=OUTLET),
        story.adjusted(of="1001", kind="cancel", amount=None, store="a store without the order"),
    )
    assert await pipeline.rows(NETS, story.workspace_id) == [
        (OUTLET, "1001", 500, "organic"),
        ("a store without the order", "1001", 0, "awaiting_order"),
        ("main", "1001", 4990, "credited"),
    ]
    credits = [r for r in await pipeline.credits() if isinstance(r, DecisionCredited)]
    told = {(r.store, r.natural_id, r.conversion_id) for r in credits}
    assert told == {
        (store, "1001", conversion_id(story.workspace_id, "purchase", "1001", store=store))
        for store in ("main", OUTLET)
    }


async def test_sources_of_a_second_store_are_one_conversion(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    await pipeline.feed(story.order("1001", net=1, source="secret", store=OUTLET))
    await pipeline.feed(story.order("1001", net=2, source="webhook", store=OUTLET))
    assert await pipeline.rows(NETS, story.workspace_id) == [(OUTLET, "1001", 2, "organic")]


async def test_a_customer_id_belongs_to_its_store_and_an_email_to_the_brand(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    await pipeline.feed(
        story.click("k1", by="v1"),
        story.identified("login", Person(visitor_id="v1", customer_id="17"), store=OUTLET),
        story.order("1001", customer="17"),
        story.order("1002", customer="17", store=OUTLET),
        story.order("1003", customer="21", email="e", at=NOON),
        story.order("1004", customer="17", email="e", store=OUTLET),
    )
    credited = {r[:2] for r in await pipeline.rows(NETS, story.workspace_id) if r[3] == "credited"}
    assert credited == {(OUTLET, "1002"), (OUTLET, "1004"), ("main", "1003")}


async def test_guests_are_nobody_together(pipeline: AttributionPipeline, story: Story) -> None:
    await pipeline.learn(*story.cast())
    await pipeline.feed(
        story.click("k1", by="v1"),
        story.order("1001", visitor="v1", customer="0"),
        story.order("1002", customer="0"),
    )
    found = {row[1]: row[3] for row in await pipeline.rows(NETS, story.workspace_id)}
    assert found == {"1001": "credited", "1002": "organic"}


async def as_an_older_release_stored_guests(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Give the guest's key what a customer's key has: the key of customer 17 becomes it."""
    known = customer_key("17", "main")
    for table, column in (
        ("edges", "key_a"),
        ("edges", "key_b"),
        ("aliases", "key"),
        ("neighbours", "key"),
        ("neighbours", "neighbour"),
        ("conversion_keys", "key"),
    ):
        await conn.execute(f"ALTER TABLE attribution.{table} NO FORCE ROW LEVEL SECURITY")
        await conn.execute(
            f"UPDATE attribution.{table} SET {column} = $1 WHERE {column} = $2", GUEST, known
        )
        await conn.execute(f"ALTER TABLE attribution.{table} FORCE ROW LEVEL SECURITY")
    await conn.execute("ALTER TABLE attribution.evidence NO FORCE ROW LEVEL SECURITY")
    await conn.execute(
        "UPDATE attribution.evidence SET body = convert_to(replace(convert_from(body, 'UTF8'),"
        ' \'"customer_id":"17"\', \'"customer_id":"0"\'), \'UTF8\')'
    )
    await conn.execute("ALTER TABLE attribution.evidence FORCE ROW LEVEL SECURITY")


async def test_rows_of_an_older_release_are_of_the_first_store_and_guests_part(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast())
    await pipeline.feed(
        story.click("k1", by="v1"),
        story.order("1001", visitor="v1", customer="17"),
        story.order("1002", customer="17", net=700),
    )
    nets = await pipeline.rows(NETS, story.workspace_id)
    assert [row[3] for row in nets] == ["credited", "credited"]
    await pipeline.database.close()
    conn = await owner_of(fresh_database)
    try:
        await move_history(fresh_database, "attribution", "0008")
        await as_an_older_release_stored_guests(conn)
        await move_history(fresh_database, "attribution", "head")
    finally:
        await conn.close()
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    pipeline.worker.call([story.workspace_id])
    await pipeline.worker.drain()
    assert await pipeline.rows(NETS, story.workspace_id) == [
        ("main", "1001", 4990, "credited"),
        ("main", "1002", 700, "organic"),
    ]
    forced = await pipeline.rows(
        "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname IN ('edges', 'aliases',"
        " 'neighbours', 'conversions', 'conversion_keys', 'recomputes', 'evidence')",
        story.workspace_id,
    )
    assert forced == [(True,)]


@pytest.mark.parametrize("store", ["main", OUTLET])
async def test_the_downgrade_and_the_upgrade_keep_the_conversions(
    store: str, fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast())
    await pipeline.feed(story.order("1001", store=store))
    ledger = await pipeline.rows(LINES, story.workspace_id)
    assert len(ledger) == 3
    await pipeline.database.close()
    await move_history(fresh_database, "attribution", "0008")
    await move_history(fresh_database, "attribution", "head")
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    assert await pipeline.rows(LINES, story.workspace_id) == ledger
