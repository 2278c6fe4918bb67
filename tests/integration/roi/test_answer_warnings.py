"""Warnings of answers by example: when each is given, and what it says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.credits import ORGANIC
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, plain


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


def warned(answer: dict[str, Any]) -> dict[str, str]:
    return {warning["id"]: warning["sentence"] for warning in answer["meta"]["warnings"]}


async def test_without_a_margin_profit_is_on_revenue_and_the_answer_says_so(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.cost(40, "2026-03-10", placement_id=reel)
    assert warned(await roi_workspace.ask()) == {}, "nothing was sold"
    await roi_workspace.fold(roi_workspace.order(100, NOON, {ORGANIC: (100, None)}))
    assert warned(await roi_workspace.ask()) == {}, "a placement sold nothing"
    await roi_workspace.fold(roi_workspace.order(100, NOON, {reel: (100, NOON)}))
    for group_by in ("creator", "day"):
        answer = await roi_workspace.ask(group_by)
        assert (plain(answer["program"]["profit"]), answer["program"]["roi"]) == (60, 1.5)
        assert warned(answer)["no_margin"].startswith("No margin is set for these days, so profit")
    await roi_workspace.margin(600_000, datetime(2026, 3, 10, tzinfo=UTC))
    answer = await roi_workspace.ask()
    assert (plain(answer["program"]["profit"]), answer["program"]["roi"]) == (20, 0.5)
    assert warned(answer)["no_margin"].startswith("No margin is set for a part of these days")
    assert warned(await roi_workspace.ask(days=("2026-03-10", "2026-03-31"))) == {}
    await roi_workspace.margin(1_000_000)
    assert warned(await roi_workspace.ask()) == {}, "a margin of 1 is a margin"


async def test_costs_that_no_placement_carries_are_named(roi_workspace: RoiWorkspace) -> None:
    empty = await roi_workspace.campaign("Nobody yet")
    await roi_workspace.cost(800, "2026-03-01", campaign_id=empty)
    await roi_workspace.cost(7, "2026-03-02", "JPY", campaign_id=empty)
    for group_by in ("creator", "day", "stage"):
        told = warned(await roi_workspace.ask(group_by))
        assert told.keys() == {"costs_without_placement"}
        assert told["costs_without_placement"].startswith("8.00 EUR and 7 JPY of cost is carried")


async def test_days_after_the_last_record_are_stale(roi_workspace: RoiWorkspace) -> None:
    assert warned(await roi_workspace.ask()) == {}, "nothing was ever recorded"
    await roi_workspace.fold(roi_workspace.order(100, NOON, {ORGANIC: (100, None)}))
    assert warned(await roi_workspace.ask()) == {}
    roi_workspace.now += timedelta(days=3, seconds=1)
    told = warned(await roi_workspace.ask())
    assert told.keys() == {"stale"}
    assert told["stale"].startswith("Nothing was recorded since 2026-03-10T12:00:")
    assert warned(await roi_workspace.ask(days=("2026-03-01", "2026-03-12"))) == {}
    assert warned(await roi_workspace.ask(as_of=roi_workspace.now)) == {}, "the past is as it is"


async def test_costs_that_a_filter_leaves_out_are_named(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await roi_workspace.margin(1_000_000)
    await roi_workspace.cost(40, "2026-03-10", placement_id=reel)
    told = warned(await roi_workspace.ask(filters={"hour": "12", "store": "main"}))
    assert told == {
        "filtered_costs": "0.40 EUR of cost is not in these figures, because costs have no hour or"
        " store."
    }
    for given in ({"hour": "-12"}, {"creator": mia}, {"hour": "12,"}):
        assert warned(await roi_workspace.ask(filters=given)) == {}


async def test_rows_that_overlap_are_told(roi_workspace: RoiWorkspace) -> None:
    told = warned(await roi_workspace.ask("topic,month"))
    assert told.keys() == {"overlapping"}
    assert "several values of topic is in several rows" in told["overlapping"]
