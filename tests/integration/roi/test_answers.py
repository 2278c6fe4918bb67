"""Answers by example: one brand, a few orders and costs, and every figure worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.roi.answers.dictionary import DEFAULT_METRICS
from shared.credits import ORGANIC
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import placement_facts
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, labels, plain

# Figures that have an interval where enough orders were kept.
OF_ORDERS = ("net_revenue", "profit", "roi", "roas", "bcr", "cpa", "aov")
# Of 2.5 conversions of 12 clicks: Wilson's interval of the rate, and too few orders for any other.
DOUBT = {
    "intervals": dict.fromkeys(OF_ORDERS) | {"conversion_rate": [0.079721, 0.444268]},
    "too_few": True,
    "pays": "cannot_tell",
}


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


def euros(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "EUR"}


FIGURES_OF_MIA = {
    "clicks": 12,
    "conversions": 2.5,
    "orders_placed": 1.5,
    "orders_kept": 1.5,
    "net_revenue": euros(14_970),
    "cost": euros(10_000),
    "profit": euros(4_970),
    "roi": 0.497,
    "roas": 1.497,
    "bcr": 1.497,
    "cpa": euros(6_667),
    "cpc": euros(833),
    "aov": euros(9_980),
    "conversion_rate": 0.208333,
}


async def test_the_figures_of_one_creator(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(10_000, "2026-03-01", placement_id=reel)
    await roi_workspace.fold(
        roi_workspace.clicks(reel, NOON, 12),
        roi_workspace.order(10_000, NOON, {reel: (10_000, NOON)}),
        roi_workspace.order(9_940, NOON, {reel: (4_970, NOON), ORGANIC: (4_970, None)}),
        roi_workspace.order(
            0, NOON, {reel: (0, NOON)}, kind="lead", currency=None, stage="consideration"
        ),
    )
    answer = await roi_workspace.ask(metrics=",".join(one.id for one in DEFAULT_METRICS))
    assert answer["rows"] == [
        {
            "group": {"creator": mia},
            "label": "Mia",
            "measures": FIGURES_OF_MIA,
            **DOUBT,
        }
    ]
    assert answer["organic"]["net_revenue"] == euros(4_970)
    assert [answer["organic"][name] for name in ("conversions", "roi")] == [0.5, None]
    assert answer["totals"]["net_revenue"] == euros(19_940)
    assert answer["totals"]["conversions"] == 3
    assert answer["program"] == answer["rows"][0]["measures"] | DOUBT
    counts = {"clicks", "conversions", "orders_placed", "orders_kept"}
    assert set(answer["totals"]) == counts | {"net_revenue", "cost", "profit"}
    meta = answer["meta"]
    assert (meta["model"], meta["by"], meta["currency"]) == ("last", "conversion_time", "EUR")
    assert meta["sequence"] == 4
    assert meta["metrics"]["roi"] == {
        "version": 1,
        "formula": "(net_revenue × margin − cost) ÷ cost",
    }


async def test_orders_that_were_not_kept_were_placed(roi_workspace: RoiWorkspace) -> None:
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    kept, gone = ({"placed_units": 1_000_000, "units": units} for units in (1_000_000, 0))
    await roi_workspace.fold(
        roi_workspace.order(4_990, NOON, {reel: (4_990, NOON)}, **kept),
        roi_workspace.order(0, NOON, {reel: (0, NOON)}, **gone),
        roi_workspace.order(0, NOON, {ORGANIC: (0, None)}, kind="renewal", **gone),
        roi_workspace.order(0, NOON, {reel: (0, NOON)}, kind="lead", currency=None, **kept),
    )
    a_part_of_the_day = ("2026-03-10T06:00:00Z", "2026-03-10T18:00:00Z")
    for days in (("2026-01-01", "2026-12-31"), a_part_of_the_day):
        answer = await roi_workspace.ask(days=days)
        measures = answer["rows"][0]["measures"]
        assert measures["orders_placed"] == 2
        assert measures["orders_kept"] == 1
        assert measures["conversions"] == 2
        assert answer["organic"]["orders_placed"] == 1
        assert answer["organic"]["orders_kept"] == 0
        assert answer["totals"]["orders_placed"] == 3


async def test_a_brand_without_data_answers_zero_in_its_own_currency(
    database_for: DatabaseFactory,
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), currency="KWD")
    answer = await roi_workspace.ask()
    assert answer["rows"] == []
    assert answer["totals"]["net_revenue"] == {"amount_minor": 0, "currency": "KWD"}
    assert answer["program"]["roi"] is None
    assert answer["meta"]["sequence"] == 0
    assert answer["meta"]["fresh_to"] == answer["meta"]["as_of"]


async def test_several_currencies_give_lists(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(2_000, "2026-03-01", placement_id=reel)
    await roi_workspace.fold(
        roi_workspace.order(4_990, NOON, {reel: (4_990, NOON)}),
        roi_workspace.order(500, NOON, {reel: (500, NOON)}, currency="JPY"),
        roi_workspace.order(12_345, NOON, {ORGANIC: (12_345, None)}, currency="KWD"),
    )
    answer = await roi_workspace.ask()
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


async def test_a_missing_rate_is_missing_and_never_zero(roi_workspace: RoiWorkspace) -> None:
    mia, jo = await roi_workspace.creator("Mia"), await roi_workspace.creator("Jo")
    of_mia, of_jo = await roi_workspace.placement(mia), await roi_workspace.placement(jo)
    await roi_workspace.cost(1_000, "2026-03-01", creator_id=mia)
    await roi_workspace.fold(
        roi_workspace.order(5_000, NOON, {of_mia: (5_000, NOON)}),
        roi_workspace.order(700, NOON, {of_jo: (700, NOON)}, currency="USD"),
    )
    answer = await roi_workspace.ask(currency="EUR")
    assert labels(answer) == {"Mia": 5_000, "Jo": None}
    assert labels(answer, "cost") == {"Mia": 1_000, "Jo": 0}
    assert labels(answer, "profit") == {"Mia": 4_000, "Jo": None}
    assert labels(answer, "conversions") == {"Mia": 1, "Jo": 1}
    assert answer["totals"]["net_revenue"] is None
    assert answer["program"]["roi"] is None
    assert answer["totals"]["cost"] == euros(1_000)
    assert answer["meta"]["missing_rates"] == ["USD"]


async def test_a_corrected_placement_restates_the_past_and_as_of_shows_it_as_it_was(
    roi_workspace: RoiWorkspace,
) -> None:
    mia, jo = await roi_workspace.creator("Mia"), await roi_workspace.creator("Jo")
    reel = await roi_workspace.placement(mia, platform="instagram")
    march, june = NOON, datetime(2026, 6, 1, 15, tzinfo=UTC)
    await roi_workspace.fold(
        roi_workspace.order(100, march, {reel: (100, march)}),
        roi_workspace.order(10, june, {reel: (10, june)}),
    )
    assert labels(await roi_workspace.ask("creator")) == {"Mia": 110}
    before = (await roi_workspace.ask())["meta"]["as_of"]
    await roi_workspace.put("placement", placement_facts(jo, platform="tiktok"), entity_id=reel)
    assert labels(await roi_workspace.ask("creator")) == {"Jo": 110}
    assert labels(await roi_workspace.ask("platform")) == {"tiktok": 110}
    then = await roi_workspace.ask("creator,platform", as_of=datetime.fromisoformat(before))
    assert labels(then) == {"Mia · instagram": 110}


async def test_the_brands_own_content_has_no_creator(roi_workspace: RoiWorkspace) -> None:
    own = await roi_workspace.placement(None, platform="youtube")
    await roi_workspace.fold(roi_workspace.order(100, NOON, {own: (100, NOON)}))
    answer = await roi_workspace.ask("creator,platform")
    assert answer["rows"][0]["group"] == {"creator": None, "platform": "youtube"}
    assert answer["rows"][0]["label"] == "brand · youtube"


async def test_by_touch_time_money_follows_the_touch_and_clicks_stay(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    touched_at = NOON - timedelta(days=20)
    await roi_workspace.fold(
        roi_workspace.clicks(reel, touched_at, 3),
        roi_workspace.order(100, NOON, {reel: (60, touched_at), ORGANIC: (40, None)}),
    )
    february, march = ("2026-02-01", "2026-02-28"), ("2026-03-01", "2026-03-31")
    assert labels(await roi_workspace.ask(days=february)) == {"Mia": 0}
    assert labels(await roi_workspace.ask(days=february), "clicks") == {"Mia": 3}
    assert labels(await roi_workspace.ask(days=february, by="touch_time")) == {"Mia": 60}
    by_conversion = await roi_workspace.ask(days=march)
    assert labels(by_conversion) == {"Mia": 60}
    by_touch = await roi_workspace.ask(days=march, by="touch_time")
    assert by_touch["rows"] == []
    assert by_touch["organic"]["net_revenue"] == euros(40)


async def test_stage_is_the_conversions_for_money_and_the_touchs_for_clicks(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.fold(
        roi_workspace.clicks(reel, NOON, 3),
        roi_workspace.order(100, NOON, {reel: (100, NOON)}),
        roi_workspace.order(50, NOON, {reel: (50, NOON)}, stage="retention", kind="renewal"),
    )
    answer = await roi_workspace.ask("stage")
    assert labels(answer) == {"purchase": 100, "retention": 50, "consideration": 0}
    assert labels(answer, "clicks") == {"purchase": 0, "retention": 0, "consideration": 3}


@pytest.mark.parametrize("group_by", ["creator", "campaign", "day", "stage", "platform,month"])
async def test_headline_figures_tell_creators_from_the_brands_own_content(
    roi_workspace: RoiWorkspace, group_by: str
) -> None:
    """The same figures whatever the rows are; a campaign's cost is shared by all its content."""
    mia, spring = await roi_workspace.creator("Mia"), await roi_workspace.campaign("Spring")
    reel = await roi_workspace.placement(mia, spring)
    own = await roi_workspace.placement(None, spring)
    await roi_workspace.margin(500_000)
    await roi_workspace.cost(20, "2026-03-09", creator_id=mia)
    await roi_workspace.cost(31, "2026-03-10", campaign_id=spring)
    await roi_workspace.cost(9, "2026-03-10", placement_id=own)
    await roi_workspace.cost(4, "2026-03-11", campaign_id=await roi_workspace.campaign("Empty"))
    await roi_workspace.fold(
        roi_workspace.clicks(reel, NOON, 5),
        roi_workspace.clicks(own, NOON, 2),
        roi_workspace.order(105, NOON, {reel: (101, NOON), ORGANIC: (4, None)}),
        roi_workspace.order(61, NOON, {own: (61, NOON)}, stage="retention"),
    )
    answer = await roi_workspace.ask(group_by)
    shared = 16 if min(reel, own) == own else 15
    program, brand, organic = (answer[name] for name in ("program", "brand", "organic"))
    assert (plain(program["net_revenue"]), plain(program["cost"])) == (101, 20 + 31 - shared + 4)
    assert (plain(brand["net_revenue"]), plain(brand["cost"])) == (61, shared + 9)
    assert (plain(organic["net_revenue"]), plain(organic["cost"])) == (4, 0)
    # 50.5 + 30.5 + 2 make 83, so one of the halves is rounded up.
    assert plain(program["profit"]) + plain(program["cost"]) == 51
    assert plain(brand["profit"]) + plain(brand["cost"]) == 30
    assert (program["clicks"], brand["clicks"], organic["clicks"]) == (5, 2, 0)


async def test_models_side_by_side_have_organic_and_totals_of_their_own(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(30, "2026-03-10", placement_id=reel)
    await roi_workspace.fold(
        roi_workspace.clicks(reel, NOON, 5),
        roi_workspace.order(100, NOON, {reel: (60, NOON), ORGANIC: (40, None)}),
    )
    answer = await roi_workspace.ask("model,creator")
    assert [row["group"] for row in answer["rows"]] == [
        {"model": model, "creator": mia} for model in ("first", "last", "linear")
    ]
    assert [item["model"] for item in answer["totals"]] == ["first", "last", "linear"]
    assert [plain(item["cost"]) for item in answer["totals"]] == [30, 30, 30]
    assert [item["clicks"] for item in answer["totals"]] == [5, 5, 5]
    assert [plain(item["net_revenue"]) for item in answer["organic"]] == [40, 40, 40]
    assert [item["model"] for item in answer["program"]] == ["first", "last", "linear"]
    assert [item["roi"] for item in answer["program"]] == [1, 1, 1]
    assert [plain(item["cost"]) for item in answer["brand"]] == [0, 0, 0]


async def test_margin_is_that_of_the_policy_of_the_day(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.margin(500_000, datetime(2026, 3, 11, tzinfo=UTC))
    later = NOON + timedelta(days=2)
    await roi_workspace.fold(
        roi_workspace.order(1_001, NOON, {reel: (1_001, NOON)}),
        roi_workspace.order(1_001, later, {reel: (1_001, later)}),
    )
    answer = await roi_workspace.ask()
    assert labels(answer, "profit") == {"Mia": 1_502}  # 1001 + 500.5, half to even
    assert labels(await roi_workspace.ask("day"), "profit") == {
        "2026-03-10": 1_001,
        "2026-03-12": 501,
    }


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
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone=zone)
    at = datetime.fromisoformat(moment)
    quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    await roi_workspace.fold(
        roi_workspace.order(100, at, {reel: (100, at)}), roi_workspace.clicks(reel, quarter, 1)
    )
    assert labels(await roi_workspace.ask("day")) == {day: 100}
    assert labels(await roi_workspace.ask("day"), "clicks") == {day: 1}
    assert labels(await roi_workspace.ask(days=(day, day))) == {"Mia": 100}


async def test_a_credit_for_a_placement_that_the_catalog_lost_is_still_counted(
    roi_workspace: RoiWorkspace,
) -> None:
    stranger = new_id()
    await roi_workspace.fold(roi_workspace.order(100, NOON, {stranger: (100, NOON)}))
    answer = await roi_workspace.ask("creator")
    assert labels(answer) == {"unknown": 100}
    assert (await roi_workspace.ask("placement"))["rows"][0]["group"] == {"placement": stranger}


async def test_rows_that_sum_to_nothing_are_left_out(roi_workspace: RoiWorkspace) -> None:
    mia, jo = await roi_workspace.creator("Mia"), await roi_workspace.creator("Jo")
    of_mia, of_jo = await roi_workspace.placement(mia), await roi_workspace.placement(jo)
    await roi_workspace.fold(
        roi_workspace.order(100, NOON, {of_mia: (100, NOON)}),
        roi_workspace.order(0, NOON, {of_mia: (-100, NOON), of_jo: (100, NOON)}, units=0),
        roi_workspace.order(0, NOON, {of_mia: (0, NOON)}, units=-1_000_000),
        roi_workspace.order(0, NOON, {of_jo: (0, NOON)}, units=1_000_000),
    )
    assert labels(await roi_workspace.ask()) == {"Jo": 100}
