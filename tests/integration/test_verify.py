"""`laurel verify` finds a wrong day in real services; `laurel replay --publish` refills roi."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from services.attribution.store.event_accounts import EVENTS_MAX
from services.roi.store.rollups import ROLLUPS
from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, eventually

CREDITS: Final = (
    *ROLLUPS,
    "credit_entries",
    "touch_tallies",
    "social_counts",
    "count_changes",
    "conversion_people",
    "folded_records",
    "folds",
)
ZONE: Final = "Asia/Kathmandu"


@pytest.fixture
def brand(installation: Installation) -> Brand:
    """A brand with one order that was moved to another day, and one organic order."""
    found = Brand.in_new_workspace(installation, f"verified {new_id()}")
    assert found.roi.patch("/v1/workspace", json={"time_zone": ZONE}).is_success
    creator = found.create("creators", name="Mia")
    link = found.create("links", creator_id=creator["id"], destination="https://shop.example/")
    click_id = found.click(link["code"], **{"user-agent": "Mozilla/5.0"})
    now = datetime.now(UTC)
    found.order("organic", net="5.00", currency="EUR", occurred_at=now.isoformat())
    for revisions, days in ((1, 0), (2, 3)):
        updated_at = now + timedelta(seconds=days)
        told = found.shopify(
            "orders/updated", sale(click_id, now - timedelta(days=days), updated_at)
        )
        assert told.status_code == 200, told.text
        # Versions that arrive in one batch are decided once, and nothing is moved.
        what = f"decision {revisions} of the order"
        eventually(partial(decided, found, revisions), seconds=120, what=what)
    return found


def sale(click_id: str, at: datetime, updated_at: datetime) -> dict[str, Any]:
    """Send an order as Shopify does; each version may have another time."""
    return {
        "id": 77,
        "name": "#77",
        "processed_at": (at + timedelta(seconds=5)).isoformat(),
        "updated_at": updated_at.isoformat(),
        "currency": "EUR",
        "taxes_included": False,
        "subtotal_price": "49.90",
        "total_price": "49.90",
        "note_attributes": [{"name": "lclid", "value": click_id}],
    }


def decided(brand: Brand, revisions: int) -> bool | None:
    explained = brand.explanation("77")
    return True if explained and len(explained["revisions"]) >= revisions else None


def command(brand: Brand, *words: str) -> Any:
    return brand.laurel.command(*words, environment={"LAUREL_ADMIN_KEY": brand.key})


def as_owner(brand: Brand, *statements: str) -> None:
    """Change rows of a workspace without roi, which no product code does."""
    url = make_url(brand.laurel.environment["LAUREL_DATABASE_URL"])
    workspace = brand.roi.get("/v1/workspace").json()["id"]

    async def run() -> None:
        conn = await asyncpg.connect(
            user=url.username, database=url.database, host=url.query["host"]
        )
        try:
            for statement in statements:
                await conn.execute(f"{statement} workspace_id = '{workspace}'")
        finally:
            await conn.close()

    asyncio.run(run())


def test_verify_sees_a_row_that_lies_on_another_day(brand: Brand) -> None:
    holds = command(brand, "verify")
    assert holds.returncode == 0, holds.stdout + holds.stderr
    day = (datetime.now(UTC) - timedelta(days=3)).astimezone(ZoneInfo(ZONE)).date()
    # Another day of the same month, whose sums then stay right.
    other = day + timedelta(days=1 if day.day == 1 else -1)
    move = "UPDATE roi.rollups SET bucket_on = '{}' WHERE model = 'last' AND bucket_on = '{}' AND"
    as_owner(brand, move.format(other, day))
    found = command(brand, "verify")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "ledger against day" in found.stdout
    assert "ledger against answer" not in found.stdout, "over all of time the sums are right"
    as_owner(brand, move.format(day, other))
    assert command(brand, "verify").returncode == 0


def test_verify_and_doctor_print_what_needs_attention(brand: Brand) -> None:
    """It is no mismatch and nothing that is missing, so both still succeed."""
    body = {
        "order_id": "unknown",
        "adjustment_id": "r1",
        "kind": "cancel",
        "currency": "EUR",
        "occurred_at": datetime.now(UTC).isoformat(),
    }
    assert brand.tracking.post("/v1/adjustments", json=body).status_code == 202

    def listed() -> str | None:
        items = brand.attribution.get("/v1/attention").json()["items"]
        return items[0]["sentence"] if items else None

    sentence = eventually(listed, what="the adjustment is listed")
    proved = command(brand, "verify")
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert f"1 × {sentence}" in " ".join(proved.stdout.split())
    looked = command(brand, "doctor")
    assert f"1 × {sentence[:20]}" in " ".join(looked.stdout.split())


def test_an_roi_without_credits_comes_back_by_publishing_again(brand: Brand) -> None:
    assert command(brand, "verify").returncode == 0, "roi has folded everything"
    before = brand.roi_answer(group_by="day,model")
    assert before["rows"]
    as_owner(brand, *(f"DELETE FROM roi.{table} WHERE" for table in CREDITS))
    assert brand.roi_answer(group_by="day,model")["rows"] == []
    published = command(brand, "replay", "--publish")
    assert published.returncode == 0, published.stdout + published.stderr
    assert "are published again" in published.stdout
    holds = command(brand, "verify")
    assert holds.returncode == 0, holds.stdout + holds.stderr
    after = brand.roi_answer(group_by="day,model")
    assert (after["rows"], after["totals"]) == (before["rows"], before["totals"])
    again = command(brand, "replay", "--publish")
    assert again.returncode == 0, again.stdout + again.stderr
    assert command(brand, "verify").returncode == 0


def test_verify_sees_an_event_that_is_nowhere(brand: Brand) -> None:
    holds = command(brand, "verify")
    assert holds.returncode == 0, holds.stdout + holds.stderr
    # A click, an organic order and two versions of another order.
    assert "each of 4 events is accounted for: 3 booked, 1 superseded, 0 set aside" in " ".join(
        holds.stdout.split()
    )
    lost = "DELETE FROM attribution.evidence WHERE event_id = (SELECT min(event_id::text)::uuid"
    as_owner(
        brand,
        f"{lost} FROM attribution.evidence AS e WHERE e.workspace_id = evidence.workspace_id) AND",
    )
    events = brand.attribution.get("/v1/ledger/events").json()
    assert events["difference"] == 1
    found = command(brand, "verify")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "1 of 4 events are neither booked nor superseded nor set aside" in " ".join(
        (found.stdout + found.stderr).split()
    )


def test_verify_says_that_it_does_not_count_the_events_of_a_large_brand(brand: Brand) -> None:
    assert command(brand, "verify").returncode == 0
    as_owner(brand, f"UPDATE attribution.workspaces SET events_read = {EVENTS_MAX + 1} WHERE")
    found = command(brand, "verify")
    assert found.returncode == 0, found.stdout + found.stderr
    told = " ".join(found.stdout.split())
    assert "the ledger balances" in told
    assert "events not counted: " in told
    assert f"more than {EVENTS_MAX:,} events" in told
    assert "is accounted for" not in told


def test_replay_says_what_it_needs(brand: Brand) -> None:
    refused = command(brand, "replay")
    assert refused.returncode == 2
    assert "--publish" in refused.stderr
    calls = brand.attribution.post("/v1/replays", json={"publish": False})
    assert calls.status_code == 422
    assert brand.attribution.post("/v1/replays", json={}).status_code == 422
