"""`cost_view`: costs by the day they were incurred, by the days they serve, or by payment."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.roi.answers.cost_views import CostView
from shared.db.migrate import move_history
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import cost_facts
from tests.integration.roi.roi_workspace import RoiWorkspace, labels, plain
from tests.integration.roi.test_answer_warnings import warned

YEAR = ("2026-01-01", "2026-12-31")


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def pay(
    roi: RoiWorkspace,
    amount: int,
    days: tuple[str, str],
    paid_on: str | None,
    currency: str = "EUR",
    **owner: str,
) -> str:
    facts = cost_facts(amount, days[0], currency, serves_from=days[0], serves_to=days[1], **owner)
    return await roi.put("cost", facts | {"paid_on": paid_on})


async def test_a_fee_of_a_quarter_in_three_views(roi_workspace: RoiWorkspace) -> None:
    """90 days from January: 31, 28 and 31 of them; paid in May."""
    mia = await roi_workspace.creator("Mia")
    await pay(roi_workspace, 9_000, ("2026-01-01", "2026-03-31"), "2026-05-02", creator_id=mia)
    by_month = {
        view: labels(await roi_workspace.ask("month", cost_view=view, days=YEAR), "cost")
        for view in CostView
    }
    assert by_month == {
        "incurred": {"2026-01": 9_000},
        "accrual": {"2026-01": 3_100, "2026-02": 2_800, "2026-03": 3_100},
        "cash": {"2026-05": 9_000},
    }
    march = ("2026-03-30", "2026-04-05")
    answer = await roi_workspace.ask(cost_view="accrual", days=march)
    assert labels(answer, "cost") == {"Mia": 200}
    assert answer["meta"]["cost_view"] == "accrual"
    times = ("2026-03-29T12:00:00Z", "2026-03-31T00:15:00Z")
    answer = await roi_workspace.ask(cost_view="accrual", days=times)
    assert labels(answer, "cost") == {"Mia": 200}, "two days begin between these times"
    times = ("2026-05-02T00:00:00Z", "2026-05-02T06:00:00Z")
    assert labels(await roi_workspace.ask(cost_view="cash", days=times), "cost") == {"Mia": 9_000}


async def test_what_is_not_paid_is_in_no_cash_and_the_answer_says_so(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    march = ("2026-03-01", "2026-03-31")
    await pay(roi_workspace, 500, march, None, creator_id=mia)
    await pay(roi_workspace, 7, march, None, "JPY", creator_id=mia)
    await pay(roi_workspace, 100, march, "2026-03-20", creator_id=mia)
    answer = await roi_workspace.ask(cost_view="cash", days=march)
    assert plain(answer["totals"]["cost"]) == 100
    assert warned(answer)["unpaid"].startswith("5.00 EUR and 7 JPY of cost of these days is not")
    assert "unpaid" not in warned(await roi_workspace.ask(days=march))
    later = await roi_workspace.ask(cost_view="cash", days=("2026-04-01", "2026-04-30"))
    assert "unpaid" not in warned(later)
    as_of = datetime.fromisoformat(answer["meta"]["as_of"])
    await pay(roi_workspace, 1, march, "2026-03-02", creator_id=mia)
    again = await roi_workspace.ask(cost_view="cash", days=march, as_of=as_of)
    assert again["totals"] == answer["totals"]


def random_costs(chance: Random, owners: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    for _ in range(25):
        first = date(2026, 1, 1) + timedelta(days=chance.randrange(300))
        last = first + timedelta(days=chance.randrange(60))
        paid = last + timedelta(days=chance.randrange(5))
        yield {
            "amount": chance.randrange(10_000),
            "days": (first.isoformat(), last.isoformat()),
            "paid_on": paid.isoformat(),
            **chance.choice(owners),
        }


@pytest.mark.parametrize("seed", range(3))
async def test_allocated_is_entered_in_every_view_and_breakdown(
    roi_workspace: RoiWorkspace, seed: int
) -> None:
    chance = Random(seed)
    mia, spring = await roi_workspace.creator("Mia"), await roi_workspace.campaign("Spring")
    reel = await roi_workspace.placement(mia, spring)
    await roi_workspace.placement(None, spring)
    owners = [{"creator_id": mia}, {"campaign_id": spring}, {"placement_id": reel}, {}]
    entered = 0
    for cost in random_costs(chance, owners):
        entered += cost["amount"]
        await pay(roi_workspace, **cost)
    for view in CostView:
        for group_by in ("creator", "placement,day", "month", "platform,week"):
            answer = await roi_workspace.ask(group_by, cost_view=view, days=YEAR)
            rows = sum(plain(row["measures"]["cost"]) for row in answer["rows"])
            assert rows == plain(answer["totals"]["cost"]) == entered, (view, group_by)
        parts = (("2026-01-01", "2026-04-17"), ("2026-04-18", "2026-12-31"))
        halves = [await roi_workspace.ask(cost_view=view, days=days) for days in parts]
        assert sum(plain(half["totals"]["cost"]) for half in halves) == entered


async def test_the_view_of_costs_moves_up_and_down(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    await move_history(fresh_database, "roi", "0013")
    roi = await RoiWorkspace.open(await database_for("roi", url=fresh_database))
    mia = await roi.creator("Mia")
    march = ("2026-03-01", "2026-03-31")
    await pay(roi, 100, march, "2026-05-02", creator_id=mia)
    await move_history(fresh_database, "roi", "head")
    assert labels(await roi.ask("month", cost_view="cash"), "cost") == {"2026-05": 100}
    await move_history(fresh_database, "roi", "0013")
    await move_history(fresh_database, "roi", "head")
    assert labels(await roi.ask("month", cost_view="cash"), "cost") == {"2026-05": 100}
