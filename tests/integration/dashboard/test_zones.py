"""Days of a page are days of the brand: on both days on which its clocks change, in three zones.

Each brand sells once in every hour around both changes, by click and by code, on two platforms.
So each local day has as many orders as it has hours.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.installation import Brand, Installation, eventually
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

# Each zone with the two days of 2026 on which its clocks change, and the hours that they have.
# Lord Howe moves by half an hour.
ZONES: Final[Mapping[str, Mapping[date, float]]] = {
    "Europe/Berlin": {date(2026, 3, 29): 23, date(2026, 10, 25): 25},
    "America/New_York": {date(2026, 3, 8): 23, date(2026, 11, 1): 25},
    "Australia/Lord_Howe": {date(2026, 4, 5): 24.5, date(2026, 10, 4): 23.5},
}
FILTERS: Final = (
    "",
    "filter.platform=instagram",
    "filter.platform=-instagram&filter.evidence=code&filter.kind=purchase",
)
HALF_HOUR: Final = timedelta(minutes=30)
NET_MINOR: Final = 1_010


@pytest.mark.parametrize("zone", ZONES)
def test_headline_chart_file_and_api_agree_on_the_days_of_the_zone(
    installation: Installation, dashboard: str, zone: str
) -> None:
    brand = Brand.in_new_workspace(installation, f"zone-{zone.rpartition('/')[2].lower()}")
    patched = brand.roi.patch("/v1/workspace", json={"time_zone": zone})
    assert patched.status_code == 200, patched.text
    sold = [moment for day in ZONES[zone] for moment in half_hours(day, ZoneInfo(zone))]
    sell(brand, sold)
    with Visitor(dashboard, brand.key) as visitor:
        for day, hours in ZONES[zone].items():
            for filters in FILTERS:
                check(brand, visitor, day, filters)
            total = headline(brand, day, "")
            assert total == Decimal(NET_MINOR * round(2 * hours)).scaleb(-2), day


def check(brand: Brand, visitor: Visitor, day: date, filters: str) -> None:
    """Check the three days around a change against the API."""
    first, last = day - timedelta(days=1), day + timedelta(days=1)
    query = f"from={first}&to={last}&{filters}"
    told = answer(brand, first, last, filters)["program"]["net_revenue"]["amount_minor"]
    lines = visitor.csv(f"/app/overview.csv?panel=trend&{query}")
    points = {line["day"]: Decimal(line["net_revenue"]) for line in lines if line["line"] == "row"}
    assert list(points) == [first.isoformat(), day.isoformat(), last.isoformat()]
    assert sum(points.values()) == Decimal(told).scaleb(-2)
    assert points[day.isoformat()] == headline(brand, day, filters)
    assert f"€{Decimal(told).scaleb(-2):,.2f}" in visitor.get(f"/app/overview?{query}")


def headline(brand: Brand, day: date, filters: str) -> Decimal:
    minor = answer(brand, day, day, filters)["program"]["net_revenue"]["amount_minor"]
    return Decimal(minor).scaleb(-2)


def answer(brand: Brand, first: date, last: date, filters: str) -> dict[str, Any]:
    given = dict(part.split("=", 1) for part in filters.split("&") if part)
    return brand.roi_answer(
        **{"from": first.isoformat(), "to": last.isoformat(), "currency": "EUR", **given}
    )


def half_hours(day: date, zone: ZoneInfo) -> list[datetime]:
    """Return each half hour of a local day and of the days beside it."""
    begin = datetime.combine(day - timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=2), datetime.min.time(), zone).astimezone(UTC)
    return [begin + HALF_HOUR * step for step in range((end - begin) // HALF_HOUR)]


def sell(brand: Brand, moments: list[datetime]) -> None:
    """Sell once at each moment, in turn by a code on Instagram and on TikTok."""
    codes = []
    for platform in ("instagram", "tiktok"):
        creator = brand.create("creators", name=f"On {platform}")
        placement = brand.create("placements", creator_id=creator["id"], platform=platform)
        codes.append(f"{platform.upper()}10")
        brand.create(
            "codes", code=codes[-1], creator_id=creator["id"], placement_id=placement["id"]
        )
    events = [
        {
            "type": "ordered",
            "order_id": f"order-{number}",
            "occurred_at": moment.isoformat(),
            "net": f"{Decimal(NET_MINOR).scaleb(-2)}",
            "currency": "EUR",
            "codes": [codes[number % 2]],
        }
        for number, moment in enumerate(moments)
    ]
    reported = brand.tracking.post("/v1/events", json=events)
    assert reported.status_code == 202, reported.text
    assert reported.json()["rejected"] == []
    eventually(
        lambda: (
            brand.roi_answer(**{"from": "2026-01-01", "to": "2026-11-30"})["program"][
                "orders_placed"
            ]
            == len(events)
        ),
        what="all orders are in the answers",
    )
