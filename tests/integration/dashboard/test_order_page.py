"""The page of an order: reached from every list whatever its id, and each state says what it is."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from services.dashboard.tables.texts import plain_words
from tests.e2e.installation import Brand, eventually
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

# Ids with signs that mean something in an address.
ODD_IDS = ("A/1", "50%41", "x?y&z=1", "2 3", "buyer@shop.example")


MONEY = {"net": "20.00", "currency": "EUR"}


def now() -> str:
    """Return the present moment."""
    return datetime.now(UTC).isoformat()


def order_of_store(brand: Brand, store: str, id_: str, **money: str) -> None:
    """Report an order of a store, as soon as the store is known to tracking."""
    body = {"order_id": id_, "store": store, "occurred_at": now(), **money}
    eventually(
        lambda: brand.tracking.post("/v1/conversions", json=body).status_code == 202 or None,
        what="the order of the store is accepted",
    )


def page(visitor: Visitor, order: str) -> str:
    """Return the page of an order, whether it is there or not."""
    return html.unescape(visitor.client.get(f"/app/orders/{order}").text)


def rows_of(text: str) -> list[str]:
    """Return the addresses of the orders of a list, in its order."""
    found = re.findall(r'<a href="(/app/orders/[^"]+)"', text)
    return [html.unescape(address) for address in found]


def test_each_order_of_a_list_leads_to_its_page(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    outlet = brand.create("stores", name="Outlet")
    for number, id_ in enumerate(ODD_IDS):
        brand.order(id_, net=f"{number + 1}0.00", currency="EUR", occurred_at=now())
    brand.order("7", net="77.00", currency="EUR", occurred_at=now())
    order_of_store(brand, outlet["id"], "7", net="88.00", currency="EUR")
    lead = {"kind": "lead", "conversion_id": "lead/7", "occurred_at": now()}
    assert brand.tracking.post("/v1/conversions", json=lead).status_code == 202
    count = len(ODD_IDS) + 3
    with Visitor(dashboard, brand.key) as visitor:
        lines = eventually(
            lambda: found if len(found := visitor.csv("/app/orders.csv")) == count else None,
            what="the orders are on the page",
        )
        addresses = rows_of(visitor.get("/app/orders"))
        assert len(addresses) == count
        for line, address in zip(lines, addresses, strict=True):
            text = html.unescape(visitor.get(address))
            assert f"<h1>Order {line['order_id']}</h1>" in text, address
            told = f"€{line['net']} net" if line["net"] else "carries no money"
            assert told in text, address
            panel = next(one for one in re.findall(r'href="([^"]+panel=ledger)"', text))
            assert sum(entry["model"] == "last" for entry in visitor.csv(panel)) == 1, panel
        assert [one["net"] for one in visitor.csv("/app/orders.csv?store=Outlet")] == ["88.00"]


def test_an_id_of_several_stores_leads_to_all_of_them(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    for name in ("North", "South"):
        store = brand.create("stores", name=name)
        order_of_store(brand, store["id"], "twin", **MONEY)
    with Visitor(dashboard, brand.key) as visitor:
        eventually(
            lambda: len(rows_of(visitor.get("/app/orders"))) == 2 or None,
            what="both orders are on the page",
        )
        text = html.unescape(visitor.get("/app/orders/twin", 404))
        assert "several stores have it" in text
        search = next(iter(re.findall(r'class="button" href="(/app/orders\?[^"]+)"', text)))
        found = rows_of(visitor.get(search))
        assert len(found) == 2
        for address in found:
            visitor.get(address)


def test_an_order_won_by_an_earlier_one_leads_to_it(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    mia = brand.create("creators", name="Mia")
    brand.create("codes", code="MIA10", creator_id=mia["id"])
    brand.create("policies", valid_from="2020-01-01T00:00:00Z", retention_days=365)
    person = {"customer_id": "c-1"}
    days = {"first": "2026-11-01T10:00:00Z", "later": "2026-11-20T10:00:00Z"}
    for id_, codes in (("first", ["MIA10"]), ("later", [])):
        brand.order(id_, **MONEY, occurred_at=days[id_], person=person, codes=codes)
    with Visitor(dashboard, brand.key) as visitor:
        text = eventually(
            lambda: told if "Mia gets all of it" in (told := page(visitor, "later")) else None,
            what="the later order is credited",
        )
        assert "no touch of its own earns it" in text
        link = re.search(r'<a href="([^"]+)">purchase first</a>', text)
        assert link is not None
        assert "the buyer typed a code MIA10 of Mia" in visitor.get(link[1])


def test_a_touch_that_does_not_count_says_why_to_who_asks_for_its_creator(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    mia, leo = (brand.create("creators", name=name) for name in ("Mia", "Leo"))
    link = brand.create("links", creator_id=mia["id"], destination="https://shop.example/")
    brand.create("codes", code="LEO10", creator_id=leo["id"])
    person = {"click_id": brand.click(link["code"])}
    brand.order("1", **MONEY, occurred_at=now(), person=person, codes=["LEO10"])
    with Visitor(dashboard, brand.key) as visitor:
        text = eventually(
            lambda: told if "Leo gets all" in (told := page(visitor, "1")) else None,
            what="the order is credited",
        )
        assert "1 other touch was set aside." in text
        text = page(visitor, f"1?creator={mia['id']}")
        told = brand.attribution.get(
            "/v1/explanations", params={"order_id": "1", "creator_id": mia["id"]}
        ).json()["creator"]
        (touch,) = told["candidates"]
        assert f"<b>Mia:</b> {told['sentence']}" in text
        said = f"The buyer clicked a link of Mia: {touch['failed_test']};"
        assert f"<li>{said} {plain_words(touch['would_count_if'])}.</li>" in text


def test_a_refund_is_a_change_a_decision_and_entries_taken_back(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    mia = brand.create("creators", name="Mia")
    brand.create("codes", code="MIA10", creator_id=mia["id"])
    brand.order("1", **MONEY, occurred_at=now(), codes=["MIA10"])
    with Visitor(dashboard, brand.key) as visitor:
        eventually(
            lambda: "Mia gets all of it" in page(visitor, "1") or None, what="the order is credited"
        )
        refund = {"order_id": "1", "adjustment_id": "r-1", "kind": "refund", "amount": "5.00"}
        refund["currency"] = "EUR"
        sent = brand.tracking.post("/v1/adjustments", json={**refund, "occurred_at": now()})
        assert sent.status_code == 202, sent.text
        text = eventually(
            lambda: told if "brought €15.00 net" in (told := page(visitor, "1")) else None,
            what="the refund counts",
        )
        assert "new data of the order: a refund" in text
        assert "taken back" in text
        (change,) = visitor.csv("/app/orders/1.csv?panel=adjustments")
        assert (change["amount"], change["net_change"], change["counted"]) == (
            "5.00",
            "-5.00",
            "true",
        )
        last = visitor.csv("/app/orders/1.csv?panel=ledger")
        amounts = [Decimal(one["amount"]) for one in last if one["model"] == "last"]
        # An order that came before its code was decided once more.
        assert amounts[-2:] == [Decimal("-20.00"), Decimal("15.00")]
        assert sum(amounts) == Decimal("15.00")


@pytest.mark.parametrize("wrong", [{"status": "paid"}, {"store": "nowhere"}, {"kind": "gift"}])
def test_a_wrong_search_names_the_field_and_can_be_cleared(
    demo: Visitor, wrong: dict[str, str]
) -> None:
    text = html.unescape(demo.get(f"/app/orders?{urlencode(wrong)}"))
    assert f"{next(iter(wrong))}: " in text
    assert 'href="/app/orders">Clear the filters' in text


def test_the_search_offers_the_stores_of_the_brand(demo: Visitor, empty: Visitor) -> None:
    text = demo.get("/app/orders")
    assert ">Roastery outlet</option>" in text
    assert '<select name="store">' not in empty.get("/app/orders")


def test_examples_of_attention_lead_to_their_orders(demo: Visitor) -> None:
    found = rows_of(demo.get("/app/attention"))
    assert found
    for address in found:
        demo.get(address)
    lines = demo.csv("/app/attention.csv?panel=examples-unmatched_surveys")
    assert [line["order"] for line in lines] == ["asked-11", "asked-10"]


def test_records_are_tried_again_by_a_form(demo: Visitor) -> None:
    done = demo.send("/app/attention/retry", "/app/attention", ids="")
    assert done.status_code == 303, done.text
    assert "0 could be used now" in demo.get(done.headers["location"])
