"""Two stores of a brand through the public API: equal order ids, customers, and explanations."""

from typing import Any, Final

import pytest

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, eventually

pytestmark = pytest.mark.xdist_group("installation")

AT: Final = "2026-03-01T12:00:00Z"
DELIVERED: Final[Json] = {
    "id": 5001,
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
    "currency": "EUR",
    "subtotal_price": "70.00",
    "taxes_included": False,
    "line_items": [],
}


@pytest.fixture(scope="module")
def brand(installation: Installation) -> Brand:
    brand = Brand.in_new_workspace(installation, f"stores{new_id()[-8:]}")
    brand.create("stores", name="Outlet", external_id="outlet")

    def knows() -> bool:
        body = {"type": "identified", "occurred_at": AT, "person": {"visitor_id": "nobody"}}
        answer = brand.tracking.post("/v1/events", json=[body | {"store": "outlet"}])
        return bool(answer.json()["accepted"] == 1)

    eventually(lambda: knows() or None, what="tracking knows the store")
    return brand


def explained(brand: Brand, order_id: str, **query: str) -> Json | None:
    answer = brand.attribution.get("/v1/explanations", params={"order_id": order_id, **query})
    return answer.json() if answer.status_code == 200 else None


def sale(brand: Brand, order_id: str, net: str, **fields: Any) -> None:
    brand.order(order_id, net=net, currency="EUR", occurred_at=AT, **fields)


def test_one_order_id_in_two_stores_is_two_orders_that_explain_and_balance(brand: Brand) -> None:
    sale(brand, "1001", "49.90", store="main")
    sale(brand, "1001", "7.00", store="outlet")
    refund = {"order_id": "1001", "adjustment_id": "r1", "kind": "refund", "amount": "2.00"}
    told = refund | {"currency": "EUR", "occurred_at": AT, "store": "Outlet"}
    assert brand.tracking.post("/v1/adjustments", json=told).status_code == 202

    def nets() -> list[Json] | None:
        found = [explained(brand, "1001", store=name) for name in ("main", "outlet")]
        nets = [item["net"]["amount_minor"] for item in found if item]
        return [item for item in found if item] if nets == [4990, 500] else None

    here, there = eventually(nets, what="both orders are decided")
    assert here["store"] == "main"
    (outlet,) = [s for s in brand.roi.get("/v1/stores").json()["items"] if s["name"] == "Outlet"]
    assert there["store"] == outlet["id"]
    assert explained(brand, "1001") == here
    brand.assert_verified()


def test_an_order_of_one_other_store_is_found_and_of_several_the_404_names_them(
    brand: Brand,
) -> None:
    brand.create("stores", name="Till", external_id="till")
    sale(brand, "2001", "1.00", store="outlet")
    found = eventually(lambda: explained(brand, "2001"), what="the order is explained")
    assert explained(brand, "2001", store="outlet") == found
    assert explained(brand, "2001", store="main") is None

    def sold() -> bool | None:
        body = {"order_id": "2001", "net": "2.00", "currency": "EUR", "occurred_at": AT}
        answer = brand.tracking.post("/v1/conversions", json=body | {"store": "till"})
        return answer.status_code == 202 or None

    eventually(sold, what="tracking knows the store")
    eventually(lambda: explained(brand, "2001", store="till"), what="the order is explained")
    answer = brand.attribution.get("/v1/explanations", params={"order_id": "2001"})
    assert answer.status_code == 404
    assert "Outlet, Till" in answer.json()["detail"]


def test_one_customer_id_in_two_stores_is_two_customers_and_one_email_is_one(
    brand: Brand,
) -> None:
    creator = brand.create("creators", name="Mia")
    link = brand.create("links", creator_id=creator["id"], destination="https://shop.example/")
    click_id = brand.click(link["code"])
    ana = {"click_id": click_id, "customer_id": "17", "email": "ana@shop.example"}
    clicked_at = "2999-01-01T00:00:00Z"  # in the future: the order gets the time of receipt
    money = {"net": "5.00", "currency": "EUR", "occurred_at": clicked_at}
    brand.order("3001", person=ana, store="outlet", **money)
    brand.order("3002", person={"customer_id": "17"}, store="main", **money)
    brand.order("3003", person={"email": "ana@shop.example"}, store="main", **money)

    # Until attribution knows the link, an order after a click on it is organic.
    expected = {"3001": "credited", "3002": "organic", "3003": "credited"}

    def statuses() -> bool:
        found = {order: explained(brand, order) for order in expected}
        return {order: item["status"] for order, item in found.items() if item} == expected

    eventually(statuses, what="two orders are credited, and the customer of main is another one")


def test_an_unnamed_store_counts_in_main_and_is_listed(brand: Brand) -> None:
    sale(brand, "4001", "1.00")

    def listed() -> list[str] | None:
        answer = brand.attribution.get("/v1/attention", params={"kind": "unnamed_stores"})
        items = answer.json()["items"]
        return [example["order_id"] for example in items[0]["examples"]] if items else None

    assert eventually(listed, what="the order is listed") == ["4001"]
    found = explained(brand, "4001")
    assert found is not None
    assert found["store"] == "main"


def test_two_shopify_shops_with_one_order_number_are_two_orders(brand: Brand) -> None:
    second = brand.create("connections", kind="shopify", secret=brand.shop_secret)
    assert second["store_id"] != brand.connection["store_id"]
    first = brand.connection

    def delivered() -> bool | None:
        return brand.shopify("orders/create", DELIVERED).status_code == 200 or None

    for brand.connection in (second, first):
        eventually(delivered, what="the connection is known")

    def both() -> list[Json] | None:
        stores = ("main", second["store_id"])
        found = [explained(brand, "5001", store=store) for store in stores]
        return [item for item in found if item] if all(found) else None

    assert {item["store"] for item in eventually(both, what="both orders are decided")} == {
        "main",
        second["store_id"],
    }
    brand.assert_verified()
