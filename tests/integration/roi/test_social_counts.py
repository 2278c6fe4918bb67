"""Social counts in answers: their days, corrections, the past, other zones, costs by views."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.roi.pipeline import counts_fold
from services.roi.store.rollups import ROLLUPS
from shared.db.engine import driver
from shared.db.migrate import move_history
from shared.ids import automatic_placement_id, new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, labels, plain

DAY = timedelta(days=1)
MARCH = ("2026-03-01", "2026-03-31")


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def by_day(roi_workspace: RoiWorkspace, metric: str, **asked: Any) -> dict[str, int]:
    """Return the days on which a metric is known."""
    answer = await roi_workspace.ask("day", **asked)
    found = {row["group"]["day"]: row["measures"][metric] for row in answer["rows"]}
    known = {day: count for day, count in found.items() if count is not None}
    assert sum(known.values()) == (answer["totals"][metric] or 0)
    return known


def warnings_of(answer: Mapping[str, Any]) -> list[Any]:
    """The warnings of an answer, but that no value rate is set: all metrics are asked for."""
    return [one for one in answer["meta"]["warnings"] if one["id"] != "missing_value_rate"]


async def test_counts_are_in_rows_program_brand_and_totals(roi_workspace: RoiWorkspace) -> None:
    """A campaign of 100.00: 20,000 showings, 5,000 views and 400 engagements of Mia's reel."""
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    own = await roi_workspace.placement(None)
    await roi_workspace.cost(10_000, "2026-03-05", placement_id=reel)
    await roi_workspace.fold(
        roi_workspace.counted(
            reel, NOON, impressions=20_000, reach=9_000, views=5_000, likes=300, shares=100
        ),
        roi_workspace.counted(own, NOON, views=70),
    )
    answer = await roi_workspace.ask("creator")
    (row,) = [row for row in answer["rows"] if row["label"] == "Mia"]
    for measures in (row["measures"], answer["program"]):
        assert (measures["impressions"], measures["views"]) == (20_000, 5_000)
        assert (measures["likes"], measures["shares"]) == (300, 100)
        assert measures["comments"] is measures["saves"] is measures["link_taps"] is None
        assert plain(measures["cpm"]) == 500
        assert plain(measures["cpv"]) == 2
        assert plain(measures["cpe"]) == 25
        assert measures["engagement_rate_by_views"] == 0.08
        assert measures["engagement_rate_by_impressions"] == 0.02
        assert measures["gross_reach"] == 9_000
        assert measures["engagement_rate_by_reach"] == 0.044444
    assert (answer["brand"]["views"], answer["brand"]["impressions"]) == (70, None)
    assert answer["brand"]["cpv"] == {"amount_minor": 0, "currency": "EUR"}
    assert answer["organic"]["views"] is None
    assert (answer["totals"]["views"], answer["totals"]["impressions"]) == (5_070, 20_000)
    assert "reach" not in answer["totals"], "the sum of reach has its own name"
    assert answer["brand"]["gross_reach"] is None
    assert not warnings_of(answer)
    assert labels(await roi_workspace.ask("platform"), "views") == {"instagram": 5_070}


async def test_a_difference_lies_on_the_local_day_of_its_report(
    database_for: DatabaseFactory,
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone="Pacific/Auckland")
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    evening = datetime(2026, 3, 10, 22, tzinfo=UTC)
    await roi_workspace.fold(
        roi_workspace.counted(reel, evening, views=100),
        roi_workspace.counted(reel, evening + DAY, views=130),
        roi_workspace.counted(reel, evening + 3 * DAY, views=130),
    )
    days = {"2026-03-11": 100, "2026-03-12": 30, "2026-03-14": 0}
    assert await by_day(roi_workspace, "views") == days
    assert await by_day(roi_workspace, "views", days=MARCH, by="touch_time") == days
    # A week in which nobody counted is missing, and not 0.
    empty = await roi_workspace.ask("day", days=("2026-03-15", "2026-03-20"))
    assert (empty["rows"], empty["totals"]["views"]) == ([], None)
    await roi_workspace.change_zone("America/New_York")
    assert await by_day(roi_workspace, "views") == {
        "2026-03-10": 100,
        "2026-03-11": 30,
        "2026-03-13": 0,
    }


async def test_late_and_corrected_reports_restate_and_as_of_shows_what_was_known(
    roi_workspace: RoiWorkspace,
) -> None:
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    report, told = roi_workspace.counted, []
    for record in (
        report(reel, NOON, likes=100),
        report(reel, NOON + 2 * DAY, likes=130),
        report(reel, NOON + DAY, likes=120),
        report(reel, NOON, likes=90),
        report(reel, NOON + 2 * DAY, source="Agency", quality="manual", likes=500),
        report(reel, NOON + 3 * DAY, likes=110),
    ):
        await roi_workspace.fold(record)
        told.append((record.recorded_at, await by_day(roi_workspace, "likes")))
        roi_workspace.now += timedelta(hours=9)
    first, second, third, fourth = (f"2026-03-{day}" for day in (10, 11, 12, 13))
    assert [days for _, days in told] == [
        {first: 100},
        {first: 100, third: 30},
        {first: 100, second: 20, third: 10},
        {first: 90, second: 30, third: 10},
        {first: 90, second: 30, third: 10},
        {first: 90, second: 30, third: 10, fourth: -20},
    ]
    for moment, days in told:
        assert await by_day(roi_workspace, "likes", as_of=moment) == days
    for group_by in ("creator", "day"):
        told_now = await roi_workspace.ask(group_by)
        (warning,) = warnings_of(told_now)
        assert warning["id"] == "counts_fallen"
        assert warning["sentence"].startswith("Social counts fell by 20 ")
    assert not warnings_of(await roi_workspace.ask("day", as_of=told[-2][0]))


async def test_the_order_of_records_does_not_show(database_for: DatabaseFactory) -> None:
    database = await database_for("roi")
    answers = []
    for order in ((0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)):
        roi_workspace = await RoiWorkspace.open(database)
        reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
        reports: list[dict[str, Any]] = [
            {"counted_at": NOON, "received_at": NOON, "views": 10},
            {"counted_at": NOON, "received_at": NOON + DAY, "views": 30, "saves": 2},
            {"counted_at": NOON + DAY, "received_at": NOON + DAY, "views": 60},
            {"counted_at": NOON + DAY, "source": "Agency", "quality": "manual", "views": 7},
            {"counted_at": NOON + 2 * DAY, "source": "A", "received_at": NOON, "views": 90},
        ]
        records = [roi_workspace.counted(reel, **reports[number]) for number in order]
        # Some in one batch, some in batches of their own.
        await roi_workspace.fold(*records[:3])
        for record in records[3:]:
            await roi_workspace.fold(record)
        # A batch that is read again changes nothing.
        await roi_workspace.fold(*records)
        answers.append([await by_day(roi_workspace, name) for name in ("views", "saves")])
    assert answers == [[{"2026-03-12": 90}, {"2026-03-10": 2}]] * 3


async def test_counts_of_a_placement_that_is_not_the_brands_are_in_no_figure(
    database_for: DatabaseFactory,
) -> None:
    database = await database_for("roi")
    other = await RoiWorkspace.open(database)
    foreign = await other.placement(await other.creator("Leo"))
    roi_workspace = await RoiWorkspace.open(database)
    mia = await roi_workspace.creator("Mia")
    own = automatic_placement_id(roi_workspace.workspace_id, mia)
    await roi_workspace.fold(
        *(roi_workspace.counted(name, NOON, views=9) for name in (foreign, new_id(), mia, own))
    )
    assert (await roi_workspace.ask())["totals"]["views"] == 9
    assert labels(await roi_workspace.ask("placement"), "views").popitem()[1] == 9
    assert (await other.ask())["totals"]["views"] is None
    # They are kept as they came.
    async with database.read([roi_workspace.workspace_id]) as conn:
        assert await (await driver(conn)).fetchval("SELECT count(*) FROM roi.social_counts") == 4


async def test_many_placements_of_a_batch_are_read_in_parts(
    roi_workspace: RoiWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts_fold, "PLACEMENTS_MAX", 2)
    mia = await roi_workspace.creator("Mia")
    placements = [await roi_workspace.placement(mia) for _ in range(5)]
    for day in range(2):
        at = NOON + day * DAY
        await roi_workspace.fold(
            *(roi_workspace.counted(one, at, views=10 + day) for one in placements)
        )
    assert await by_day(roi_workspace, "views") == {"2026-03-10": 50, "2026-03-11": 5}


async def test_parts_of_days_are_answered_from_the_moments_of_reports(
    roi_workspace: RoiWorkspace,
) -> None:
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    await roi_workspace.fold(
        roi_workspace.counted(reel, NOON, views=10),
        roi_workspace.counted(reel, NOON + timedelta(hours=3), views=25),
        roi_workspace.counted(reel, NOON + timedelta(hours=6), views=31),
    )
    answer = await roi_workspace.ask(days=("2026-03-10T13:00:00Z", "2026-03-10T17:00:00Z"))
    assert answer["totals"]["views"] == 15
    assert answer["meta"]["source"] == "entries"


async def test_a_cost_is_spread_by_views(roi_workspace: RoiWorkspace) -> None:
    """Three to one in March; April does not count for it. A fall below 0 is no weight."""
    mia = await roi_workspace.creator("Mia")
    reel, story, post = [await roi_workspace.placement(mia) for _ in range(3)]
    await roi_workspace.cost(800, "2026-03-05", creator_id=mia, spread="views")
    equally = await roi_workspace.ask("placement")
    assert [one["id"] for one in equally["meta"]["warnings"]] == ["costs_without_weight"]
    february = datetime(2026, 2, 10, tzinfo=UTC)
    april = datetime(2026, 4, 10, tzinfo=UTC)
    await roi_workspace.fold(
        roi_workspace.counted(reel, NOON, views=300),
        roi_workspace.counted(story, february, views=50),
        roi_workspace.counted(story, NOON, views=150),
        roi_workspace.counted(story, april, views=9_000),
        roi_workspace.counted(post, february, views=80),
        roi_workspace.counted(post, NOON, views=20),
    )
    before = roi_workspace.now
    costs = await costs_of(roi_workspace)
    assert costs == {reel: 600, story: 200}
    await roi_workspace.fold(roi_workspace.counted(reel, NOON, views=100))
    assert await costs_of(roi_workspace) == {reel: 400, story: 400}
    assert await costs_of(roi_workspace, as_of=before) == costs


async def costs_of(roi_workspace: RoiWorkspace, **asked: Any) -> dict[str, int]:
    answer = await roi_workspace.ask("placement", **asked)
    found = {row["group"]["placement"]: plain(row["measures"]["cost"]) for row in answer["rows"]}
    assert sum(found.values()) == plain(answer["totals"]["cost"])
    return {account: amount for account, amount in found.items() if amount}


async def test_without_counts_the_rollups_are_as_before_the_migration(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    """Down and up again: credits and clicks stay, counts are forgotten, costs are equal parts."""
    roi_workspace = await RoiWorkspace.open(await database_for("roi", url=fresh_database))
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(100, "2026-03-05", creator_id=mia, spread="views")
    await roi_workspace.fold(
        roi_workspace.order(500, NOON, {reel: (500, NOON)}),
        roi_workspace.clicks(reel, NOON, 3),
        roi_workspace.counted(reel, NOON, views=8),
    )
    assert await costs_of(roi_workspace) == {reel: 100}
    for revision in ("0012", "head"):
        await roi_workspace.database.close()
        await move_history(fresh_database, "roi", revision)
        roi_workspace.database = await database_for("roi", url=fresh_database)
    answer = await roi_workspace.ask()
    assert plain(answer["totals"]["net_revenue"]) == 500
    assert (answer["totals"]["clicks"], answer["totals"]["views"]) == (3, None)
    assert sorted((await costs_of(roi_workspace)).values()) == [50, 50]
    await roi_workspace.fold(roi_workspace.counted(reel, NOON, views=8))
    assert (await roi_workspace.ask())["totals"]["views"] == 8
    assert {name for name in ROLLUPS if name.startswith("count")} == {
        "count_rollups",
        "count_rollups_monthly",
        "count_rollups_history",
    }
