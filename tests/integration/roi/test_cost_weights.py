"""Costs spread by clicks or credit: their days, their currency, the past, and no weight."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.roi.answers.sizes import AnswerTooLarge
from shared.credits import ORGANIC
from shared.db.migrate import move_history
from shared.ids import automatic_placement_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, plain

MARCH = ("2026-03-01", "2026-03-31")


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def costs_of(
    roi_workspace: RoiWorkspace, as_of: datetime | None = None, **asked: Any
) -> dict[str | None, int]:
    """Return the cost of each placement that has one, by its id."""
    answer = await roi_workspace.ask("placement", as_of=as_of, **asked)
    found = {r["group"]["placement"]: plain(r["measures"]["cost"]) for r in answer["rows"]}
    assert sum(found.values()) == plain(answer["totals"]["cost"])
    return {account: amount for account, amount in found.items() if amount}


async def warnings(roi_workspace: RoiWorkspace, group_by: str = "placement") -> dict[str, str]:
    answer = await roi_workspace.ask(group_by)
    return {warning["id"]: warning["sentence"] for warning in answer["meta"]["warnings"]}


async def test_clicks_in_the_days_of_the_cost_are_its_weights(roi_workspace: RoiWorkspace) -> None:
    """Three to one in March; April does not count for it. The remainder goes to the larger rest."""
    mia = await roi_workspace.creator("Mia")
    reel, story = [await roi_workspace.placement(mia) for _ in range(2)]
    await roi_workspace.cost(1_001, "2026-03-05", creator_id=mia, spread="clicks")
    await roi_workspace.fold(
        roi_workspace.clicks(reel, NOON, 3),
        roi_workspace.clicks(story, NOON, 1),
        roi_workspace.clicks(story, datetime(2026, 4, 1, tzinfo=UTC), 50),
    )
    assert await costs_of(roi_workspace) == {reel: 751, story: 250}
    assert await costs_of(roi_workspace, by="touch_time") == {reel: 751, story: 250}
    assert "costs_without_weight" not in await warnings(roi_workspace)
    # The days of a weight are those of the cost, whatever days are asked for.
    assert await costs_of(roi_workspace, days=("2026-03-05", "2026-03-05")) == {
        reel: 751,
        story: 250,
    }
    by_day = await roi_workspace.ask("day", days=MARCH)
    assert [plain(row["measures"]["cost"]) for row in by_day["rows"] if row["group"]] != []
    assert plain(by_day["program"]["cost"]) == 1_001


async def test_credit_is_the_net_under_last_in_the_currency_of_the_cost(
    roi_workspace: RoiWorkspace,
) -> None:
    spring = await roi_workspace.campaign("Spring")
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia, spring)
    own = await roi_workspace.placement(None, spring)
    touched = NOON - timedelta(days=20)
    await roi_workspace.cost(900, "2026-03-05", campaign_id=spring, spread="credit")
    await roi_workspace.cost(60, "2026-03-05", "USD", campaign_id=spring, spread="credit")
    await roi_workspace.fold(
        roi_workspace.order(100, NOON, {reel: (100, touched)}),
        roi_workspace.order(200, NOON, {own: (200, touched)}),
        roi_workspace.order(900, NOON, {ORGANIC: (900, None)}),
        roi_workspace.order(70, NOON, {reel: (70, touched)}, models=("first",)),
        roi_workspace.order(5, NOON, {reel: (5, touched)}, currency="USD"),
    )
    found = await roi_workspace.ask("placement", currency=None)
    by_currency = {row["group"]["placement"]: row["measures"]["cost"] for row in found["rows"]}
    assert {k: money(v) for k, v in by_currency.items() if k in (reel, own)} == {
        reel: {"EUR": 300, "USD": 60},
        own: {"EUR": 600},
    }
    for group_by in ("day", "stage"):
        answer = await roi_workspace.ask(group_by)
        assert money(answer["brand"]["cost"]) == {"EUR": 600}
        assert money(answer["program"]["cost"]) == {"EUR": 300, "USD": 60}


def money(value: Any) -> dict[str, int]:
    """Return the amounts above 0 by currency."""
    amounts = value if isinstance(value, list) else [value]
    return {one["currency"]: one["amount_minor"] for one in amounts if one["amount_minor"]}


async def test_without_any_weight_a_cost_is_shared_equally_and_the_answer_says_so(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    always_on = automatic_placement_id(roi_workspace.workspace_id, mia)
    await roi_workspace.cost(800, "2026-03-05", creator_id=mia, spread="clicks")
    await roi_workspace.cost(50, "2026-03-05", placement_id=reel, spread="clicks")
    assert await costs_of(roi_workspace) == {reel: 450, always_on: 400}
    for group_by in ("placement", "day"):
        told = await warnings(roi_workspace, group_by)
        assert told["costs_without_weight"].startswith("8.00 EUR of cost is to be spread by")
    await roi_workspace.fold(roi_workspace.clicks(reel, NOON, 1))
    assert await costs_of(roi_workspace) == {reel: 850}
    assert "costs_without_weight" not in await warnings(roi_workspace)


async def test_only_those_who_share_a_cost_have_a_weight(roi_workspace: RoiWorkspace) -> None:
    """A planned placement and one of another creator are clicked, too."""
    mia, leo = [await roi_workspace.creator(name) for name in ("Mia", "Leo")]
    reel = await roi_workspace.placement(mia, published_at="2026-03-02T10:00:00Z")
    later = await roi_workspace.placement(mia, published_at="2026-04-02T10:00:00Z")
    others = await roi_workspace.placement(leo)
    await roi_workspace.cost(800, "2026-03-05", creator_id=mia, spread="clicks")
    await roi_workspace.fold(*(roi_workspace.clicks(p, NOON, 9) for p in (later, others)))
    await roi_workspace.fold(roi_workspace.clicks(reel, NOON, 1))
    assert await costs_of(roi_workspace) == {reel: 800}


async def test_a_closed_month_changes_by_a_correction_only_and_as_of_shows_both(
    roi_workspace: RoiWorkspace,
) -> None:
    mia = await roi_workspace.creator("Mia")
    reel, story = [await roi_workspace.placement(mia) for _ in range(2)]
    cost = await roi_workspace.cost(800, "2026-03-05", creator_id=mia, spread="clicks")
    await roi_workspace.fold(
        roi_workspace.clicks(reel, NOON, 1), roi_workspace.clicks(story, NOON, 3)
    )
    before = roi_workspace.now
    roi_workspace.now = datetime(2026, 4, 20, tzinfo=UTC)
    april = datetime(2026, 4, 10, tzinfo=UTC)
    await roi_workspace.fold(roi_workspace.clicks(reel, april, 100))
    assert await costs_of(roi_workspace) == {reel: 200, story: 600}
    # Late clicks of March are a correction, on the day of the first record and on a later one.
    await roi_workspace.fold(roi_workspace.clicks(reel, NOON, 2))
    assert await costs_of(roi_workspace) == {reel: 400, story: 400}
    assert await costs_of(roi_workspace, before) == {reel: 200, story: 600}
    # And so is another spread.
    after = roi_workspace.now
    facts = {"amount": {"amount_minor": 800, "currency": "EUR"}, "incurred_on": "2026-03-05"}
    days = {"serves_from": "2026-03-10", "serves_to": "2026-03-10", "spread": "credit"}
    owners = {"placement_id": None, "creator_id": mia, "campaign_id": None}
    await roi_workspace.put("cost", {"kind": "fee", **facts, **days, **owners}, entity_id=cost)
    await roi_workspace.fold(roi_workspace.order(100, NOON, {story: (100, NOON)}))
    assert await costs_of(roi_workspace) == {story: 800}
    assert await costs_of(roi_workspace, after) == {reel: 400, story: 400}
    assert await costs_of(roi_workspace, before) == {reel: 200, story: 600}


async def test_the_days_that_an_answer_reads_are_bounded(roi_workspace: RoiWorkspace) -> None:
    """Eleven years, each by its own cost; another kind of weight counts its days alone."""
    mia = await roi_workspace.creator("Mia")
    for year in range(2030, 2041):
        for spread in ("clicks", "credit"):
            days = {"serves_from": f"{year}-01-01", "serves_to": f"{year}-12-31"}
            if spread == "clicks" or year < 2040:
                await roi_workspace.cost(100, "2026-03-05", creator_id=mia, spread=spread, **days)
    with pytest.raises(AnswerTooLarge, match="more than 3653 days"):
        await roi_workspace.ask("placement")
    await roi_workspace.cost(100, "2026-05-05", creator_id=mia, spread="clicks")
    assert sum((await costs_of(roi_workspace, days=("2026-04-01", "2026-05-31"))).values()) == 100


async def test_the_days_are_those_of_the_workspaces_zone(database_for: DatabaseFactory) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi"), time_zone="Pacific/Auckland")
    mia = await roi_workspace.creator("Mia")
    reel, story = [await roi_workspace.placement(mia) for _ in range(2)]
    await roi_workspace.cost(800, "2026-03-05", creator_id=mia, spread="clicks")
    await roi_workspace.fold(
        roi_workspace.clicks(reel, datetime(2026, 2, 28, 11, tzinfo=UTC), 1),
        roi_workspace.clicks(story, datetime(2026, 3, 31, 11, tzinfo=UTC), 1),
    )
    assert await costs_of(roi_workspace) == {reel: 800}


async def test_costs_of_an_older_release_are_shared_equally(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    roi_workspace = await RoiWorkspace.open(await database_for("roi", url=fresh_database))
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    always_on = automatic_placement_id(roi_workspace.workspace_id, mia)
    await roi_workspace.cost(100, "2026-03-05", creator_id=mia)
    await roi_workspace.cost(300, "2026-03-05", creator_id=mia, spread="clicks")
    await roi_workspace.fold(roi_workspace.clicks(reel, NOON, 1))
    assert await costs_of(roi_workspace) == {reel: 350, always_on: 50}
    for revision in ("0011", "head"):
        await roi_workspace.database.close()
        await move_history(fresh_database, "roi", revision)
        roi_workspace.database = await database_for("roi", url=fresh_database)
    assert await costs_of(roi_workspace) == {reel: 200, always_on: 200}
