"""Gross reach in answers, and migration 0017, which makes its changes of the stored reports."""

import random
from datetime import timedelta
from typing import Any, Final

import asyncpg
from sqlalchemy.engine import make_url

from services.roi.pipeline.rebuild import RollupRebuild
from shared.clock import SystemClock
from shared.credits import CountsReported
from shared.db.migrate import move_history
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, labels

DAY: Final = timedelta(days=1)
TABLES: Final = {
    "count_changes": "sequence, workspace_id, account, counted_at, recorded_at, known_at,"
    " recorded_day, change, reports, fallen",
    "count_rollups": "bucket_on, workspace_id, generation, account, change, reports, fallen",
    "count_rollups_monthly": "bucket_on, workspace_id, generation, account, change, reports,"
    " fallen",
    "count_rollups_history": "bucket_on, workspace_id, generation, recorded_day, account, change,"
    " reports, fallen",
}


async def test_gross_reach_adds_the_newest_reach_of_each_placement(
    database_for: DatabaseFactory,
) -> None:
    """Two reels of Mia reached 900 and 400 people: 1,300, whoever saw both."""
    roi = await RoiWorkspace.open(await database_for("roi"))
    mia = await roi.creator("Mia")
    reel, story = [await roi.placement(mia) for _ in range(2)]
    first = roi.counted(reel, NOON, reach=500, likes=30)
    await roi.fold(
        first,
        roi.counted(story, NOON, reach=400, likes=5),
        roi.counted(reel, NOON + DAY, reach=900, likes=60),
    )
    assert labels(await roi.ask("creator"), "gross_reach") == {"Mia": 1_300}
    assert labels(await roi.ask("day"), "gross_reach") == {"2026-03-10": 900, "2026-03-11": 400}
    answer = await roi.ask("placement")
    rates = {
        row["group"]["placement"]: row["measures"]["engagement_rate_by_reach"]
        for row in answer["rows"]
    }
    assert rates == {reel: 0.066667, story: 0.0125}
    assert answer["program"]["engagement_rate_by_reach"] == 0.05
    past = await roi.ask("creator", as_of=first.recorded_at)
    assert labels(past, "gross_reach") == {"Mia": 500}


def a_history(roi: RoiWorkspace, placements: list[str], chance: random.Random) -> list[Any]:
    """Return reports of some sources: late, corrected, with reach and without, one or several."""
    found: list[CountsReported] = []
    for _ in range(60):
        roi.now += timedelta(hours=chance.randrange(12))
        told = {"likes": chance.randrange(50)}
        if chance.random() < 0.8:
            told["reach"] = chance.randrange(900)
        source, quality = chance.choice(
            [("Instagram", "observed"), ("Agency", "manual"), ("Guess", "estimated")]
        )
        at = NOON + chance.randrange(6) * DAY
        record = roi.counted(
            chance.choice(placements),
            at,
            source=source,
            quality=quality,
            received_at=NOON + chance.randrange(9) * DAY,
            **told,
        )
        found.append(record)
    return found


async def test_the_migration_makes_the_changes_that_the_fold_makes(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    """Down and up again, while the days of another zone are made: every row is as before."""
    roi = await RoiWorkspace.open(await database_for("roi", url=fresh_database))
    chance = random.Random(17)
    mia = await roi.creator("Mia")
    placements = [await roi.placement(mia) for _ in range(3)]
    await roi.fold(*a_history(roi, [*placements, new_id()], chance))
    await roi.ask_zone("Pacific/Auckland")
    worker = RollupRebuild(roi.database, SystemClock(), step_rows=20)
    for _ in range(3):
        await worker.step_all()
    other = await RoiWorkspace.open(roi.database, time_zone="America/New_York")
    await other.fold(*a_history(other, [await other.placement(None)], chance))
    url = make_url(fresh_database)
    owner = await asyncpg.connect(user=url.username, database=url.database, host=url.query["host"])
    try:
        before = await rows_of_reach(owner)
        assert all(before.values())
        assert len({row["generation"] for row in before["count_rollups"]}) == 2, "one is made"
        await move_history(fresh_database, "roi", "0016")
        assert not any((await rows_of_reach(owner)).values())
        await move_history(fresh_database, "roi", "head")
        assert await rows_of_reach(owner) == before
        twice = "SELECT count(*) FROM roi.count_changes GROUP BY sequence, position, workspace_id"
        assert {row[0] for row in await owner.fetch(twice)} == {1}
    finally:
        await owner.close()


async def rows_of_reach(owner: asyncpg.Connection) -> dict[str, list[Any]]:
    found = {}
    for table, columns in TABLES.items():
        statement = f"SELECT {columns} FROM roi.{table} WHERE metric = 'reach' ORDER BY {columns}"
        found[table] = list(await owner.fetch(statement))
    return found
