"""Answers by example: one brand, a few orders and costs, and every figure worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.credits import ORGANIC
from shared.ids import automatic_placement_id, new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.books import NOON, Books, labels, placement_facts, plain


@pytest.fixture
async def books(database_for: DatabaseFactory) -> Books:
    return await Books.open(await database_for("roi"))


def euros(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "EUR"}


async def test_the_figures_of_one_creator(books: Books) -> None:
    mia = await books.creator("Mia")
    reel = await books.placement(mia)
    await books.cost(10_000, "2026-03-01", placement_id=reel)
    await books.fold(
        books.clicks(reel, NOON, 12),
        books.order(10_000, NOON, {reel: (10_000, NOON)}),
        books.order(9_940, NOON, {reel: (4_970, NOON), ORGANIC: (4_970, None)}),
        books.order(0, NOON, {reel: (0, NOON)}, kind="lead", currency=None, stage="consideration"),
    )
    answer = await books.ask()
    assert answer["rows"] == [
        {
            "group": {"creator": mia},
            "label": "Mia",
            "measures": {
                "clicks": 12,
                "conversions": 2.5,
                "net_revenue": euros(14_970),
                "cost": euros(10_000),
                "profit": euros(4_970),
                "roi": 0.497,
                "roas": 1.497,
                "cpa": euros(6_667),
                "cpc": euros(833),
                "aov": euros(9_980),
                "conversion_rate": 0.208333,
            },
        }
    ]
    assert answer["organic"]["net_revenue"] == euros(4_970)
    assert answer["organic"]["conversions"] == 0.5
    assert answer["organic"]["roi"] is None
    assert answer["organic"]["cpc"] is None
    assert answer["totals"]["net_revenue"] == euros(19_940)
    assert answer["totals"]["conversions"] == 3
    meta = answer["meta"]
    assert (meta["model"], meta["by"], meta["currency"]) == ("last", "conversion_time", "EUR")
    assert meta["sequence"] == 4
    assert meta["metrics"]["roi"] == {
        "version": 1,
        "formula": "(net_revenue × margin − cost) ÷ cost",
    }


async def test_a_brand_without_data_answers_zero_in_its_own_currency(
    database_for: DatabaseFactory,
) -> None:
    books = await Books.open(await database_for("roi"), currency="KWD")
    answer = await books.ask()
    assert answer["rows"] == []
    assert answer["totals"]["net_revenue"] == {"amount_minor": 0, "currency": "KWD"}
    assert answer["totals"]["roi"] is None
    assert answer["meta"]["sequence"] == 0
    assert answer["meta"]["fresh_to"] == answer["meta"]["as_of"]


async def test_several_currencies_give_lists(books: Books) -> None:
    mia = await books.creator("Mia")
    reel = await books.placement(mia)
    await books.cost(2_000, "2026-03-01", placement_id=reel)
    await books.fold(
        books.order(4_990, NOON, {reel: (4_990, NOON)}),
        books.order(500, NOON, {reel: (500, NOON)}, currency="JPY"),
        books.order(12_345, NOON, {ORGANIC: (12_345, None)}, currency="KWD"),
    )
    answer = await books.ask()
    measures = answer["rows"][0]["measures"]
    assert measures["net_revenue"] == [
        {"amount_minor": 4_990, "currency": "EUR"},
        {"amount_minor": 500, "currency": "JPY"},
        {"amount_minor": 0, "currency": "KWD"},
    ]
    assert measures["roi"] == [
        {"value": 1.495, "currency": "EUR"},
        {"value": None, "currency": "JPY"},
        {"value": None, "currency": "KWD"},
    ]
    assert measures["cpa"][0] == {"amount_minor": 1_000, "currency": "EUR"}
    assert measures["aov"] == [
        {"amount_minor": 4_990, "currency": "EUR"},
        {"amount_minor": 500, "currency": "JPY"},
        {"amount_minor": None, "currency": "KWD"},
    ]
    assert answer["meta"]["currency"] is None
    assert answer["meta"]["currencies"] == ["EUR", "JPY", "KWD"]


async def test_a_missing_rate_is_missing_and_never_zero(books: Books) -> None:
    mia, jo = await books.creator("Mia"), await books.creator("Jo")
    of_mia, of_jo = await books.placement(mia), await books.placement(jo)
    await books.cost(1_000, "2026-03-01", creator_id=mia)
    await books.fold(
        books.order(5_000, NOON, {of_mia: (5_000, NOON)}),
        books.order(700, NOON, {of_jo: (700, NOON)}, currency="USD"),
    )
    answer = await books.ask(currency="EUR")
    assert labels(answer) == {"Mia": 5_000, "Jo": None}
    assert labels(answer, "cost") == {"Mia": 1_000, "Jo": 0}
    assert labels(answer, "profit") == {"Mia": 4_000, "Jo": None}
    assert labels(answer, "conversions") == {"Mia": 1, "Jo": 1}
    assert answer["totals"]["net_revenue"] is None
    assert answer["totals"]["roi"] is None
    assert answer["totals"]["cost"] == euros(1_000)
    assert answer["meta"]["missing_rates"] == ["USD"]


async def test_costs_are_spread_equally_by_largest_remainder(books: Books) -> None:
    mia = await books.creator("Mia")
    spring = await books.campaign("Spring")
    placements = [await books.placement(mia, spring) for _ in range(2)]
    always_on = automatic_placement_id(books.workspace_id, mia)
    await books.cost(1_000, "2026-03-01", creator_id=mia)
    await books.cost(501, "2026-03-02", campaign_id=spring)
    await books.cost(7, "2026-03-03", placement_id=placements[1])
    await books.cost(9_999, "2027-01-01", creator_id=mia)

    expected = dict.fromkeys([*placements, always_on], 333)
    expected[min(expected)] += 1
    expected[min(placements)] += 251
    expected[max(placements)] += 250
    expected[placements[1]] += 7
    by_placement = await books.ask("placement")
    assert {
        row["group"]["placement"]: plain(row["measures"]["cost"]) for row in by_placement["rows"]
    } == expected
    by_campaign = await books.ask("campaign")
    assert labels(by_campaign, "cost") == {
        "Spring": expected[placements[0]] + expected[placements[1]],
        "no campaign": expected[always_on],
    }
    assert plain(by_campaign["totals"]["cost"]) == 1_508


async def test_what_no_row_can_carry_is_unallocated(books: Books) -> None:
    empty = await books.campaign("Nobody yet")
    mia = await books.creator("Mia")
    await books.cost(800, "2026-03-01", campaign_id=empty)
    await books.cost(200, "2026-03-01", creator_id=mia)
    by_creator = await books.ask("creator")
    assert labels(by_creator, "cost") == {"Mia": 200, "unallocated": 800}
    assert by_creator["rows"][-1]["group"] == {"creator": None}
    assert labels(await books.ask("campaign"), "cost") == {"no campaign": 200, "Nobody yet": 800}
    assert labels(await books.ask("stage"), "cost") == {"unallocated": 1_000}
    by_day = await books.ask("day")
    assert labels(by_day, "cost") == {"2026-03-01": 1_000}
    assert plain(by_day["totals"]["cost"]) == 1_000


async def test_an_archived_placement_keeps_its_past_and_carries_nothing_new(books: Books) -> None:
    mia = await books.creator("Mia")
    reel = await books.placement(mia)
    await books.put("placement", entity_id=reel, archived=True, at=NOON)
    await books.cost(100, "2026-03-10", creator_id=mia)
    await books.cost(100, "2026-03-11", creator_id=mia)
    costs = {
        row["group"]["placement"]: plain(row["measures"]["cost"])
        for row in (await books.ask("placement"))["rows"]
    }
    assert costs == {reel: 50, automatic_placement_id(books.workspace_id, mia): 150}


async def test_a_corrected_placement_restates_the_past_and_as_of_shows_it_as_it_was(
    books: Books,
) -> None:
    mia, jo = await books.creator("Mia"), await books.creator("Jo")
    reel = await books.placement(mia, platform="instagram")
    march, june = NOON, datetime(2026, 6, 1, 15, tzinfo=UTC)
    await books.fold(
        books.order(100, march, {reel: (100, march)}), books.order(10, june, {reel: (10, june)})
    )
    assert labels(await books.ask("creator")) == {"Mia": 110}
    before = (await books.ask())["meta"]["as_of"]
    await books.put("placement", placement_facts(jo, platform="tiktok"), entity_id=reel)
    assert labels(await books.ask("creator")) == {"Jo": 110}
    assert labels(await books.ask("platform")) == {"tiktok": 110}
    then = await books.ask("creator,platform", as_of=datetime.fromisoformat(before))
    assert labels(then) == {"Mia · instagram": 110}


async def test_the_brands_own_content_has_no_creator(books: Books) -> None:
    own = await books.placement(None, platform="youtube")
    await books.fold(books.order(100, NOON, {own: (100, NOON)}))
    answer = await books.ask("creator,platform")
    assert answer["rows"][0]["group"] == {"creator": None, "platform": "youtube"}
    assert answer["rows"][0]["label"] == "brand · youtube"


async def test_by_touch_time_money_follows_the_touch_and_clicks_stay(books: Books) -> None:
    mia = await books.creator("Mia")
    reel = await books.placement(mia)
    touched_at = NOON - timedelta(days=20)
    await books.fold(
        books.clicks(reel, touched_at, 3),
        books.order(100, NOON, {reel: (60, touched_at), ORGANIC: (40, None)}),
    )
    february, march = ("2026-02-01", "2026-02-28"), ("2026-03-01", "2026-03-31")
    assert labels(await books.ask(days=february)) == {"Mia": 0}
    assert labels(await books.ask(days=february), "clicks") == {"Mia": 3}
    assert labels(await books.ask(days=february, by="touch_time")) == {"Mia": 60}
    by_conversion = await books.ask(days=march)
    assert labels(by_conversion) == {"Mia": 60}
    by_touch = await books.ask(days=march, by="touch_time")
    assert by_touch["rows"] == []
    assert by_touch["organic"]["net_revenue"] == euros(40)


async def test_stage_is_the_conversions_for_money_and_the_touchs_for_clicks(books: Books) -> None:
    mia = await books.creator("Mia")
    reel = await books.placement(mia)
    await books.fold(
        books.clicks(reel, NOON, 3),
        books.order(100, NOON, {reel: (100, NOON)}),
        books.order(50, NOON, {reel: (50, NOON)}, stage="retention", kind="renewal"),
    )
    answer = await books.ask("stage")
    assert labels(answer) == {"purchase": 100, "retention": 50, "consideration": 0}
    assert labels(answer, "clicks") == {"purchase": 0, "retention": 0, "consideration": 3}


async def test_models_side_by_side_have_organic_and_totals_of_their_own(books: Books) -> None:
    mia = await books.creator("Mia")
    reel = await books.placement(mia)
    await books.cost(30, "2026-03-10", placement_id=reel)
    await books.fold(
        books.clicks(reel, NOON, 5),
        books.order(100, NOON, {reel: (60, NOON), ORGANIC: (40, None)}),
    )
    answer = await books.ask("model,creator")
    assert [row["group"] for row in answer["rows"]] == [
        {"model": model, "creator": mia} for model in ("first", "last", "linear")
    ]
    assert [item["model"] for item in answer["totals"]] == ["first", "last", "linear"]
    assert [plain(item["cost"]) for item in answer["totals"]] == [30, 30, 30]
    assert [item["clicks"] for item in answer["totals"]] == [5, 5, 5]
    assert [plain(item["net_revenue"]) for item in answer["organic"]] == [40, 40, 40]


async def test_margin_is_that_of_the_policy_of_the_day(books: Books) -> None:
    mia = await books.creator("Mia")
    reel = await books.placement(mia)
    await books.margin(500_000, datetime(2026, 3, 11, tzinfo=UTC))
    later = NOON + timedelta(days=2)
    await books.fold(
        books.order(1_001, NOON, {reel: (1_001, NOON)}),
        books.order(1_001, later, {reel: (1_001, later)}),
    )
    answer = await books.ask()
    assert labels(answer, "profit") == {"Mia": 1_502}  # 1001 + 500.5, half to even
    assert labels(await books.ask("day"), "profit") == {"2026-03-10": 1_001, "2026-03-12": 501}


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Europe/Berlin", "2026-03-28T22:59:59.999999+00:00", "2026-03-28"),
        ("Europe/Berlin", "2026-03-28T23:00:00+00:00", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T21:59:59.999999+00:00", "2026-03-29"),  # 23 hours long
        ("Europe/Berlin", "2026-03-29T22:00:00+00:00", "2026-03-30"),
        ("Asia/Kathmandu", "2026-03-28T18:14:59+00:00", "2026-03-28"),
        ("Asia/Kathmandu", "2026-03-28T18:15:00+00:00", "2026-03-29"),
        ("Africa/Cairo", "2026-04-23T22:00:00+00:00", "2026-04-24"),  # midnight does not exist
        ("Africa/Cairo", "2026-04-23T21:59:59+00:00", "2026-04-23"),
    ],
)
async def test_days_are_the_workspaces_own(
    database_for: DatabaseFactory, zone: str, moment: str, day: str
) -> None:
    books = await Books.open(await database_for("roi"), time_zone=zone)
    at = datetime.fromisoformat(moment)
    quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    reel = await books.placement(await books.creator("Mia"))
    await books.fold(books.order(100, at, {reel: (100, at)}), books.clicks(reel, quarter, 1))
    assert labels(await books.ask("day")) == {day: 100}
    assert labels(await books.ask("day"), "clicks") == {day: 1}
    assert labels(await books.ask(days=(day, day))) == {"Mia": 100}


async def test_a_credit_for_a_placement_that_the_catalog_lost_is_still_counted(
    books: Books,
) -> None:
    stranger = new_id()
    await books.fold(books.order(100, NOON, {stranger: (100, NOON)}))
    answer = await books.ask("creator")
    assert labels(answer) == {"unknown": 100}
    assert (await books.ask("placement"))["rows"][0]["group"] == {"placement": stranger}


async def test_rows_that_sum_to_nothing_are_left_out(books: Books) -> None:
    mia, jo = await books.creator("Mia"), await books.creator("Jo")
    of_mia, of_jo = await books.placement(mia), await books.placement(jo)
    await books.fold(
        books.order(100, NOON, {of_mia: (100, NOON)}),
        books.order(0, NOON, {of_mia: (-100, NOON), of_jo: (100, NOON)}, units=0),
        books.order(0, NOON, {of_mia: (0, NOON)}, units=-1_000_000),
        books.order(0, NOON, {of_jo: (0, NOON)}, units=1_000_000),
    )
    assert labels(await books.ask()) == {"Jo": 100}
