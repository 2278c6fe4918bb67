"""The story on every kind of installation: click, sale, refund, answer, explanation.

It runs on the embedded default, on Apache Kafka with three separate processes, and on the
PostgreSQL 15 of Debian if it is installed.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.installation import Brand, Installation, Json, by_label, eventually
from tests.fixtures.samples import VendorSample

pytestmark = pytest.mark.xdist_group("e2e")


def shopify_order(order_id: int, **fields: Any) -> Json:
    """Return an order as Shopify sends it: money as strings, unknown values as null."""
    now = datetime.now(UTC).isoformat()
    return {
        "id": order_id,
        "email": f"buyer{order_id}@shop.example",
        "created_at": now,
        "processed_at": now,
        "updated_at": now,
        "currency": "EUR",
        "financial_status": "paid",
        "subtotal_price": "49.90",
        "total_discounts": "0.00",
        "total_tax": "7.97",
        "taxes_included": False,
        "customer": {"id": order_id + 1},
        "discount_codes": [],
        "note_attributes": [],
        "landing_site": None,
        **fields,
    }


class StoryCatalog:
    """The creators, content and costs of the brand, made through the API."""

    def __init__(self, brand: Brand) -> None:
        self.mia = brand.create("creators", name="Mia", handle="@mia")
        self.tom = brand.create("creators", name="Tom", handle="@tom")
        self.spring = brand.create("campaigns", name="Spring", objective="sales")
        self.reel = brand.create(
            "placements",
            creator_id=self.mia["id"],
            campaign_id=self.spring["id"],
            platform="instagram",
        )
        self.link = brand.create(
            "links", placement_id=self.reel["id"], destination="https://shop.example/bag?color=red"
        )
        self.code = brand.create("codes", code="tom10", creator_id=self.tom["id"])
        self.fee = brand.create(
            "costs", kind="fee", amount="20.00", currency="EUR", placement_id=self.reel["id"]
        )


def wait_for_creators(brand: Brand, minor: dict[str, int]) -> Json:
    """Return the answer of /v1/roi as soon as the creators earned so much.

    Until attribution knows a link or a code, its order is organic. The last order is organic, so
    that there is some.
    """

    def look() -> Json | None:
        answer = brand.roi_answer()
        rows = {label: row["net_revenue"] for label, row in by_label(answer).items()}
        earned = {label: money["amount_minor"] for label, money in rows.items() if money}
        is_told = {label: earned.get(label) for label in minor} == minor
        return answer if is_told and answer["organic"]["net_revenue"]["amount_minor"] else None

    return eventually(look, what=f"the creators earned {minor}")


def test_the_story(laurel: Installation, vendor_sample: VendorSample) -> None:
    """Three parts, each with its own brand in one installation."""
    a_click_becomes_a_credited_cent_and_an_answer(laurel, Brand(laurel))
    a_refund_and_a_cancellation_take_the_money_back(Brand.in_new_workspace(laurel, "refunds"))
    vendor = Brand.in_new_workspace(laurel, "vendor")
    the_vendors_own_order_and_refund_are_credited(vendor, vendor_sample)


def a_click_becomes_a_credited_cent_and_an_answer(laurel: Installation, brand: Brand) -> None:
    catalog = StoryCatalog(brand)
    click_id = brand.click(catalog.link["code"])
    order = shopify_order(1001, note_attributes=[{"name": "lclid", "value": click_id}])
    assert brand.shopify("orders/create", order).status_code == 200
    assert brand.shopify("orders/create", order).status_code == 200
    coded = shopify_order(1002, discount_codes=[{"code": " TOM10", "amount": "5.00"}])
    assert brand.shopify("orders/create", coded).status_code == 200
    brand.order("1003", net="10.00", currency="EUR", occurred_at=datetime.now(UTC).isoformat())

    answer = wait_for_creators(brand, {"Mia": 4990, "Tom": 4990})
    assert answer["totals"]["net_revenue"]["amount_minor"] == 4990 + 4990 + 1000
    rows = by_label(answer)
    assert rows["Mia"]["net_revenue"] == {"amount_minor": 4990, "currency": "EUR"}
    assert rows["Mia"]["cost"] == {"amount_minor": 2000, "currency": "EUR"}
    assert rows["Mia"]["profit"] == {"amount_minor": 2990, "currency": "EUR"}
    assert (rows["Mia"]["roi"], rows["Mia"]["roas"]) == (1.495, 2.495)
    assert (rows["Mia"]["clicks"], rows["Mia"]["conversions"]) == (1, 1)
    assert rows["Tom"]["net_revenue"] == {"amount_minor": 4990, "currency": "EUR"}
    assert rows["Tom"]["roi"] is None
    assert answer["organic"]["net_revenue"] == {"amount_minor": 1000, "currency": "EUR"}
    explain_the_story(laurel, brand, catalog)


def explain_the_story(laurel: Installation, brand: Brand, catalog: StoryCatalog) -> None:
    """Check the explanation, the balance, `laurel explain` and `laurel verify`."""
    why = brand.explanation("1001")
    assert why is not None
    assert why["status"] == "credited"
    kept = [c for c in why["revisions"][-1]["candidates"] if c["verdict"] == "kept"]
    assert [(c["kind"], c["placement_id"]) for c in kept] == [("click", catalog.reel["id"])]
    assert brand.credited_to("1001") == {catalog.reel["id"]: 4990}
    balance = brand.attribution.get("/v1/ledger/balance").json()
    assert balance["items"]
    assert all(item["difference_minor"] == 0 for item in balance["items"])
    told = laurel.command("explain", "1001")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Mia" in told.stdout
    assert "49.90" in told.stdout
    proved = laurel.command("verify")
    assert proved.returncode == 0, proved.stdout + proved.stderr


def a_refund_and_a_cancellation_take_the_money_back(brand: Brand) -> None:
    now = datetime.now(UTC)
    refund = {
        "id": 1,
        "order_id": 2001,
        "created_at": (now + timedelta(seconds=1)).isoformat(),
        "refund_line_items": [{"subtotal": "9.90", "total_tax": "1.58"}],
        "transactions": [],
    }
    assert brand.shopify("refunds/create", refund).status_code == 200, (
        "a refund may come before its order"
    )
    eventually(
        lambda: brand.attribution.get("/v1/ledger/balance").json()["unmatched_adjustments"] or None,
        what="the refund waits for its order",
    )
    assert brand.shopify("orders/create", shopify_order(2001)).status_code == 200
    eventually(
        lambda: brand.credited_to("2001") == {"organic": 4000} or None,
        what="the refund is taken away",
    )
    cancelled = shopify_order(2001, cancelled_at=(now + timedelta(seconds=2)).isoformat())
    cancelled["updated_at"] = (now + timedelta(seconds=2)).isoformat()
    assert brand.shopify("orders/cancelled", cancelled).status_code == 200
    eventually(
        lambda: brand.credited_to("2001") == {} or None, what="the cancellation leaves nothing"
    )


def the_vendors_own_order_and_refund_are_credited(
    brand: Brand, vendor_sample: VendorSample
) -> None:
    order = vendor_sample("shopify/order")["order"]
    refund = vendor_sample("shopify/refund")["refund"]
    ann = brand.create("creators", name="Ann")
    brand.create("codes", code="TENOFF", creator_id=ann["id"])
    assert brand.shopify("orders/create", order).status_code == 200
    assert brand.shopify("refunds/create", refund).status_code == 200
    order_id = str(order["id"])

    def credited() -> Json | None:
        sums = brand.credited_to(order_id)
        return sums if list(sums.values()) == [39800 - 20900] else None

    account = next(iter(eventually(credited, what="the order of 2008 is credited less its refund")))
    assert account != "organic"

    def answered() -> Json | None:
        answer = brand.roi_answer(**{"from": "2008-01-01", "to": "2008-01-31"})
        row = by_label(answer).get("Ann", {"net_revenue": None})
        return row if row["net_revenue"] == {"amount_minor": 18900, "currency": "USD"} else None

    assert eventually(answered, what="the answer for January 2008 shows it")["conversions"] == 1
