"""A brand with a hundred creators, each with content, a cost, a link, clicks and orders.

Promise: everything comes through the public API, by imports and events. Amounts differ, so that no
two rows are equal.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tests.e2e.installation import Brand, Installation, eventually

CREATORS: Final = 100
ORDERS_EACH: Final = 3
BATCH: Final = 500


def fill(installation: Installation, brand: Brand) -> None:
    """Make the hundred creators and their month, and wait until the answers have it."""
    today = datetime.now(UTC)
    day = (today - timedelta(days=10)).date().isoformat()
    names = [f"Creator {number:03}" for number in range(CREATORS)]
    rows = [
        f"{name},@c{number},instagram,{1000 * (number + 1)}" for number, name in enumerate(names)
    ]
    _import(brand, "creators", "name,handle,platform,followers", rows)
    rows = [f"instagram,{name},p{number},{day}T08:00:00Z" for number, name in enumerate(names)]
    _import(brand, "placements", "platform,creator,external_id,published_at", rows)
    rows = [f"fee,{day},EUR,{20 + number}.50,{name}" for number, name in enumerate(names)]
    _import(brand, "costs", "kind,incurred_on,currency,amount,creator", rows)
    rows = [f"https://shop.example/,{name},crowd-{number}" for number, name in enumerate(names)]
    _import(brand, "links", "destination,creator,code", rows)
    events = [event for number in range(CREATORS) for event in _events(today, number)]
    eventually(lambda: _code_works(installation), what="the links work")
    for start in range(0, len(events), BATCH):
        answer = brand.tracking.post("/v1/events", json=events[start : start + BATCH])
        assert answer.status_code == 202, answer.text
        assert answer.json()["rejected"] == []
    orders = CREATORS * ORDERS_EACH
    eventually(
        lambda: brand.roi_answer(group_by="creator")["program"]["orders_placed"] == orders,
        what="all orders are in the answers",
    )


def _code_works(installation: Installation) -> bool:
    client = installation.client("tracking")
    return client.head(f"/crowd-{CREATORS - 1}").status_code == 302


def _import(brand: Brand, what: str, header: str, rows: list[str]) -> None:
    answer = brand.roi.post(f"/v1/imports/{what}", json={"file": "\n".join((header, *rows)) + "\n"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["created"] == len(rows), answer.text


def _events(today: datetime, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for turn in range(ORDERS_EACH):
        at = today - timedelta(days=1 + (number + turn) % 8, minutes=number)
        person = {"visitor_id": f"visitor-{number}-{turn}"}
        found.append(
            {
                "type": "clicked",
                "link": f"crowd-{number}",
                "event_id": f"click-{number}-{turn}",
                "occurred_at": at.isoformat(),
                "person": person,
            }
        )
        found.append(
            {
                "type": "ordered",
                "order_id": f"order-{number}-{turn}",
                "occurred_at": (at + timedelta(hours=1)).isoformat(),
                "net": f"{30 + number}.{turn}0",
                "currency": "EUR",
                "person": person,
            }
        )
    return found
