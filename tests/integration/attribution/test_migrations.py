"""Attribution's migrations on stored data: a downgrade restores what the upgrade moved."""

import asyncpg
from sqlalchemy.engine import make_url

from shared.db.migrate import move_history
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story

LAST_BODIES = """
SELECT c.natural_id, {column} FROM attribution.conversions AS c
JOIN attribution.decisions AS d ON d.own_key = c.own_key
 AND d.revision = c.revision AND d.workspace_id = c.workspace_id
ORDER BY 1
"""


async def test_what_stands_repeats_its_decision_again_after_going_down(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    pipeline = AttributionPipeline(await database_for("attribution", url=fresh_database))
    story = Story(new_id())
    await pipeline.learn(*story.cast())
    await pipeline.feed(story.order("1001", net=500), story.order("1002", net=700))
    await pipeline.feed(story.adjusted("r1", of="1001", amount=100))
    await pipeline.database.close()
    url = make_url(fresh_database)
    conn = await asyncpg.connect(user=url.username, database=url.database, host=url.query["host"])
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
