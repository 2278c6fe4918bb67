"""Goals: what they refuse, and their progress, which is the figure of `GET /v1/roi` to date."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.roi.answers.dictionary import METRICS_IN_ORDER
from services.roi.answers.goals.goal_shapes import GOAL_METRICS, may_have_goal
from services.roi.answers.goals.progress import (
    GRAINS,
    HISTORY_MAX,
    Asked,
    build_progress,
    read_progress,
)
from services.roi.answers.kinds import Metric
from services.roi.answers.metrics.clicks import CLICKS
from services.roi.answers.period import SPAN_DAYS_MAX
from shared.credits import COUNT_NAMES, ORGANIC
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_service import brand_running
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_answer_warnings import warned
from tests.integration.roi.test_catalog import basics

EURO = {"currency": "EUR"}


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def make_goal(
    roi: RoiWorkspace, metric: str, target: Any, *, days: tuple[str, str], **more: Any
) -> str:
    """A goal as the API stores it; money in minor units of `currency`."""
    held: dict[str, Any] = {
        "name": None,
        "metric": metric,
        "target": target,
        "currency": "EUR",
        "starts_on": days[0],
        "ends_on": days[1],
        "direction": "at_least",
        "campaign_id": None,
        "creator_id": None,
    }
    if isinstance(target, int):
        held["target"] = {"amount_minor": target, "currency": "EUR"}
    return await roi.put("goal", held | more)


async def progress(
    roi: RoiWorkspace,
    goal_id: str,
    *,
    now: datetime | None = None,
    as_of: datetime | None = None,
    grain: str | None = "day",
) -> dict[str, Any]:
    """Return the progress as JSON, asked for at `now`."""
    asked = Asked(now or roi.now, as_of)
    async with roi.database.read([roi.workspace_id]) as conn:
        given = await read_progress(conn, roi.workspace_id, goal_id, asked, grain)
    assert given is not None
    return build_progress(given).model_dump(mode="json", by_alias=True)


async def brand_month(roi: RoiWorkspace) -> dict[str, str]:
    """Two creators and the brand in one campaign, with orders on ten days, costs and clicks."""
    mia, jo = await roi.creator("Mia"), await roi.creator("Jo")
    spring = await roi.campaign("Spring")
    reel, clip = await roi.placement(mia, spring), await roi.placement(jo)
    own = await roi.placement(None, spring)
    await roi.margin(333_333)
    await roi.cost(1_001, "2026-03-02", creator_id=mia)
    await roi.cost(777, "2026-03-03", campaign_id=spring)
    await roi.cost(50, "2026-03-04")
    for day in range(10):
        at = datetime(2026, 3, 1 + day, 9, tzinfo=UTC)
        amounts = {reel: 101 + day, clip: 33, own: 17, ORGANIC: 5}
        shares: dict[str, tuple[int, datetime | None]] = {
            account: (amount, None if account == ORGANIC else at)
            for account, amount in amounts.items()
        }
        await roi.fold(
            roi.order(sum(amounts.values()), at, shares),
            roi.clicks(reel, at, 4),
            roi.clicks(own, at, 2),
        )
    return {"mia": mia, "jo": jo, "spring": spring, "reel": reel, "own": own}


async def other_stages(roi: RoiWorkspace, *placements: str) -> None:
    """Social counts on two days, a lead, a later order and referrals of each placement.

    A view, a like and a lead are worth something to the brand.
    """
    for per in ("view", "like", "lead"):
        unit = {"per": per, "amount": "0.5", "currency": "EUR", "valid_from": "2026-01-01"}
        await roi.put("rate", {"kind": "value", "into": None, "platform": None} | unit)
    for placement in placements:
        at = datetime(2026, 3, 4, 9, tzinfo=UTC)
        first: dict[str, Any] = dict.fromkeys(COUNT_NAMES, 400)
        last: dict[str, Any] = dict.fromkeys(COUNT_NAMES, 1_000)
        await roi.fold(
            roi.counted(placement, at, **first),
            roi.counted(placement, at + timedelta(days=3), **last),
            roi.order(0, at, {placement: (0, at)}, kind="lead", stage="consideration"),
            roi.order(250, at, {placement: (250, at)}, stage="retention"),
            roi.clicks(placement, at, 3, kind="referral", stage="advocacy"),
        )


SCOPES = ("program", "mia", "spring")


@pytest.mark.parametrize("metric", GOAL_METRICS)
async def test_the_actual_is_the_figure_of_the_roi_answer(
    roi_workspace: RoiWorkspace, metric: str
) -> None:
    """For every metric and scope, also in the middle, and the history ends with it."""
    ids = await brand_month(roi_workspace)
    await other_stages(roi_workspace, ids["reel"], ids["own"])
    roi_workspace.now = datetime(2026, 3, 9, 18, tzinfo=UTC)
    definition = GOAL_METRICS[metric]
    for scope in SCOPES:
        group_by = {"program": "creator", "mia": "creator", "spring": "campaign"}[scope]
        chosen = {"program": {}, "mia": {"creator_id": ids["mia"]}}.get(
            scope, {"campaign_id": ids["spring"]}
        )
        target: Any = 1_000 if definition.unit == "money" else "7"
        currency = "EUR" if definition.per_currency else None
        goal = await make_goal(
            roi_workspace,
            metric,
            target,
            days=("2026-03-01", "2026-03-31"),
            **chosen,
            currency=currency,
        )
        for grain in ("day", "week"):
            found = await progress(roi_workspace, goal, grain=grain)
            assert (found["from"], found["to"]) == ("2026-03-01", "2026-03-09")
            answer = await roi_workspace.ask(
                group_by, days=("2026-03-01", "2026-03-09"), currency=currency
            )
            figures = answer["program"]
            if scope != "program":
                figures = next(
                    row["measures"] for row in answer["rows"] if ids[scope] in row["group"].values()
                )
            assert found["actual"] == figures[metric], (scope, found)
        ended = await progress(roi_workspace, goal, now=datetime(2026, 4, 2, tzinfo=UTC))
        assert ended["days_elapsed"] == ended["days"] == len(ended["history"]) == 31
        _equal(ended["history"][-1]["actual"], ended["actual"])
        assert ended["history"][-1]["status"] == ended["status"]
        assert ended["status"] in ("reached", "missed")
        assert ended["forecast"]["value"] == ended["actual"]


def _equal(one: Any, other: Any) -> None:
    """Check that two figures are equal; a rounded row of an answer may have a minor unit more."""
    if isinstance(one, dict):
        assert abs(one["amount_minor"] - other["amount_minor"]) <= 1
    else:
        assert one == pytest.approx(other, rel=0.01)


async def test_expected_run_rate_forecast_and_status(roi_workspace: RoiWorkspace) -> None:
    """10.00 a day for 10 days and a half, of 31: 105.00 of 310.00 are expected."""
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    for day in range(10):
        at = datetime(2026, 3, 1 + day, 9, tzinfo=UTC)
        amount = 900 if day % 2 else 1_100
        await roi_workspace.fold(roi_workspace.order(amount, at, {reel: (amount, at)}))
    days = ("2026-03-01", "2026-03-31")
    goal = await make_goal(roi_workspace, "net_revenue", 31_000, days=days)
    now = datetime(2026, 3, 11, 12, tzinfo=UTC)
    found = await progress(roi_workspace, goal, now=now)
    assert (found["days"], found["days_elapsed"]) == (31, 10.5)
    assert found["actual"] == {"amount_minor": 10_000} | EURO
    assert found["expected_to_date"] == {"amount_minor": 10_500} | EURO
    assert found["run_rate"] == {"amount_minor": 952} | EURO
    assert found["forecast"]["value"] == {"amount_minor": 29_524} | EURO
    assert found["forecast"]["low"]["amount_minor"] < 29_524
    assert found["forecast"]["high"]["amount_minor"] > 29_524
    assert found["status"] == "on_track"
    assert [point["status"] for point in found["history"]] == [
        *["too_early"] * 3,
        *["on_track"] * 7,
    ]
    assert found["history"][0] == {
        "on": "2026-03-01",
        "actual": {"amount_minor": 1_100} | EURO,
        "expected": {"amount_minor": 1_000} | EURO,
        "status": "too_early",
    }
    later = await progress(roi_workspace, goal, now=now + timedelta(days=3))
    assert later["status"] == "behind"
    assert (await progress(roi_workspace, goal, now=NOON - timedelta(days=30)))["status"] == (
        "too_early"
    )
    await roi_workspace.fold(roi_workspace.order(25_000, NOON, {reel: (25_000, NOON)}))
    assert (await progress(roi_workspace, goal, now=now))["status"] == "reached"
    spent = await make_goal(roi_workspace, "cost", 5_000, days=days, direction="at_most")
    assert (await progress(roi_workspace, spent, now=now))["status"] == "ahead"
    await roi_workspace.cost(5_001, "2026-03-02", creator_id=mia)
    assert (await progress(roi_workspace, spent, now=now))["status"] == "missed"


async def test_as_of_answers_with_the_goal_and_the_figures_of_then(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    days = ("2026-03-01", "2026-03-31")
    goal = await make_goal(roi_workspace, "net_revenue", 31_000, days=days)
    await roi_workspace.fold(roi_workspace.order(900, NOON, {reel: (900, NOON)}))
    before = await progress(roi_workspace, goal)
    as_of = datetime.fromisoformat(before["as_of"])
    roi_workspace.now += timedelta(days=5)
    await make_goal(roi_workspace, "net_revenue", 1, days=days)
    changed = {"metric": "clicks", "target": "3", "currency": None, "direction": "at_least"}
    held = {"name": "x", "starts_on": days[0], "ends_on": days[1]}
    nobody = {"campaign_id": None, "creator_id": None}
    await roi_workspace.put("goal", changed | held | nobody, entity_id=goal)
    await roi_workspace.fold(roi_workspace.order(50, NOON, {reel: (50, NOON)}))
    assert (await progress(roi_workspace, goal))["metric"] == "clicks"
    assert await progress(roi_workspace, goal, as_of=as_of) == before
    async with roi_workspace.database.read([roi_workspace.workspace_id]) as conn:
        long_ago = Asked(roi_workspace.now, NOON - timedelta(days=1))
        found = await read_progress(conn, roi_workspace.workspace_id, goal, long_ago, "day")
    assert found is None


async def test_money_of_another_currency_makes_the_progress_missing(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    order = roi_workspace.order(700, NOON, {reel: (700, NOON)}, currency="USD")
    await roi_workspace.fold(order)
    goal = await make_goal(roi_workspace, "net_revenue", 900, days=("2026-03-01", "2026-03-12"))
    found = await progress(roi_workspace, goal)
    assert (found["actual"], found["status"], found["run_rate"]) == (None, None, None)
    assert found["forecast"] == {"value": None, "low": None, "high": None}
    assert found["history"][-1]["actual"] == {"amount_minor": 0} | EURO


async def test_a_history_is_bounded_and_may_be_coarser_or_left_out(
    roi_workspace: RoiWorkspace,
) -> None:
    first = date(2016, 3, 2)
    last = first + timedelta(days=SPAN_DAYS_MAX - 1)
    days = (first.isoformat(), last.isoformat())
    goal = await make_goal(roi_workspace, "clicks", "5", days=days, currency=None)
    now = datetime(2027, 1, 1, tzinfo=UTC)
    sizes = [
        len((await progress(roi_workspace, goal, now=now, grain=grain))["history"])
        for grain in GRAINS
    ]
    assert sizes[0] == sizes[1] == HISTORY_MAX
    assert sizes[2:] == [121, 0]


async def test_an_answer_by_campaign_names_those_without_a_goal(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    names = ("Autumn", "Spring", "Summer", "Winter", "Xmas")
    campaigns = {name: await roi_workspace.campaign(name) for name in names}
    for campaign in campaigns.values():
        reel = await roi_workspace.placement(mia, campaign)
        await roi_workspace.cost(100, "2026-03-01", placement_id=reel)
    before = await roi_workspace.ask("campaign")
    assert warned(before)["no_goal"] == (
        "No goal is set for the campaigns Autumn, Spring, Summer and 2 more:"
        " `POST /v1/goals` with `campaign_id` sets one."
    )
    assert "no_goal" not in warned(await roi_workspace.ask("creator"))
    days = ("2026-03-01", "2026-03-31")
    for name in names[1:]:
        await make_goal(roi_workspace, "clicks", "9", days=days, campaign_id=campaigns[name])
    told = warned(await roi_workspace.ask("campaign,day"))
    assert told["no_goal"].startswith("No goal is set for the campaign Autumn:")
    archived = await make_goal(
        roi_workspace, "clicks", "9", days=days, campaign_id=campaigns["Autumn"]
    )
    assert "no_goal" not in warned(await roi_workspace.ask("campaign"))
    await roi_workspace.put("goal", entity_id=archived, archived=True)
    assert "no_goal" in warned(await roi_workspace.ask("campaign"))
    as_of = datetime.fromisoformat(before["meta"]["as_of"])
    assert warned(await roi_workspace.ask("campaign", as_of=as_of)) == warned(before)


def test_sums_and_quotients_may_have_goals() -> None:
    """A count that does not add up, such as people reached, is neither."""
    assert set(GOAL_METRICS) <= {metric.id for metric in METRICS_IN_ORDER}
    assert {"net_revenue", "conversions", "cost", "roi", "cpa"} <= set(GOAL_METRICS)
    fields = {name: getattr(CLICKS, name) for name in CLICKS.__dataclass_fields__}
    reach = Metric(**fields | {"id": "reach", "additive": False})
    assert not may_have_goal(reach)


async def test_what_a_goal_refuses_names_the_field(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        goal: dict[str, Any] = {"metric": "net_revenue", "target": "5", "ends_on": "2031-03-31"}
        for body, fields in (
            ({"metric": "fame"}, {"metric"}),
            ({"target": 5}, {"target"}),
            ({"target": True}, {"target"}),
            ({"target": "5.001"}, {"target"}),
            ({"target": "0"}, {"target"}),
            ({"target": "-1"}, {"target"}),
            ({"target": {"amount": "5", "currency": "XXQ"}}, {"currency"}),
            ({"currency": "XXQ"}, {"currency"}),
            (
                {"currency": "EUR", "target": {"amount": "5", "currency": "USD"}},
                {"target.currency"},
            ),
            ({"metric": "clicks", "currency": "EUR"}, {"currency"}),
            ({"metric": "clicks", "target": {"amount_minor": 5}}, {"target"}),
            ({"metric": "clicks", "target": "5.0000001"}, {"target"}),
            ({"metric": "clicks", "target": 1e30}, {"target"}),
            ({"metric": "clicks", "target": 0}, {"target"}),
            ({"metric": "roi", "target": {"amount": "1", "currency": "EUR"}}, {"target"}),
            ({"ends_on": None}, {"ends_on"}),
            ({"starts_on": "2031-04-01"}, {"ends_on"}),
            ({"starts_on": "2001-04-01"}, {"ends_on"}),
            ({"direction": "up"}, {"direction"}),
            ({"name": ""}, {"name"}),
            (
                {"campaign_id": ids["$campaign"], "creator_id": ids["$creator"]},
                {"campaign_id", "creator_id"},
            ),
        ):
            refused = await brand.refused("POST", "/v1/goals", goal | body)
            assert (refused.status, set(refused.errors)) == (422, fields), body
        reader = await brand.with_key(["read"])
        assert (await reader.call("POST", "/v1/goals", goal)).status_code == 403


async def test_a_goal_has_defaults_and_is_corrected(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        campaign = await brand.post(
            "/v1/campaigns", {"name": "Spring", "starts_on": "2026-03-01", "ends_on": "2026-05-31"}
        )
        body = {"metric": "net_revenue", "target": "5", "ends_on": "2031-03-31"}
        made = await brand.post("/v1/goals", body | {"campaign_id": campaign["id"]})
        assert made["target"] == {"amount_minor": 500, "currency": "EUR"}
        assert (made["currency"], made["direction"]) == ("EUR", "at_least")
        assert made["starts_on"] == "2026-03-01"
        today = datetime.now(UTC).date().isoformat()
        assert (await brand.post("/v1/goals", body))["starts_on"] >= today
        path = f"/v1/goals/{made['id']}"
        dollars = {"amount": "7", "currency": "USD"}
        changed = await brand.ok("PATCH", path, {"target": dollars})
        assert (changed["target"], changed["currency"]) == (
            {"amount_minor": 700, "currency": "USD"},
            "USD",
        )
        changed = await brand.ok("PATCH", path, {"metric": "clicks", "target": 250})
        assert (changed["target"], changed["currency"]) == (250, None)
        changed = await brand.ok("PATCH", path, {"metric": "roas", "target": "1.50"})
        assert (changed["target"], changed["currency"]) == (1.5, "EUR")
        changed = await brand.ok("PATCH", path, {"metric": "roi", "target": -0.25})
        assert changed["target"] == -0.25
        moved = await brand.ok("PATCH", path, {"direction": None, "campaign_id": None})
        assert (moved["direction"], moved["campaign_id"]) == ("at_least", None)
        shown = await brand.ok("GET", f"{path}/progress")
        assert (shown["goal_id"], shown["metric"], shown["target"]) == (made["id"], "roi", -0.25)
        again = await brand.ok("GET", f"{path}/progress?as_of={shown['as_of']}")
        assert again["target"] == shown["target"]
        await brand.ok("DELETE", path)
        assert (await brand.ok("GET", f"{path}/progress"))["target"] == -0.25
        assert (await brand.refused("GET", f"{path}/progress?colour=red")).status == 422
        assert all(record.id != made["id"] for record in await brand.records())
