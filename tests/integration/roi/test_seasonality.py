"""Seasonality over real HTTP: indexes by weekday and month against sums of the same orders."""

import asyncio
import calendar
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

import pytest

from shared.clock import SystemClock
from shared.credits import CreditEntry, DecisionCredited, encode_credits
from shared.db.roles import service_url
from shared.ids import new_id
from shared.log.port import Record
from shared.log.postgres import PostgresLog
from shared.log.topics import CREDITS
from tests.fixtures.postgres import SECRET_KEY
from tests.integration.roi.roi_service import BrandClient, brand_running

# A wait of the test for about a hundred orders on a busy machine, not a promise.
FOLD_SECONDS = 120
FIRST, LAST = date(2023, 12, 1), date(2026, 3, 10)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
# Every ninth day has an order, so weekdays and months have different sums.
SOLD = {day: 1_000 + 37 * number for number, day in enumerate(DAYS) if number % 9 == 0}
PERIOD = f"from={FIRST}&to={LAST}&metrics=net_revenue,conversions,roas"


@pytest.fixture
async def attribution_log(owner_url: str) -> AsyncIterator[PostgresLog]:
    """The log with attribution's rights."""
    log = PostgresLog(service_url(owner_url, "attribution", SECRET_KEY), SystemClock())
    await log.open()
    yield log
    await log.close()


def orders(brand: BrandClient, placement_id: str) -> list[Record]:
    """One order on each day that sold, of its amount."""
    records = []
    for sequence, (day, amount_minor) in enumerate(SOLD.items(), 1):
        at = datetime.combine(day, time(12), UTC)
        entry = CreditEntry(
            model="last",
            revision=1,
            account=placement_id,
            amount_minor=amount_minor,
            units=1_000_000,
            currency="EUR",
            stage="purchase",
            touched_at=at,
        )
        record = DecisionCredited(
            workspace_id=brand.workspace_id,
            sequence=sequence,
            recorded_at=datetime.now(UTC),
            decision_id=new_id(),
            revision=1,
            conversion_id=new_id(),
            kind="purchase",
            natural_id=str(sequence),
            occurred_at=at,
            currency="EUR",
            person_ref="somebody",
            entries=(entry,),
        )
        records.append(Record(brand.workspace_id.encode(), encode_credits(record)))
    return records


async def folded(brand: BrandClient) -> None:
    """Wait until roi has every order."""
    async with asyncio.timeout(FOLD_SECONDS):
        while True:
            if (await brand.ok("GET", "/v1/roi"))["meta"]["sequence"] == len(SOLD):
                return
            await asyncio.sleep(0.5)


def expected(word: Callable[[date], str], days: list[date]) -> dict[str, tuple[int, float]]:
    """Return for each word its days and the index of its revenue, from the orders themselves."""
    counts = Counter(map(word, days))
    sums: Counter[str] = Counter()
    for day in days:
        sums[word(day)] += SOLD.get(day, 0)
    mean = Fraction(sums.total(), len(days))
    return {
        name: (counts[name], float(round(Fraction(total, counts[name]) / mean, 6)))
        for name, total in sums.items()
        if total
    }


def told(answer: dict[str, Any], dimension: str) -> dict[str, tuple[int, float | None]]:
    return {
        row["group"][dimension]: (row["seasonality"]["days"], row["seasonality"]["index"][metric])
        for row in answer["rows"]
        if "seasonality" in row
        for metric in ("net_revenue",)
    }


def weekday(day: date) -> str:
    return calendar.day_name[day.weekday()].lower()


def month(day: date) -> str:
    return calendar.month_name[day.month].lower()


async def sold(brand: BrandClient, log: PostgresLog) -> str:
    """Make a placement with every order, and overhead; return its id."""
    creator = await brand.post("/v1/creators", {"name": "Mia"})
    body = {"creator_id": creator["id"], "platform": "instagram", "length_seconds": 30}
    placement = await brand.post("/v1/placements", body)
    cost = {"kind": "tools", "amount": "20.00", "currency": "EUR", "incurred_on": "2026-03-02"}
    await brand.post("/v1/costs", cost)
    await log.append(CREDITS, orders(brand, placement["id"]))
    await folded(brand)
    return str(placement["id"])


async def test_indexes_are_those_of_the_orders(
    owner_url: str, attribution_log: PostgresLog
) -> None:
    async with brand_running(owner_url) as brand:
        placement_id = await sold(brand, attribution_log)
        by_weekday = await brand.ok("GET", f"/v1/roi?{PERIOD}&group_by=weekday")
        assert told(by_weekday, "weekday") == expected(weekday, DAYS)
        by_month = await brand.ok("GET", f"/v1/roi?{PERIOD}&group_by=month_of_year")
        assert told(by_month, "month_of_year") == expected(month, DAYS)
        # Ratios have no index, and neither has overhead, which is of no day.
        assert {*by_month["rows"][0]["seasonality"]["index"]} == {"net_revenue", "conversions"}
        without = [row["label"] for row in by_month["rows"] if "seasonality" not in row]
        assert without == ["overhead"]
        assert by_month["meta"]["metrics"]["seasonality_index"]["version"] == 1
        listed = (await brand.ok("GET", "/v1/metrics"))["items"]
        assert "seasonality_index" in [item["id"] for item in listed]
        await other_days(brand)

        lengths = await brand.ok("GET", f"/v1/roi?{PERIOD}&group_by=length")
        assert [row["label"] for row in lengths["rows"]] == ["from_30_s", "overhead"]
        assert told(lengths, "length") == {}
        path = f"/v1/placements/{placement_id}"
        wrong = await brand.refused("PATCH", path, {"length_seconds": 0})
        assert "length_seconds" in wrong.errors


async def other_days(brand: BrandClient) -> None:
    """Filters by time, days that have not begun, and times change the days of the mean."""
    months = ((2025, 2), (2026, 2), (2025, 5))
    query = f"{PERIOD}&group_by=month_of_year&filter.month=2025-02,2026-02,2025-05"
    filtered = await brand.ok("GET", f"/v1/roi?{query}")
    of_orders = expected(month, [day for day in DAYS if (day.year, day.month) in months])
    # May is there once, so it has no index.
    assert told(filtered, "month_of_year") == of_orders | {"may": (31, None)}

    future = await brand.ok("GET", "/v1/roi?from=2023-12-01&to=2031-12-31&group_by=weekday")
    today = datetime.fromisoformat(future["meta"]["as_of"]).date()
    counted = sum(days for days, _ in told(future, "weekday").values())
    assert counted == (today - FIRST).days + 1

    times = "from=2023-12-01T00:00:00Z&to=2026-03-11T00:00:00Z&group_by=weekday"
    assert told(await brand.ok("GET", f"/v1/roi?{times}"), "weekday") == {}
