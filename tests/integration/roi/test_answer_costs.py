"""Costs of answers by example: who shares a cost, and what stays with its owner."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.ids import automatic_placement_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import placement_facts
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, labels, plain


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


def warned(answer: dict[str, Any]) -> dict[str, str]:
    return {warning["id"]: warning["sentence"] for warning in answer["meta"]["warnings"]}


async def test_costs_are_spread_equally_by_largest_remainder(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    spring = await roi_workspace.campaign("Spring")
    placements = [await roi_workspace.placement(mia, spring) for _ in range(2)]
    always_on = automatic_placement_id(roi_workspace.workspace_id, mia)
    await roi_workspace.cost(1_000, "2026-03-01", creator_id=mia)
    await roi_workspace.cost(501, "2026-03-02", campaign_id=spring)
    await roi_workspace.cost(7, "2026-03-03", placement_id=placements[1])
    await roi_workspace.cost(9_999, "2027-01-01", creator_id=mia)

    expected = dict.fromkeys([*placements, always_on], 333)
    expected[min(expected)] += 1
    expected[min(placements)] += 251
    expected[max(placements)] += 250
    expected[placements[1]] += 7
    by_placement = await roi_workspace.ask("placement")
    assert {
        row["group"]["placement"]: plain(row["measures"]["cost"]) for row in by_placement["rows"]
    } == expected
    by_campaign = await roi_workspace.ask("campaign")
    assert labels(by_campaign, "cost") == {
        "Spring": expected[placements[0]] + expected[placements[1]],
        "no campaign": expected[always_on],
    }
    assert plain(by_campaign["totals"]["cost"]) == 1_508


async def test_what_no_row_can_carry_is_unallocated(roi_workspace: RoiWorkspace) -> None:
    empty = await roi_workspace.campaign("Nobody yet")
    mia = await roi_workspace.creator("Mia")
    await roi_workspace.cost(800, "2026-03-01", campaign_id=empty)
    await roi_workspace.cost(200, "2026-03-01", creator_id=mia)
    by_creator = await roi_workspace.ask("creator")
    assert labels(by_creator, "cost") == {"Mia": 200, "unallocated": 800}
    assert by_creator["rows"][-1]["group"] == {"creator": None}
    assert labels(await roi_workspace.ask("campaign"), "cost") == {
        "no campaign": 200,
        "Nobody yet": 800,
    }
    assert labels(await roi_workspace.ask("stage"), "cost") == {"unallocated": 1_000}
    by_day = await roi_workspace.ask("day")
    assert labels(by_day, "cost") == {"2026-03-01": 1_000}
    for answer in (by_creator, by_day):
        assert plain(answer["program"]["cost"]) == 1_000
        assert plain(answer["brand"]["cost"]) == 0
    assert plain(by_day["totals"]["cost"]) == 1_000


async def cost_by_placement(
    roi_workspace: RoiWorkspace, as_of: datetime | None = None
) -> dict[str | None, int]:
    rows = (await roi_workspace.ask("placement", as_of=as_of))["rows"]
    return {row["group"]["placement"]: plain(row["measures"]["cost"]) for row in rows}


async def test_planning_and_archiving_change_no_past_cost_and_a_correction_does(
    roi_workspace: RoiWorkspace,
) -> None:
    """A campaign's fee of March: who shares it is decided by what was published in March."""
    spring = await roi_workspace.campaign("Spring")
    reel = await roi_workspace.placement(None, spring, published_at="2026-03-05T10:00:00Z")
    await roi_workspace.placement(None, spring, planned_at="2026-03-09T10:00:00Z")
    await roi_workspace.cost(900, "2026-03-02", campaign_id=spring)
    april = datetime(2026, 4, 2, tzinfo=UTC)
    roi_workspace.now = april
    assert await cost_by_placement(roi_workspace) == {reel: 900}
    for dates in (
        {},
        {"planned_at": "2026-03-20T10:00:00Z"},
        {"published_at": "2026-04-01T00:00:00Z"},
    ):
        await roi_workspace.placement(None, spring, **dates)
    await roi_workspace.put("placement", entity_id=reel, archived=True)
    assert await cost_by_placement(roi_workspace) == {reel: 900}
    # A placement of March that nobody had entered is a correction.
    before = roi_workspace.now
    late = await roi_workspace.placement(None, spring, published_at="2026-03-31T23:59:59Z")
    assert await cost_by_placement(roi_workspace) == {reel: 450, late: 450}
    assert await cost_by_placement(roi_workspace, before) == {reel: 900}
    # And so is the true date of one that was entered with another.
    after = roi_workspace.now
    facts = placement_facts(None, spring, "instagram")
    await roi_workspace.put(
        "placement", facts | {"published_at": "2026-04-03T10:00:00Z"}, entity_id=late
    )
    assert await cost_by_placement(roi_workspace) == {reel: 900}
    assert await cost_by_placement(roi_workspace, after) == {reel: 450, late: 450}


async def test_a_cost_serves_days_of_the_workspaces_zone(database_for: DatabaseFactory) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone="Pacific/Auckland")
    mia = await roi_workspace.creator("Mia")
    # 1 April in Auckland, although it is March in Greenwich.
    await roi_workspace.placement(mia, published_at="2026-03-31T12:00:00Z")
    reel = await roi_workspace.placement(mia, published_at="2026-03-01T12:00:00Z")
    always_on = automatic_placement_id(roi_workspace.workspace_id, mia)
    await roi_workspace.cost(100, "2026-03-02", creator_id=mia)
    assert await cost_by_placement(roi_workspace) == {reel: 50, always_on: 50}


async def test_what_has_no_placement_yet_stays_with_its_owner(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    spring = await roi_workspace.campaign("Spring", objective="sales")
    await roi_workspace.placement(mia, spring, planned_at="2026-02-20T10:00:00Z")
    await roi_workspace.cost(300, "2026-02-10", creator_id=mia)
    await roi_workspace.cost(40, "2026-02-10", campaign_id=spring)
    for group_by, expected in (
        ("creator", {"Mia": 300, "unallocated": 40}),
        ("campaign", {"Spring": 40, "unallocated": 300}),
        ("objective", {"sales": 40, "unallocated": 300}),
        ("platform", {"unallocated": 340}),
        ("month", {"2026-02": 340}),
        ("creator,campaign", {"Mia · unallocated": 300, "unallocated · Spring": 40}),
    ):
        answer = await roi_workspace.ask(group_by)
        assert labels(answer, "cost") == expected
        assert plain(answer["program"]["cost"]) == 340
        lacking = {"no_goal"} if "campaign" in group_by else set()
        assert warned(answer).keys() == {"costs_without_placement"} | lacking


@pytest.mark.parametrize("group_by", ["creator", "day", "stage", "platform,month", "placement"])
async def test_overhead_is_a_row_of_its_own(roi_workspace: RoiWorkspace, group_by: str) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(10, "2026-03-10", placement_id=reel)
    await roi_workspace.cost(70, "2026-03-10")
    await roi_workspace.cost(5, "2026-04-10")
    answer = await roi_workspace.ask(group_by)
    assert answer["rows"][-1]["group"] == dict.fromkeys(group_by.split(","))
    assert answer["rows"][-1]["label"] == "overhead"
    assert [plain(row["measures"]["cost"]) for row in answer["rows"]] == [10, 75]
    found = {name: plain(answer[name]["cost"]) for name in ("program", "brand", "overhead")}
    assert found == {"program": 10, "brand": 0, "overhead": 75}
    assert plain(answer["totals"]["cost"]) == 85
    assert warned(answer)["overhead"].startswith("0.75 EUR of cost is overhead")
    by_model = await roi_workspace.ask("model,creator", model="last")
    assert [row["label"] for row in by_model["rows"]] == ["last · Mia", "last · overhead"]


async def test_an_archived_placement_keeps_its_past_and_carries_nothing_new(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.put("placement", entity_id=reel, archived=True, at=NOON)
    for day in ("2026-03-10", "2026-03-11"):
        await roi_workspace.cost(100, day, serves_from=day, creator_id=mia)
    costs = {
        row["group"]["placement"]: plain(row["measures"]["cost"])
        for row in (await roi_workspace.ask("placement"))["rows"]
    }
    assert costs == {reel: 50, automatic_placement_id(roi_workspace.workspace_id, mia): 150}
