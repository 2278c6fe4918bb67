"""Repeat clicks in the service: one click in the published counts and in decisions, in any order.

The raw clicks stay stored, and the sum of both counts is their number.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from services.attribution.store.event_rows import prepare
from services.attribution.store.repeat_rows import LOOKED_AT_MAX, NEAR_CLICKS
from services.attribution.tables import TOUCH_COLUMNS
from shared.credits import TouchesTallied
from shared.db.engine import driver
from shared.db.migrate import move_history
from shared.events import Clicked
from shared.ids import new_id
from tests.factories import NOON
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

LINEAR = "linear"


def after(story: Story, seconds: float, *, of: str = "mia", by: str = "v1") -> Clicked:
    """Return a click of a visitor, so many seconds after noon."""
    at = NOON + timedelta(seconds=seconds)
    return story.click(f"{of}/{by}/{seconds}", of=of, by=by, at=at)


async def counts(pipeline: AttributionPipeline, story: Story) -> dict[str, tuple[int, int]]:
    """Return by creator how many clicks count, and how many are counted apart."""
    names = {story.ident("placement", name): name for name in ("mia", "tom")}
    counted: Counter[str] = Counter()
    apart: Counter[str] = Counter()
    for record in await pipeline.credits():
        if isinstance(record, TouchesTallied) and record.workspace_id == story.workspace_id:
            for item in record.tallies:
                counted[names[item.account]] += item.counted
                apart[names[item.account]] += item.flagged
    return {n: (counted[n], apart[n]) for n in counted | apart if counted[n] or apart[n]}


async def stored(pipeline: AttributionPipeline, story: Story) -> int:
    rows = await pipeline.rows("SELECT count(*) FROM attribution.touches", story.workspace_id)
    return int(rows[0][0])


async def test_thirty_clicks_in_a_second_are_one(
    pipeline: AttributionPipeline, story: Story
) -> None:
    await pipeline.learn(*story.cast())
    clicks = [after(story, n / 30) for n in range(30)]
    await pipeline.feed(*clicks[10:20])
    await pipeline.feed(*clicks[:10])
    await pipeline.feed(*clicks[20:], *clicks[:5])
    await pipeline.feed(after(story, 60, of="tom"), story.order("1001", visitor="v1", net=500))
    assert await counts(pipeline, story) == {"mia": (1, 29), "tom": (1, 0)}
    assert await stored(pipeline, story) == 31
    ledger = await pipeline.net_ledger(story.workspace_id)
    assert {k[2]: v for k, v in ledger.items() if k[1] == LINEAR} == {
        story.ident("placement", "mia"): 250,
        story.ident("placement", "tom"): 250,
    }


async def test_a_visitor_with_many_clicks_at_once_costs_no_more_rows_than_the_bound(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """The plan of each batch says how many rows were read for each of its clicks."""
    await pipeline.learn(*story.cast())
    many = 20 * LOOKED_AT_MAX
    await pipeline.feed(*(after(story, n / many) for n in range(many)))
    async with pipeline.database.write([story.workspace_id]) as connection:
        conn = await driver(connection)
        await prepare(conn)
        await conn.execute(
            "INSERT INTO stage_touches SELECT row_number() OVER (), t.* FROM"
            f" (SELECT {', '.join(TOUCH_COLUMNS)} FROM attribution.touches LIMIT {many}) AS t"
        )
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {NEAR_CLICKS}"
        (plan,) = await conn.fetchval(explain, NOON + timedelta(seconds=1))
        (later,) = await conn.fetchval(explain, NOON - timedelta(seconds=11))
        await conn.execute("DELETE FROM stage_touches")
    read = rows_read(plan["Plan"], "touches")
    assert many < read <= many * (2 * LOOKED_AT_MAX + 1)
    # Clicks that are later than all that is stored have no neighbour to look for.
    assert rows_read(later["Plan"], "touches") == 0
    assert await counts(pipeline, story) == {"mia": (1, many - 1)}


def rows_read(node: dict[str, Any], table: str) -> int:
    """Return the rows that the scans of a table gave, times their loops."""
    below = sum(rows_read(child, table) for child in node.get("Plans", ()))
    is_scan = node.get("Relation Name") == table
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return below + (round(rows * node["Actual Loops"]) if is_scan else 0)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_arrival_does_not_matter(
    pipeline: AttributionPipeline, story: Story, order: Sequence[int]
) -> None:
    """Clicks at 0, 8, 16 and 30 s are two: each of the first three is near the one before."""
    await pipeline.learn(*story.cast())
    await pipeline.feed(story.order("1001", visitor="v1", net=500))
    clicks = [after(story, seconds) for seconds in (0, 8, 16, 30)]
    for place in order:
        await pipeline.feed(clicks[place])
    assert await counts(pipeline, story) == {"mia": (2, 2)}
    bodies = await pipeline.rows(
        "SELECT convert_from(d.body, 'UTF8') FROM attribution.decisions AS d"
        " JOIN attribution.conversions AS c USING (own_key, workspace_id)"
        " WHERE d.revision = c.revision",
        story.workspace_id,
    )
    assert bodies[0][0].count('"repeat_click"') == 2


async def test_visitors_links_and_workspaces_are_apart(
    pipeline: AttributionPipeline, story: Story
) -> None:
    other = Story(new_id())
    await pipeline.learn(*story.cast(), *other.cast())
    await pipeline.feed(after(story, 0), after(other, 0))
    await pipeline.feed(after(story, 1, by="v2"), after(story, 1, of="tom"), after(other, 11))
    assert await counts(pipeline, story) == {"mia": (2, 0), "tom": (1, 0)}
    assert await counts(pipeline, other) == {"mia": (2, 0)}


async def test_a_corrected_owner_takes_the_repeats_with_the_clicks(
    pipeline: AttributionPipeline, story: Story
) -> None:
    """From the fifth second on the link is Tom's; a series goes on across the change."""
    await pipeline.learn(*story.cast())
    await pipeline.feed(*(after(story, seconds) for seconds in (0, 3, 6, 9, 40)))
    assert await counts(pipeline, story) == {"mia": (2, 3)}
    change = NOON + timedelta(seconds=5)
    owners = (story.led_to("mia", None, change), story.led_to("tom", change))
    await pipeline.learn(story.link("mia", revision=2, owners=owners))
    assert await counts(pipeline, story) == {"mia": (1, 1), "tom": (1, 2)}


async def test_repeats_that_an_older_release_counted_are_counted_apart(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    """The downgrade counts them like other clicks; the upgrade does not, and decides again."""
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast())
    await pipeline.feed(*(after(story, n) for n in range(5)), after(story, 90, of="tom"))
    await pipeline.feed(story.order("1001", visitor="v1", net=500))
    expected = {"mia": (1, 4), "tom": (1, 0)}
    assert await counts(pipeline, story) == expected
    for revision, found in (("0014", {"mia": (5, 0), "tom": (1, 0)}), ("head", expected)):
        await pipeline.database.close()
        await move_history(fresh_database, "attribution", revision)
        conn = await asyncpg.connect(**connection_of(fresh_database))
        try:
            assert await conn.fetchval("SELECT count(*) FROM attribution.recomputes") == 1
        finally:
            await conn.close()
        database = await database_for("attribution", url=fresh_database)
        pipeline = AttributionPipeline(database, pipeline.source, pipeline.broker)
        await pipeline.relay.sweep()
        assert await counts(pipeline, story) == found
    await pipeline.feed(after(story, 0.5), after(story, 200))
    assert await counts(pipeline, story) == {"mia": (2, 5), "tom": (1, 0)}


def connection_of(url: str) -> dict[str, str]:
    found = make_url(url)
    return {
        "user": str(found.username),
        "database": str(found.database),
        "host": str(found.query["host"]),
    }
