"""What becomes of texts over HTTP: words and ids stay clear, what may be a name is hashed.

`tests/integration/test_private_texts.py` sends a name in every field and searches everything.
"""

from typing import Any

import pytest

from shared.events import Clicked, Converted, Engaged, Referred, Visited
from tests.integration.tracking.world import Site

ORDER: dict[str, Any] = {"net": "49.90", "currency": "EUR"}


def now(site: Site) -> str:
    return site.world.brand.clock.now().isoformat()


def hashed(site: Site, text: str) -> str:
    brand = site.world.brand
    return "text:" + brand.sealer.text_hasher()(brand.workspace_id, text)


async def test_a_public_key_writes_only_words_and_ids(site: Site) -> None:
    brand = site.world.brand
    moment = {"occurred_at": now(site)}
    sent = [
        {"type": "engaged", "action": "add_to_cart", "product_id": "sku-17", **moment},
        {"type": "engaged", "action": "greets Zaphod", "product_id": "Zaphod", **moment},
        {"type": "referred", "code": " mia10 ", **moment},
        {"type": "referred", "code": "Zaphod", **moment},
        {"type": "visited", "page": "https://shop.example/zaphod", **moment},
        {"type": "ordered", "order_id": "A-17", "codes": ["mia10", "zaphod"], **ORDER, **moment},
        {"type": "ordered", "order_id": "Zaphod", **ORDER, **moment},
    ]
    answer = await site.post("/v1/events", sent, brand.public_key)
    assert answer.json()["accepted"] == len(sent)
    events = await site.events(len(sent))
    assert "zaphod" not in repr(events).lower()
    engaged = [(e.action, e.product_id) for e in events if isinstance(e, Engaged)]
    assert engaged == [
        ("add_to_cart", "sku-17"),
        (hashed(site, "greets Zaphod"), hashed(site, "Zaphod")),
    ]
    codes = [e.code for e in events if isinstance(e, Referred)]
    assert codes == ["MIA10", hashed(site, "ZAPHOD")]
    pages = [e.page for e in events if isinstance(e, Visited)]
    assert pages == [hashed(site, "https://shop.example/zaphod")]
    orders = [(e.natural_id, e.codes) for e in events if isinstance(e, Converted)]
    assert orders == [
        ("A-17", ("MIA10", hashed(site, "ZAPHOD"))),
        (hashed(site, "Zaphod"), ()),
    ]


async def test_a_secret_key_writes_everything_without_an_at(site: Site) -> None:
    moment = {"occurred_at": now(site)}
    sent = [
        {"type": "engaged", "action": "greets", "product_id": "Beeblebrox", **moment},
        {"type": "visited", "page": "https://shop.example/beeblebrox?a=b", **moment},
        {"type": "ordered", "order_id": "BEEBLEBROX", "codes": ["SUMMER"], **ORDER, **moment},
        {"type": "engaged", "action": "a@b", "product_id": "a%40b", **moment},
        {"type": "visited", "page": "https://shop.example/a%2540b", **moment},
        {"type": "ordered", "order_id": "a&#64;b", "codes": ["a\uff20b"], **ORDER, **moment},
    ]
    assert (await site.post("/v1/events", sent)).json()["accepted"] == len(sent)
    first, second, third, fourth, fifth, sixth = await site.events(len(sent))
    assert isinstance(first, Engaged)
    assert (first.action, first.product_id) == ("greets", "Beeblebrox")
    assert isinstance(second, Visited)
    assert second.page == "https://shop.example/beeblebrox"
    assert isinstance(third, Converted)
    assert (third.natural_id, third.codes) == ("BEEBLEBROX", ("SUMMER",))
    assert isinstance(fourth, Engaged)
    assert fourth.action == fourth.product_id == hashed(site, "a@b")
    assert isinstance(fifth, Visited)
    assert fifth.page == hashed(site, "https://shop.example/a@b")
    assert isinstance(sixth, Converted)
    assert (sixth.natural_id, sixth.codes) == (hashed(site, "a@b"), (hashed(site, "A@B"),))


@pytest.mark.parametrize("spelled", ["z@x.de", "z&commat;x.de", "z\\u0040x.de", "z&#64;x.de"])
async def test_an_escape_is_found_before_a_text_is_cut_or_capitalised(
    site: Site, spelled: str
) -> None:
    moment = {"occurred_at": now(site)}
    sent = [
        {"type": "referred", "code": spelled, **moment},
        {"type": "visited", "page": f"/account/{spelled}", **moment},
    ]
    await site.post("/v1/events", sent)
    referred, visited = await site.events(2)
    assert isinstance(referred, Referred)
    assert referred.code == hashed(site, "Z@X.DE")
    assert isinstance(visited, Visited)
    assert visited.page is not None
    assert visited.page.startswith("text:")


@pytest.mark.parametrize("visitor_id", ["v-7", "Zaphod Beeblebrox", "zaphod%40shop.example", "x"])
async def test_both_kinds_of_key_store_a_browser_alike(site: Site, visitor_id: str) -> None:
    """The page and the shop name one browser, so its touches and its order must meet."""
    body = [{"type": "identified", "occurred_at": now(site), "person": {"visitor_id": visitor_id}}]
    for key in (site.world.brand.public_key, site.world.brand.secret_key):
        await site.post("/v1/events", body, key)
    first, second = await site.events(2)
    assert first.person == second.person
    assert (first.person.visitor_id == visitor_id) is (visitor_id == "v-7")
    assert "zaphod" not in repr(first).lower()


async def test_a_customer_is_no_name(site: Site) -> None:
    for customer in ("42", "cus_9s6XKzkNRiz8i3", "Zaphod Beeblebrox", "zaphod.beeblebrox"):
        body = {"occurred_at": now(site), "person": {"customer_id": customer}}
        await site.post("/v1/events", [{"type": "identified", **body}])
    found = [event.person.customer_id for event in await site.events(4)]
    assert found[:2] == ["42", "cus_9s6XKzkNRiz8i3"]
    assert found[2:] == [hashed(site, "Zaphod Beeblebrox"), hashed(site, "zaphod.beeblebrox")]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("bio", True), ("story-2", True), ("Zaphod", False), ("z%40x.de", False), ("z@x.de", False)],
)
async def test_a_sub_source_is_a_word_or_hashed(site: Site, sent: str, kept: bool) -> None:
    answer = await site.client.get("/mia", params={"s": sent})
    assert answer.status_code == 302
    (click,) = await site.events(1)
    assert isinstance(click, Clicked)
    expected = sent if kept else hashed(site, sent.replace("%40", "@"))
    assert click.sub_source == expected
