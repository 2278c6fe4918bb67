"""Attribution's migrations on stored data: a downgrade restores what the upgrade moved.

Rows that an older release wrote are read, and reversed exactly.
"""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
from msgspec import structs
from sqlalchemy.engine import make_url

from services.attribution.domain.ties import TIES_MAX
from services.attribution.store.event_accounts import EventAccounts, event_accounts
from services.attribution.tables import HUB_NEIGHBOURS
from shared.db.engine import driver
from shared.db.migrate import move_history
from shared.events import encode_event
from shared.ids import new_id
from tests.factories import NOON
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

LAST_BODIES = """
SELECT c.natural_id, {column} FROM attribution.conversions AS c
JOIN attribution.decisions AS d ON d.own_key = c.own_key
 AND d.revision = c.revision AND d.workspace_id = c.workspace_id
ORDER BY 1
"""


# The fields of a ledger line, a standing entry and a credit that came with slots.
SLOT_FIELDS = ("touch_kind", "evidence_class", "link_id", "code", "sub_source", "placed_units")
FILED = "SELECT event_id, own_key FROM attribution.evidence ORDER BY event_id"
CUT_KEYS = "SELECT key, reason, workspace_id FROM attribution.cut_keys ORDER BY reason"
LINES = """
SELECT model, account, touched_at, touch_kind, amount_minor, units, reverses, revision
FROM attribution.ledger ORDER BY sequence, line
"""


async def owner_of(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    found = make_url(url)
    return await asyncpg.connect(
        user=found.username, database=found.database, host=found.query["host"]
    )


async def as_stored_before_slots(conn: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Give what stands the form of release 0.1: a touch with its exact time, no slot fields."""
    await conn.execute(
        "UPDATE attribution.ledger SET touched_at = touched_at + interval '7 minutes',"
        f" net_minor = NULL, {', '.join(f'{name} = NULL' for name in SLOT_FIELDS)}"
    )
    row = await conn.fetchrow(
        "SELECT c.standing, d.body FROM attribution.conversions AS c"
        " JOIN attribution.decisions AS d ON d.own_key = c.own_key"
    )
    assert row is not None
    standing = [without(entry, "net_minor") for entry in json.loads(row["standing"])]
    decision = without(json.loads(row["body"]), "bought_at", "unlisted")
    decision["credits"] = [without(credit, "touches") for credit in decision["credits"]]
    for entry in standing:
        if entry.get("touched_at"):
            entry["touched_at"] = entry["touched_at"].replace(":00:00Z", ":07:00Z")
    await conn.execute("UPDATE attribution.conversions SET standing = $1", encoded(standing))
    await conn.execute("UPDATE attribution.decisions SET body = $1", encoded(decision))


def without(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: v for name, v in found.items() if name not in (*SLOT_FIELDS, *names)}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


async def test_lines_of_an_older_release_are_reversed_by_the_first_new_revision(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast())
    earlier, later = NOON - timedelta(hours=2), NOON - timedelta(hours=1)
    await pipeline.feed(
        story.click("k1", by="v1", at=earlier), story.click("k2", of="tom", by="v1", at=later)
    )
    await pipeline.feed(story.order("1001", visitor="v1", net=500))
    conn = await owner_of(fresh_database)
    try:
        await as_stored_before_slots(conn)
        old = await conn.fetch(LINES)
        assert {row["touched_at"].minute for row in old} == {7}
        await pipeline.feed(story.adjusted(amount=100))
        rows = await conn.fetch(LINES)
    finally:
        await conn.close()
    assert [row["revision"] for row in rows] == [1] * 4 + [2] * 8
    assert {row["reverses"] for row in rows[4:8]} == {1}
    left = Counter[tuple[object, ...]]()
    for row in rows:
        slot = (row["model"], row["account"], row["touched_at"].minute, row["touch_kind"])
        left[slot] += row["amount_minor"]
        left[*slot, "units"] += row["units"]
    assert {slot[2:4] for slot, value in left.items() if value} == {(0, "click")}
    assert await pipeline.net_ledger(story.workspace_id) == {
        ("1001", model, story.ident("placement", name), "EUR"): amount
        for model, name, amount in (
            ("first", "mia", 400),
            ("last", "tom", 400),
            ("linear", "mia", 200),
            ("linear", "tom", 200),
        )
    }


async def test_what_stands_repeats_its_decision_again_after_going_down(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast())
    await pipeline.feed(story.order("1001", net=500), story.order("1002", net=700))
    await pipeline.feed(story.adjusted("r1", of="1001", amount=100))
    await pipeline.database.close()
    conn = await owner_of(fresh_database)
    try:
        bodies = await conn.fetch(LAST_BODIES.format(column="d.body"))
        assert [row[0] for row in bodies] == ["1001", "1002"]
        await move_history(fresh_database, "attribution", "0002")
        assert await conn.fetch(LAST_BODIES.format(column="c.decision")) == bodies
        forced = (
            "SELECT bool_and(relforcerowsecurity) FROM pg_class"
            " WHERE relname IN ('conversions', 'decisions')"
        )
        assert await conn.fetchval(forced)
        await move_history(fresh_database, "attribution", "head")
        assert await conn.fetch(LAST_BODIES.format(column="d.body")) == bodies
    finally:
        await conn.close()


async def test_claims_of_an_older_release_are_filed_where_they_are_read(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast())
    await pipeline.feed(story.order("1001", source="public", net=1), story.order("1002", net=7))
    await pipeline.database.close()
    conn = await owner_of(fresh_database)
    try:
        filed = await conn.fetch(FILED)
        await move_history(fresh_database, "attribution", "0007")
        assert {row["own_key"][:1] for row in await conn.fetch(FILED)} == {b"o"}
        await move_history(fresh_database, "attribution", "head")
        assert await conn.fetch(FILED) == filed
        assert len({row["own_key"][:1] for row in filed}) == 2
    finally:
        await conn.close()


async def test_the_cut_keys_of_an_older_release_are_noted_by_the_upgrade(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    clicks = [story.click(f"k{n}", by=f"v{n}") for n in range(TIES_MAX + 1)]
    orders = [
        story.order(f"{n}", customer="guest", email=f"e{n}", net=1)
        for n in range(HUB_NEIGHBOURS + 1)
    ]
    await pipeline.feed(*clicks, *(story.visited("all", clicked) for clicked in clicks), *orders)
    await pipeline.database.close()
    conn = await owner_of(fresh_database)
    try:
        noted = await conn.fetch(CUT_KEYS)
        assert [row["reason"] for row in noted] == ["hub", "ties"]
        await move_history(fresh_database, "attribution", "0012")
        await move_history(fresh_database, "attribution", "head")
        assert await conn.fetch(CUT_KEYS) == noted
    finally:
        await conn.close()


async def test_codes_that_an_older_release_stored_still_match(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    """Earlier releases kept the form selector of a heart."""
    old, new = "LOVE\u2764\ufe0f", "LOVE\u2764"
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast(), structs.replace(story.code(new), code=old))
    await pipeline.feed(story.order("1001", codes=(old,), net=500), story.referred(new, by="v1"))
    ledger = await pipeline.net_ledger(story.workspace_id)
    assert {row[2] for row in ledger} == {story.ident("placement", "mia")}
    await pipeline.database.close()
    conn = await owner_of(fresh_database)
    try:
        await move_history(fresh_database, "attribution", "0013")
        await conn.execute("UPDATE attribution.touches SET code = $1", old)
        await move_history(fresh_database, "attribution", "head")
        assert await conn.fetchval("SELECT code FROM attribution.touches") == new
        assert await conn.fetchval("SELECT count(*) FROM attribution.recomputes") == 1
    finally:
        await conn.close()
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    await pipeline.worker.sweep()
    await pipeline.worker.drain()
    assert await pipeline.net_ledger(story.workspace_id) == ledger
    assert (
        await pipeline.rows("SELECT own_key FROM attribution.recomputes", story.workspace_id) == []
    )


async def test_the_count_of_events_starts_at_what_an_older_release_stored(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    click = story.click("k1", by="v1")
    order = story.order("1001", click=click, net=500)
    await pipeline.feed(click, order, story.adjusted("r1", of="9", amount=100))
    await pipeline.feed_bytes(b"{", encode_event(order), key=story.workspace_id.encode())
    count = "SELECT events_read, events_duplicate FROM attribution.workspaces"
    assert await pipeline.rows(count, story.workspace_id) == [(5, 1)]
    await pipeline.database.close()
    await move_history(fresh_database, "attribution", "0011")
    await move_history(fresh_database, "attribution", "head")
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    assert await pipeline.rows(count, story.workspace_id) == [(4, 0)]
    async with pipeline.database.read([story.workspace_id]) as connection:
        found = await event_accounts(await driver(connection), story.workspace_id)
    assert found == EventAccounts(read=4, booked=2, superseded=0, set_aside=2)
