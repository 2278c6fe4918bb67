"""Orders: the search shows what the API finds; an order leads from its touches to its entries."""

import html
import re
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]


def explanation(installation: Installation, visitor: Visitor, order_id: str) -> Any:
    attribution = installation.client("attribution", visitor.key)
    return attribution.get("/v1/explanations", params={"order_id": order_id}).json()


def test_all_pages_of_the_search_hold_all_orders(installation: Installation, demo: Visitor) -> None:
    attribution = installation.client("attribution", demo.key)
    told = attribution.get("/v1/orders", params={"limit": 200, "kind": "renewal"}).json()["items"]
    address: str | None = "/app/orders?from=all&kind=renewal"
    shown: list[dict[str, str]] = []
    while address is not None:
        shown += demo.csv(address.replace("/app/orders?", "/app/orders.csv?"))
        following = re.search(r'rel="next" href="([^"]+)"', demo.get(address))
        address = None if following is None else html.unescape(following[1])
    assert [line["order_id"] for line in shown] == [order["order_id"] for order in told]
    for line, order in zip(shown, told, strict=True):
        assert Decimal(line["net"]) == Decimal(order["net"]["amount_minor"]).scaleb(-2)
        assert line["status"] == order["status"]


@pytest.mark.parametrize("query", ["q=NOMAD10", "q=shared-8", "status=organic", "q=Mia+Lindqvist"])
def test_a_search_finds_what_the_api_finds(
    installation: Installation, demo: Visitor, query: str
) -> None:
    name, _, value = query.partition("=")
    asked = {"query" if name == "q" else name: value.replace("+", " "), "limit": "50"}
    attribution = installation.client("attribution", demo.key)
    told = attribution.get("/v1/orders", params=asked).json()["items"]
    shown = demo.csv(f"/app/orders.csv?from=all&{query}")
    assert told
    assert [line["order_id"] for line in shown] == [order["order_id"] for order in told]


def test_nothing_found_offers_to_clear_the_search(demo: Visitor) -> None:
    text = demo.get("/app/orders?q=no-such-order")
    assert "Nothing matches." in text
    assert 'href="/app/orders">Clear the filters' in text


def test_an_order_shows_shares_touches_and_entries_that_add_up(
    installation: Installation, demo: Visitor
) -> None:
    told = explanation(installation, demo, "shared-8")
    text = html.unescape(demo.get("/app/orders/shared-8"))
    assert "gets 1/2 of it" in text
    net = Decimal(told["net"]["amount_minor"]).scaleb(-2)
    for panel in ("credits", "ledger"):
        lines = demo.csv(f"/app/orders/shared-8.csv?panel={panel}")
        by_model: dict[str, Decimal] = {}
        for line in lines:
            by_model[line["model"]] = by_model.get(line["model"], Decimal(0)) + Decimal(
                line["amount"]
            )
        assert by_model
        assert set(by_model.values()) == {net}
    touches = demo.csv("/app/orders/shared-8.csv?panel=touches")
    assert len(touches) == len(told["revisions"][-1]["candidates"])


def test_a_refunded_order_shows_what_was_taken_back(
    installation: Installation, demo: Visitor
) -> None:
    attribution = installation.client("attribution", demo.key)
    orders = attribution.get("/v1/orders", params={"limit": 200}).json()["items"]
    given_back = next(one for one in orders if one["net"] and one["net"]["amount_minor"] == 0)
    address = f"/app/orders/{given_back['order_id']}"
    told = explanation(installation, demo, given_back["order_id"])
    assert len(demo.csv(f"{address}.csv?panel=adjustments")) == len(told["adjustments"])
    ledger = demo.csv(f"{address}.csv?panel=ledger")
    assert sum(Decimal(line["amount"]) for line in ledger) == 0


def test_why_not_a_creator_is_answered_in_words(installation: Installation, demo: Visitor) -> None:
    creators = installation.client("roi", demo.key).get("/v1/creators").json()["items"]
    aria = next(one for one in creators if one["name"] == "Aria Stone")
    text = html.unescape(demo.get(f"/app/orders/shared-8?creator={aria['id']}"))
    attribution = installation.client("attribution", demo.key)
    asked = {"order_id": "shared-8", "creator_id": aria["id"]}
    told = attribution.get("/v1/explanations", params=asked).json()["creator"]
    assert f"<b>Aria Stone:</b> {told['sentence']}" in text


def test_an_unknown_order_is_a_page(demo: Visitor) -> None:
    assert "Not found" in demo.get("/app/orders/no-such-order", 404)
