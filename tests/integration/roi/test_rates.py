"""Rates: what they refuse, and `currency=`, which converts each day at the rate of that day."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from shared.credits import ORGANIC
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_service import brand_running
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, labels, plain
from tests.integration.roi.test_answer_warnings import warned
from tests.integration.roi.test_goals import make_goal, progress


@pytest.fixture
async def roi_workspace(database_for: DatabaseFactory) -> RoiWorkspace:
    return await RoiWorkspace.open(await database_for("roi"))


async def rate(roi: RoiWorkspace, currency: str, amount: str, valid_from: str, **more: Any) -> str:
    """An exchange rate into euros, as the API stores it."""
    facts = {"kind": "exchange", "currency": currency, "into": "EUR", "amount": amount}
    unit = {"per": None, "platform": None}
    entity_id = more.pop("entity_id", None)
    return await roi.put(
        "rate", facts | unit | {"valid_from": valid_from} | more, entity_id=entity_id
    )


async def sold(
    roi: RoiWorkspace, account: str, amount: int, currency: str, at: datetime = NOON
) -> None:
    share: tuple[int, datetime | None] = (amount, None if account == ORGANIC else at)
    await roi.fold(roi.order(amount, at, {account: share}, currency=currency))


async def test_each_day_is_converted_at_the_rate_of_that_day(roi_workspace: RoiWorkspace) -> None:
    """In units of 0.01: 100 × 0.9 + 101 × 0.8 USD, 500 JPY × 0.0061 × 100, and 7 EUR."""
    mia, jo = await roi_workspace.creator("Mia"), await roi_workspace.creator("Jo")
    of_mia, of_jo = await roi_workspace.placement(mia), await roi_workspace.placement(jo)
    await rate(roi_workspace, "USD", "0.9", "2026-03-01")
    await rate(roi_workspace, "USD", "0.8", "2026-03-11")
    await rate(roi_workspace, "JPY", "0.0061", "2026-01-01")
    await sold(roi_workspace, of_mia, 100, "USD")
    await sold(roi_workspace, of_mia, 101, "USD", NOON + timedelta(days=1))
    await sold(roi_workspace, of_jo, 500, "JPY")
    await sold(roi_workspace, of_jo, 7, "EUR")
    await sold(roi_workspace, ORGANIC, 1_000, "USD")
    await roi_workspace.cost(1_000, "2026-03-11", "USD", creator_id=mia)
    for days in (("2026-01-01", "2026-12-31"), ("2026-03-01", "2026-03-31")):
        answer = await roi_workspace.ask(currency="EUR", days=days)
        assert labels(answer) == {"Mia": 171, "Jo": 312}
        assert labels(answer, "cost") == {"Mia": 800, "Jo": 0}
        assert (plain(answer["organic"]["net_revenue"]), answer["meta"]["missing_rates"]) == (
            900,
            [],
        )
        assert plain(answer["totals"]["net_revenue"]) == 90 + 81 + 305 + 7 + 900
        assert answer["meta"]["currency"] == "EUR"
        assert "missing_rate" not in warned(answer)
    by_day = await roi_workspace.ask("day", currency="EUR")
    assert labels(by_day) == {"2026-03-10": 402, "2026-03-11": 81}
    in_dollars = await roi_workspace.ask("day", currency="USD")
    euros = Fraction(7) + Fraction(305)
    first = round(100 + euros / Fraction("0.9"))
    assert labels(in_dollars) == {"2026-03-10": first, "2026-03-11": 101}
    in_yen = await roi_workspace.ask("month", currency="JPY")
    # 791.475 of creators and 1475.410 of nobody make 2266.885: the greater rest is rounded up.
    cents = Fraction(7 + 90 + 900) + Fraction(101) * Fraction("0.8")
    assert plain(in_yen["totals"]["net_revenue"]) == round(500 + cents / 100 / Fraction("0.0061"))
    assert labels(in_yen) == {"2026-03": 792}


async def test_a_day_is_a_local_day(database_for: DatabaseFactory) -> None:
    zone = "Europe/Berlin"
    roi = await RoiWorkspace.open(await database_for("roi"), time_zone=zone)
    reel = await roi.placement(await roi.creator("Mia"))
    await rate(roi, "USD", "0.5", "2026-03-10")
    await rate(roi, "USD", "0.9", "2026-03-11")
    await sold(roi, reel, 100, "USD", datetime(2026, 3, 10, 22, 45, tzinfo=UTC))
    await sold(roi, reel, 100, "USD", datetime(2026, 3, 10, 23, 0, tzinfo=UTC))
    assert labels(await roi.ask("day", currency="EUR")) == {"2026-03-10": 50, "2026-03-11": 90}
    times = ("2026-03-10T22:30:00Z", "2026-03-10T23:15:00Z")
    assert plain((await roi.ask(days=times, currency="EUR"))["totals"]["net_revenue"]) == 140


async def test_rows_are_rounded_to_the_rounded_total(roi_workspace: RoiWorkspace) -> None:
    """Three times 0.5 is 1.5, rounded half to even 2; the margin of 0.5 leaves 0.75, so 1."""
    await roi_workspace.margin(500_000)
    await rate(roi_workspace, "USD", "0.5", "2026-03-01")
    for name in ("A", "B", "C"):
        reel = await roi_workspace.placement(await roi_workspace.creator(name))
        await sold(roi_workspace, reel, 1, "USD")
    answer = await roi_workspace.ask(currency="EUR")
    assert sorted(labels(answer).values()) == [0, 1, 1]
    assert plain(answer["totals"]["net_revenue"]) == plain(answer["program"]["net_revenue"]) == 2
    assert sorted(labels(answer, "profit").values()) == [0, 0, 1]
    assert plain(answer["totals"]["profit"]) == 1


async def test_a_missing_rate_names_its_days_and_leaves_the_figure_out(
    roi_workspace: RoiWorkspace,
) -> None:
    mia, jo = await roi_workspace.creator("Mia"), await roi_workspace.creator("Jo")
    of_mia, of_jo = await roi_workspace.placement(mia), await roi_workspace.placement(jo)
    await sold(roi_workspace, of_mia, 5_000, "EUR")
    await sold(roi_workspace, of_jo, 700, "USD")
    await sold(roi_workspace, of_jo, 10, "USD", NOON + timedelta(days=5))
    none = await roi_workspace.ask(currency="EUR")
    assert labels(none) == {"Mia": 5_000, "Jo": None}
    assert warned(none)["missing_rate"].startswith(
        "No exchange rate of USD into EUR is known from 2026-01-01 on, so figures"
    )
    await rate(roi_workspace, "USD", "0.9", "2026-03-11")
    some = await roi_workspace.ask(currency="EUR")
    assert labels(some) == {"Mia": 5_000, "Jo": None}
    assert some["totals"]["net_revenue"] is None
    assert "known from 2026-01-01 to 2026-03-10, so" in warned(some)["missing_rate"]
    by_day = await roi_workspace.ask("day", currency="EUR")
    assert labels(by_day) == {"2026-03-10": None, "2026-03-15": 9}
    assert "known on 2026-03-10, so" in warned(by_day)["missing_rate"]
    assert by_day["meta"]["missing_rates"] == ["USD"]
    later = await roi_workspace.ask(currency="EUR", days=("2026-03-11", "2026-03-31"))
    assert labels(later) == {"Jo": 9}
    in_francs = await roi_workspace.ask(currency="CHF")
    assert labels(in_francs) == {"Mia": None, "Jo": None}
    assert "missing_rate" not in warned(await roi_workspace.ask())


async def test_as_of_converts_with_the_rates_of_then(roi_workspace: RoiWorkspace) -> None:
    reel = await roi_workspace.placement(await roi_workspace.creator("Mia"))
    await sold(roi_workspace, reel, 1_000, "USD")
    held = await rate(roi_workspace, "USD", "0.9", "2026-03-01")
    before = await roi_workspace.ask(currency="EUR")
    await rate(roi_workspace, "USD", "0.7", "2026-03-01", entity_id=held)
    assert labels(await roi_workspace.ask(currency="EUR")) == {"Mia": 700}
    as_of = datetime.fromisoformat(before["meta"]["as_of"])
    again = await roi_workspace.ask(currency="EUR", as_of=as_of)
    assert (again["rows"], again["totals"]) == (before["rows"], before["totals"])
    newer = await rate(roi_workspace, "USD", "0.6", "2026-03-01")
    assert labels(await roi_workspace.ask(currency="EUR")) == {"Mia": 600}, "the later one holds"
    await roi_workspace.put("rate", entity_id=newer, archived=True)
    assert labels(await roi_workspace.ask(currency="EUR")) == {"Mia": 700}
    await rate(roi_workspace, "USD", "9", "2026-03-02", into="GBP")
    await rate(roi_workspace, "USD", "9", "2026-03-02", kind="value", into=None, per="view")
    assert labels(await roi_workspace.ask(currency="EUR")) == {"Mia": 700}


async def test_the_progress_of_a_goal_is_converted(roi_workspace: RoiWorkspace) -> None:
    mia = await roi_workspace.creator("Mia")
    reel = await roi_workspace.placement(mia)
    await rate(roi_workspace, "USD", "0.9", "2026-03-01")
    await rate(roi_workspace, "USD", "0.8", "2026-03-06")
    for day in range(10):
        at = datetime(2026, 3, 1 + day, 9, tzinfo=UTC)
        await sold(roi_workspace, reel, 1_000, "USD", at)
        await sold(roi_workspace, reel, 100, "EUR", at)
    days = ("2026-03-01", "2026-03-10")
    answer = await roi_workspace.ask(days=days, currency="EUR")
    assert plain(answer["program"]["net_revenue"]) == 5 * 900 + 5 * 800 + 1_000
    for scope in ({}, {"creator_id": mia}):
        goal = await make_goal(roi_workspace, "net_revenue", 10_000, days=days, **scope)
        # 2026-03-01 is a Sunday, and a rate that changes begins no week.
        for grain, points in (("day", 10), ("week", 3)):
            shown = await progress(
                roi_workspace, goal, now=datetime(2026, 3, 12, tzinfo=UTC), grain=grain
            )
            assert shown["actual"] == answer["program"]["net_revenue"]
            assert shown["history"][-1]["actual"] == shown["actual"]
            assert len(shown["history"]) == points


async def test_what_a_rate_refuses_names_the_field(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        rate = {"kind": "exchange", "currency": "USD", "amount": "0.9", "valid_from": "2026-03-01"}
        value = {"kind": "value", "per": "like", "amount": "0.000001", "valid_from": "2026-03-01"}
        for body, field in (
            (rate | {"amount": 0.9}, "amount"),
            (rate | {"amount": "0"}, "amount"),
            (rate | {"amount": "-1"}, "amount"),
            (rate | {"amount": "0.0000000000001"}, "amount"),
            (rate | {"currency": None}, "currency"),
            (rate | {"currency": "EUR"}, "currency"),
            (rate | {"currency": "XXQ"}, "currency"),
            (rate | {"per": "view"}, "per"),
            (rate | {"platform": "youtube"}, "platform"),
            (rate | {"valid_from": None}, "valid_from"),
            (rate | {"valid_from": "2026-02-30"}, "valid_from"),
            (rate | {"kind": "guess"}, "kind"),
            (value | {"per": None}, "per"),
            (value | {"per": "smile"}, "per"),
            (value | {"amount": "0.0000001"}, "amount"),
            (value | {"currency": "XXQ"}, "currency"),
        ):
            refused = await brand.refused("POST", "/v1/rates", body)
            assert (refused.status, set(refused.errors)) == (422, {field}), body
        made = await brand.post("/v1/rates", rate | {"amount": "0.9200"})
        assert (made["into"], made["amount"], made["valid_from"]) == ("EUR", "0.92", "2026-03-01")
        changed = await brand.ok("PATCH", f"/v1/rates/{made['id']}", {"valid_from": "2026-03-02"})
        assert (changed["valid_from"], changed["amount"]) == ("2026-03-02", "0.92")
        worth = await brand.post("/v1/rates", value)
        assert (worth["currency"], worth["into"], worth["amount"]) == ("EUR", None, "0.000001")
        await brand.ok("PATCH", "/v1/workspace", {"currency": "USD"})
        kept = await brand.ok("PATCH", f"/v1/rates/{made['id']}", {"amount": "0.93"})
        assert kept["into"] == "EUR", "a correction keeps the currency that it was made in"
        assert all(record.id != made["id"] for record in await brand.records())
        reader = await brand.with_key(["read"])
        assert (await reader.call("POST", "/v1/rates", rate)).status_code == 403
