"""Intervals in answers: by example, from every table, in other currencies, where there are none.

Each figure is worked out by hand: with N orders of the amount A, a sum is N × A ± 1.644854 × A √N.
"""

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from services.roi.answers.intervals import ORDERS_LEAST
from services.roi.pipeline.rebuild import RollupRebuild
from shared.clock import SystemClock
from shared.credits import ORGANIC, AnyCredits, DecisionCredited
from shared.db.migrate import move_history
from shared.http.problems import Problem
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import cost_facts
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_rates import rate

HALF = 500_000
EVERY_DAY = ("2026-01-01", "2026-12-31")
# Whole days between two times are read from rollups; without one, raw entries are.
PART_OF_THE_DAY = ("2026-03-10T06:00:00Z", "2026-03-10T18:00:00Z")


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


def euros(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "EUR"}


def sold(
    roi: RoiWorkspace, account: str, count: int, amount: int, at: datetime = NOON, **changes: Any
) -> list[AnyCredits]:
    """So many orders of one amount for one account."""
    share = {account: (amount, None if account == ORGANIC else at)}
    return [roi.order(amount, at, share, **changes) for _ in range(count)]


def doubts(answer: dict[str, Any]) -> dict[str, tuple[Any, bool, str]]:
    """The interval of the benefit-cost ratio of each row, and what follows from it."""
    return {
        row["label"]: (row["intervals"]["bcr"], row["too_few"], row["pays"])
        for row in answer["rows"]
    }


async def three_creators(roi: RoiWorkspace) -> str:
    """One creator pays, one does not, and one has too few orders. Return the first one's content.

    Margin 50 %: 40 × 25.00 = 1000.00 ± 260.07 of cost 500.00; 30 × 5.00 = 150.00 ± 45.05 of
    cost 1000.00.
    """
    await roi.margin(HALF)
    reels = {}
    for name, cost in (("Pays", 50_000), ("Loses", 100_000), ("Few", 100)):
        creator = await roi.creator(name)
        reels[name] = await roi.placement(creator)
        await roi.cost(cost, "2026-03-01", placement_id=reels[name])
    given_back = roi.order(9_000, NOON, {reels["Pays"]: (9_000, NOON)})
    await roi.fold(
        given_back,
        *sold(roi, reels["Pays"], 40, 5_000),
        *sold(roi, reels["Loses"], 30, 1_000),
        *sold(roi, reels["Few"], 29, 9_000),
        *sold(roi, ORGANIC, 36, 1_000),
        roi.clicks(reels["Pays"], NOON, 400),
        roi.corrected(given_back, None),
    )
    return reels["Pays"]


async def test_the_intervals_of_three_creators(roi_workspace: RoiWorkspace) -> None:
    await three_creators(roi_workspace)
    answer = await roi_workspace.ask()
    assert doubts(answer) == {
        "Pays": ([1.47986, 2.52014], False, "yes"),
        "Loses": ([0.10496, 0.19504], False, "no"),
        "Few": (None, True, "cannot_tell"),
    }
    pays = next(row for row in answer["rows"] if row["label"] == "Pays")
    assert pays["intervals"] == {
        "net_revenue": [euros(147_986), euros(252_014)],
        "contribution": [euros(73_993), euros(126_007)],
        "profit": [euros(23_993), euros(76_007)],
        "roi": [0.47986, 1.52014],
        "bcr": [1.47986, 2.52014],
        # A boost of 0.00: all costs are the costs without it.
        "roi_without_boost": [0.47986, 1.52014],
        "roas": [2.95972, 5.04028],
        # 40 ± 10.40 orders for 500.00: the more orders, the less each costs.
        "cpa": [euros(992), euros(1_689)],
        # Each order has the same amount.
        "aov": [euros(5_000), euros(5_000)],
        # 40 of 400: (0.1 + 0.003382 ± 0.024903) ÷ 1.006764.
        "conversion_rate": [0.077951, 0.127424],
    }
    few = next(row for row in answer["rows"] if row["label"] == "Few")
    assert {name for name, ends in few["intervals"].items() if ends is not None} == set()
    # √(40 × 5000² + 30 × 1000² + 29 × 9000²) = 58,129 for all creators.
    assert answer["program"]["intervals"]["net_revenue"] == [euros(395_387), euros(586_613)]
    assert (answer["program"]["too_few"], answer["program"]["pays"]) == (False, "yes")
    assert answer["organic"]["intervals"]["net_revenue"] == [euros(26_131), euros(45_869)]
    assert (answer["brand"]["too_few"], answer["brand"]["pays"]) == (True, None)
    assert "intervals" not in answer["totals"]
    assert answer["meta"]["intervals"] == {"level": 0.9, "orders_least": ORDERS_LEAST}


async def test_intervals_are_the_same_from_every_table(roi_workspace: RoiWorkspace) -> None:
    reel = await three_creators(roi_workspace)
    march = ("2026-03-01", "2026-03-31")
    now = await roi_workspace.ask(days=march)
    known_at = datetime.fromisoformat(now["meta"]["as_of"])
    later = NOON + timedelta(days=9)
    answers = [
        await roi_workspace.ask(),
        await roi_workspace.ask(days=("2026-03-02", "2026-03-31")),
        await roi_workspace.ask("creator,hour", days=march),
        await roi_workspace.ask(as_of=known_at),
        await roi_workspace.ask(days=PART_OF_THE_DAY),
        await roi_workspace.ask(by="touch_time"),
    ]
    assert {answer["meta"]["source"] for answer in answers} == {"months", "days", "entries"}
    roi_workspace.now = later
    await roi_workspace.fold(*sold(roi_workspace, reel, 50, 7_000))
    answers.append(await roi_workspace.ask(as_of=known_at))
    for answer in answers:
        for name in ("program", "organic"):
            intervals, known = answer[name]["intervals"], now[name]["intervals"]
            for metric in ("net_revenue", "contribution", "aov"):
                assert intervals[metric] == known[metric], answer["meta"]
    assert (await roi_workspace.ask())["program"]["intervals"] != now["program"]["intervals"]


async def test_an_entry_without_a_net_makes_its_intervals_unknown(
    roi_workspace: RoiWorkspace,
) -> None:
    reel = await three_creators(roi_workspace)
    of_version_1, free = (
        without_net(roi_workspace, roi_workspace.order(amount, NOON, {reel: (amount, NOON)}))
        for amount in (1_000, 0)
    )
    await roi_workspace.fold(of_version_1, free)
    for days in (EVERY_DAY, PART_OF_THE_DAY):
        answer = await roi_workspace.ask(days=days)
        pays = next(row for row in answer["rows"] if row["label"] == "Pays")
        known = {name for name, ends in pays["intervals"].items() if ends is not None}
        # A count of orders and a rate have no squares.
        assert known - {"conversion_rate", "cpa"} == set()
        assert pays["too_few"] is False
        assert answer["program"]["intervals"]["bcr"] is None
        assert answer["organic"]["intervals"]["net_revenue"] is not None
    await roi_workspace.fold(roi_workspace.corrected(of_version_1, None))
    assert doubts(await roi_workspace.ask())["Pays"] == ([1.47986, 2.52014], False, "yes")


def without_net(roi: RoiWorkspace, record: DecisionCredited) -> DecisionCredited:
    """The record as an older release wrote it, and what stands after it."""
    entries = tuple(structs.replace(entry, net_minor=None) for entry in record.entries)
    stood = roi.stands[record.decision_id]
    roi.stands[record.decision_id] = dataclasses.replace(stood, entries=entries)
    return structs.replace(record, entries=entries)


async def test_the_return_without_its_boost_has_an_interval_of_its_own(
    roi_workspace: RoiWorkspace,
) -> None:
    """40 × 50.00 = 2000.00 ± 520.14, for a fee of 500.00 and a boost of 250.00."""
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    await roi_workspace.cost(50_000, "2026-03-01", placement_id=reel)
    boost = cost_facts(25_000, "2026-03-01", placement_id=reel) | {"kind": "paid_boost"}
    await roi_workspace.put("cost", boost)
    await roi_workspace.fold(*sold(roi_workspace, reel, 40, 5_000))
    for metrics in ("roi,roi_without_boost", "roi_without_boost"):
        (row,) = (await roi_workspace.ask(metrics=metrics))["rows"]
        assert row["intervals"]["roi_without_boost"] == [1.95972, 4.04028]
    (row,) = (await roi_workspace.ask(order="lower_bound"))["rows"]
    assert row["intervals"]["roi"] == [0.973147, 2.360187]


async def test_each_owner_of_shared_orders_has_an_interval_of_the_order_value(
    roi_workspace: RoiWorkspace,
) -> None:
    """100 orders of 100.00 of three creators: 33.34 and 0.333334 of each, twice 33.33 and less."""
    reels = [
        await roi_workspace.placement(await roi_workspace.creator(name))
        for name in ("Mia", "Jo", "Ann")
    ]
    parts = zip(reels, (3_334, 3_333, 3_333), strict=True)
    shares = {reel: (amount, NOON) for reel, amount in parts}
    await roi_workspace.fold(*(roi_workspace.order(10_000, NOON, shares) for _ in range(100)))
    answer = await roi_workspace.ask()
    assert len(answer["rows"]) == 3
    for part in (*answer["rows"], answer["program"]):
        value = part.get("measures", part)["aov"]["amount_minor"]
        low, high = (end["amount_minor"] for end in part["intervals"]["aov"])
        assert low <= value <= high
        # Alike orders do not vary: what is left comes of shares that are rounded to a cent.
        assert high - low <= value // 100


async def test_rows_are_ranked_by_the_lower_end(roi_workspace: RoiWorkspace) -> None:
    await three_creators(roi_workspace)

    answer = await roi_workspace.ask()
    assert answer["meta"]["ranked_by"] is None
    assert [row["label"] for row in answer["rows"]] == ["Few", "Pays", "Loses"]
    for metrics, by in (("clicks,roi,net_revenue", "roi"), ("cpa,roas", "roas")):
        answer = await roi_workspace.ask(order="lower_bound", metrics=metrics)
        assert answer["meta"]["ranked_by"] == by
        assert [row["label"] for row in answer["rows"]] == ["Pays", "Loses", "Few"]
    with pytest.raises(Problem) as refused:
        await roi_workspace.ask(order="lower_bound", metrics="cpa,clicks")
    assert [error.field for error in refused.value.errors] == ["order"]


async def test_figures_without_an_interval_have_no_doubt(roi_workspace: RoiWorkspace) -> None:
    await three_creators(roi_workspace)
    answer = await roi_workspace.ask(metrics="clicks,cost")
    for part in (*answer["rows"], answer["program"]):
        assert (part["intervals"], part["too_few"], part["pays"]) == ({}, None, None)
    answer = await roi_workspace.ask(metrics="conversion_rate")
    pays = next(row for row in answer["rows"] if row["label"] == "Pays")
    assert (set(pays["intervals"]), pays["too_few"], pays["pays"]) == (
        {"conversion_rate"},
        None,
        None,
    )


async def test_intervals_of_several_currencies_and_of_one(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(10_000, "2026-03-01", placement_id=reel)
    await rate(roi_workspace, "USD", "0.9", "2026-03-01")
    await rate(roi_workspace, "USD", "0.8", "2026-03-11")
    tomorrow = NOON + timedelta(days=1)
    await roi_workspace.fold(
        *sold(roi_workspace, reel, 25, 1_000),
        *sold(roi_workspace, reel, 16, 1_000, currency="USD"),
        *sold(roi_workspace, reel, 20, 1_000, tomorrow, currency="USD"),
    )
    (row,) = (await roi_workspace.ask())["rows"]
    # 36 dollars orders are enough, 25 euro orders are not: 360.00 ± 1.644854 × 60.00.
    dollars = [{"amount_minor": minor, "currency": "USD"} for minor in (26_131, 45_869)]
    euro = {"amount_minor": None, "currency": "EUR"}
    assert row["intervals"]["net_revenue"] == [[euro, end] for end in dollars]
    assert row["intervals"]["roi"] is None
    assert (row["too_few"], row["pays"]) == (False, "cannot_tell")
    (row,) = (await roi_workspace.ask(currency="EUR"))["rows"]
    # 250.00 + 144.00 + 160.00; √(25 × 1000² + 16 × 900² + 20 × 800²) = 7,124.6.
    assert row["intervals"]["net_revenue"] == [euros(43_682), euros(67_118)]
    assert (row["too_few"], row["pays"]) == (False, "yes")
    (row,) = (await roi_workspace.ask(currency="JPY"))["rows"]
    assert row["intervals"]["net_revenue"] is None
    assert row["pays"] is None


async def test_margins_models_and_periods(roi_workspace: RoiWorkspace) -> None:
    """A margin of 100 % until the 11th, then of 50 %."""
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.margin(1_000_000)
    await roi_workspace.margin(HALF, datetime.fromisoformat("2026-03-11T00:00:00Z"))
    await roi_workspace.cost(10_000, "2026-03-09", placement_id=reel)
    week_before, tomorrow = NOON - timedelta(days=7), NOON + timedelta(days=1)
    await roi_workspace.fold(
        *sold(roi_workspace, reel, 16, 1_000),
        *sold(roi_workspace, reel, 36, 1_000, tomorrow),
        *sold(roi_workspace, reel, 2, 1_000, week_before),
    )
    week = ("2026-03-08", "2026-03-14")
    for by in ("conversion_time", "touch_time"):
        answer = await roi_workspace.ask("model", days=week, by=by, compare="previous")
        assert [row["label"] for row in answer["rows"]] == [
            part["model"] for part in answer["program"]
        ]
        for part in (*answer["rows"], *answer["program"]):
            # 160.00 + 180.00 ± 1.644854 × √(16 × 1000² + 36 × 500²) = 50.00.
            assert part["intervals"]["contribution"] == [euros(25_776), euros(42_224)]
            assert part["pays"] == "yes"
            assert "intervals" not in part["compared"]
    answer = await roi_workspace.ask(days=week, filters={"day": "2026-03-11"})
    assert answer["rows"][0]["intervals"]["contribution"] == [euros(13_066), euros(22_934)]


async def test_rollups_of_an_older_release_get_their_intervals(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    """Until the rollups are built again, the intervals are unknown; figures are what they were."""
    roi_workspace = await RoiWorkspace.open(await database_for("roi", url=fresh_database))
    reel = await three_creators(roi_workspace)
    before = await roi_workspace.ask()
    for revision in ("0014", "head"):
        await move_history(fresh_database, "roi", revision)
    between = await roi_workspace.ask()
    assert between["totals"] == before["totals"]
    assert doubts(between)["Pays"] == (None, False, "cannot_tell")
    await roi_workspace.fold(*sold(roi_workspace, reel, 1, 5_000))
    assert doubts(await roi_workspace.ask())["Pays"] == (None, False, "cannot_tell")
    await roi_workspace.finish_rebuild(RollupRebuild(roi_workspace.database, SystemClock()))
    # One order more: 1025.00 ± 1.644854 × 25.00 √41.
    assert doubts(await roi_workspace.ask())["Pays"] == ([1.5234, 2.5766], False, "yes")
