"""Shopify webhooks over HTTP: signatures, repeats with other headers, and the events they give."""

import gzip
import json
from typing import Any

import pytest

from shared.events import Noticed, OrderAdjusted, Ordered, fingerprint
from shared.ids import new_id
from tests.fixtures.samples import VendorSample
from tests.integration.tracking.world import OLD_SHOP_SECRET, SHOP_SECRET, Site, sign

ORDER: dict[str, Any] = {
    "id": 820982911946154508,
    "created_at": "2026-03-01T12:00:00+01:00",
    "processed_at": None,
    "updated_at": "2026-03-01T12:00:01+01:00",
    "cancelled_at": None,
    "currency": "EUR",
    "subtotal_price": "100.00",
    "total_tax": "15.97",
    "taxes_included": False,
    "email": "mia@shop.example",
    "customer": {"id": 7, "email": None},
    "discount_codes": [{"code": "mia10", "amount": "10.00"}],
    "note_attributes": [],
    "line_items": None,
    "refunds": [{"id": 1}],
    "something_new": {"deep": [1.5]},
}


async def test_an_order_becomes_an_event(site: Site) -> None:
    click_id = (await site.client.get("/mia")).headers["location"].split("lclid=")[1][:50]
    response = await site.deliver("orders/create", ORDER | {"landing_site": f"/?lclid={click_id}"})
    assert response.status_code == 200
    order = next(e for e in await site.events(2) if isinstance(e, Ordered))
    assert response.json() == {"accepted": True, "event_ids": [order.event_id], "errors": []}
    assert order.natural_id == "820982911946154508"
    assert (order.net_minor, order.currency, order.codes) == (10000, "EUR", ("MIA10",))
    assert order.person.click_id == click_id
    assert order.person.customer_id == "7"
    assert order.source.id == site.world.brand.connection_id
    assert "@" not in repr(order)


async def test_a_word_in_the_cart_hides_no_click_id_of_the_landing_page(site: Site) -> None:
    click_id = (await site.client.get("/mia")).headers["location"].split("lclid=")[1][:50]
    places = {
        "note_attributes": [{"name": "lclid", "value": "undefined"}],
        "landing_site": f"/p?utm_source=mia&amp;lclid={click_id}",
    }
    await site.deliver("orders/create", ORDER | places)
    order = next(e for e in await site.events(2) if isinstance(e, Ordered))
    assert (order.person.click_id, order.quality) == (click_id, ())
    assert order.click is not None
    assert order.click.link_id == site.world.brand.link_id


async def test_a_code_is_compared_as_a_person_sees_it(site: Site) -> None:
    typed = [
        {"code": f" {code} "} for code in ("mia\u200b10", "ｍｉａ１０", "MIA10\ufe0f", "mia 10")
    ]
    await site.deliver("orders/create", ORDER | {"discount_codes": typed})
    (order,) = await site.events(1)
    assert isinstance(order, Ordered)
    assert order.codes == ("MIA10", "MIA 10")


async def test_the_vendors_own_order_and_refund(site: Site, vendor_sample: VendorSample) -> None:
    order = vendor_sample("shopify/order")["order"]
    refund = vendor_sample("shopify/refund")["refund"]
    for topic, payload in (("orders/create", order), ("refunds/create", refund)):
        response = await site.deliver(topic, payload)
        assert response.status_code == 200
        assert response.json()["accepted"] is True
    for payload in vendor_sample("shopify/orders")["orders"]:
        assert (await site.deliver("orders/updated", payload)).json()["accepted"] is True
    events = await site.events(3)
    ordered = next(e for e in events if isinstance(e, Ordered))
    adjusted = next(e for e in events if isinstance(e, OrderAdjusted))
    assert (ordered.natural_id, ordered.net_minor, ordered.codes) == (
        "450789469",
        39800,
        ("TENOFF",),
    )
    assert ordered.occurred_at.year == 2008
    assert (adjusted.natural_id, adjusted.amount_minor, adjusted.capped, adjusted.currency) == (
        "450789469",
        20900,
        True,
        "USD",
    )


async def test_only_the_shops_signature_counts(site: Site) -> None:
    body = json.dumps(ORDER).encode()
    right = sign(body, SHOP_SECRET)
    good = await site.deliver("orders/create", body)
    rotated = await site.deliver("orders/create", body, secret=OLD_SHOP_SECRET)
    assert (good.status_code, rotated.status_code) == (200, 200)
    bad_bodies = [
        json.dumps(ORDER, indent=1).encode(),
        body.replace(b"100.00", b"900.00"),
        body + b" ",
        b"",
        gzip.compress(body),
    ]
    for sent in bad_bodies:
        assert (await site.deliver("orders/create", body, sent=sent)).status_code == 401
    bad_signatures = [
        sign(body, "another"),
        bytes.fromhex("00" * 32).hex(),
        "",
        "=",
        right + "x",
        right[:-1],
        "x" * 10_240,
        f"{right},{right}",
    ]
    for signature in bad_signatures:
        response = await site.deliver(
            "orders/create", body, headers={"X-Shopify-Hmac-Sha256": signature}
        )
        assert response.status_code == 401, signature
        assert response.headers["content-type"] == "application/problem+json"


async def test_strange_signature_headers_are_401(site: Site) -> None:
    body = json.dumps(ORDER).encode()
    path = f"/webhooks/shopify/{site.world.brand.connection_id}"
    right = sign(body, SHOP_SECRET).encode()
    name, domain = b"x-shopify-hmac-sha256", (b"x-shopify-shop-domain", b"mia.myshopify.com")
    for values in ([b"\xff\xfe\xe4"], [right, right], [b"x", right], []):
        headers = [(name, value) for value in values] + [domain]
        response = await site.client.post(path, content=body, headers=headers)
        assert response.status_code == 401


async def test_another_shop_or_connection_is_refused(site: Site) -> None:
    other = await site.deliver(
        "orders/create", ORDER, headers={"X-Shopify-Shop-Domain": "evil.myshopify.com"}
    )
    unknown = await site.deliver("orders/create", ORDER, connection_id=new_id())
    nonsense = await site.deliver("orders/create", ORDER, connection_id="%00")
    assert (other.status_code, unknown.status_code) == (401, 404)
    assert nonsense.status_code in (400, 404)


async def test_a_replay_with_other_headers_changes_nothing(site: Site) -> None:
    """Anybody who has a signed delivery can repeat it under other headers."""
    first = await site.deliver("orders/create", ORDER)
    headers = {"X-Shopify-Webhook-Id": "new", "X-Shopify-Triggered-At": "2030-01-01T00:00:00Z"}
    again = await site.deliver("orders/create", ORDER, headers=headers)
    assert first.json() == again.json()
    without_field = {name: value for name, value in ORDER.items() if name != "cancelled_at"}
    for topic in ("orders/cancelled", "refunds/create", "app/uninstalled", "x"):
        for payload in (ORDER, without_field):
            answer = (await site.deliver(topic, payload)).json()
            assert (answer["accepted"], len(answer["event_ids"])) == (True, 1)
    events = await site.events(10)
    assert not [e for e in events if isinstance(e, OrderAdjusted)]
    orders = [e for e in events if isinstance(e, Ordered)]
    assert {(e.net_minor, e.natural_id, e.version) for e in orders} == {
        (10000, "820982911946154508", 1772362801000000)
    }


async def test_a_delivery_that_is_not_used_is_noticed(site: Site) -> None:
    unused = (await site.deliver("app/uninstalled", {"id": 1})).json()
    again = (await site.deliver("products/update", {"id": 1})).json()
    redact = {"customer": {"id": 191167, "email": "mia@shop.example"}, "orders_to_redact": []}
    await site.deliver("customers/redact", redact)
    assert unused == again
    assert (unused["accepted"], unused["errors"]) == (True, [])
    noticed = [e for e in await site.events(3) if isinstance(e, Noticed)]
    assert [event.event_id for event in noticed[:2]] == unused["event_ids"] * 2
    assert [(e.vendor, e.topic, e.task, e.reference) for e in noticed] == [
        ("shopify", "app/uninstalled", None, None),
        ("shopify", "products/update", None, None),
        ("shopify", "customers/redact", "erase_customer", "191167"),
    ]
    assert "@" not in repr(noticed)
    assert len({fingerprint(event) for event in noticed[:2]}) == 1


async def test_the_token_of_the_checkout_is_stored_hashed(site: Site) -> None:
    token = "3f1c0dd1f2b94e3a9d6b"
    await site.deliver("orders/create", ORDER | {"checkout_token": token, "cart_token": "x" * 20})
    claim = {"order_id": str(ORDER["id"]), "occurred_at": "2026-03-01T11:00:00Z", "net": "1"}
    body = claim | {"currency": "EUR", "claim_token": f" {token} "}
    await site.post("/v1/conversions", body, site.world.brand.public_key)
    orders = [e for e in await site.events(2) if isinstance(e, Ordered)]
    assert {e.source.kind for e in orders} == {"webhook", "public"}
    assert len({e.claim_token_hash for e in orders}) == 1
    assert orders[0].claim_token_hash is not None
    assert token not in repr(orders)


async def test_a_cancelled_order_is_a_version_and_so_is_the_order_that_lives_again(
    site: Site,
) -> None:
    cancelled_at, again_at = "2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z"
    body = ORDER | {"cancelled_at": cancelled_at, "updated_at": cancelled_at}
    await site.deliver("orders/cancelled", body)
    await site.deliver("orders/cancelled", body)
    await site.deliver("orders/updated", ORDER | {"updated_at": again_at})
    orders = [e for e in await site.events(3) if isinstance(e, Ordered)]
    assert len({e.event_id for e in orders}) == 2
    assert [e.cancelled for e in sorted(orders, key=lambda e: e.version)] == [True, True, False]
    assert {e.net_minor for e in orders} == {10000}


async def test_deliveries_of_one_second_are_ordered_by_their_time_and_topic(site: Site) -> None:
    for topic, net, tick in (("orders/updated", "120.00", 2), ("orders/create", "100.00", 1)):
        time = {"X-Shopify-Triggered-At": f"2026-03-01T11:00:01.{tick}00000000Z"}
        await site.deliver(topic, ORDER | {"subtotal_price": net}, headers=time)
    first, second = sorted(
        (e for e in await site.events(2) if isinstance(e, Ordered)), key=lambda e: e.tie_break
    )
    assert (first.net_minor, second.net_minor) == (10000, 12000)
    assert first.version == second.version


async def test_an_order_tells_of_its_refunds_what_their_own_deliveries_tell(site: Site) -> None:
    refund: dict[str, Any] = {
        "id": 9,
        "order_id": ORDER["id"],
        "created_at": "2026-03-03T10:00:00Z",
        "refund_line_items": [{"subtotal": "20.00", "total_tax": "3.19"}],
        "transactions": [
            {"kind": "refund", "status": "pending", "amount": "23.19", "currency": "EUR"}
        ],
    }
    await site.deliver("refunds/create", refund)
    await site.deliver("orders/updated", ORDER | {"refunds": [refund]})
    failed = refund | {"transactions": [refund["transactions"][0] | {"status": "failure"}]}
    await site.deliver("orders/updated", ORDER | {"refunds": [failed]})
    refunds = [e for e in await site.events(5) if isinstance(e, OrderAdjusted)]
    assert [(e.amount_minor, e.pending) for e in refunds] == [
        (2000, True),
        (2000, True),
        (0, False),
    ]
    assert refunds[0].event_id == refunds[1].event_id
    assert refunds[1].version < refunds[2].version


@pytest.mark.parametrize(
    ("topic", "payload", "field"),
    [
        ("orders/create", {k: v for k, v in ORDER.items() if k != "id"}, "id"),
        ("orders/create", ORDER | {"subtotal_price": None}, "subtotal_price"),
        ("orders/create", ORDER | {"subtotal_price": "1e999"}, "subtotal_price"),
        ("orders/create", ORDER | {"currency": None}, "subtotal_price"),
        ("orders/create", ORDER | {"created_at": "yesterday"}, "created_at"),
        ("orders/create", ["list"], "body"),
        ("orders/create", b"no json", "body"),
        ("orders/create", b'{"id": ' + b"9" * 5_000 + b"}", "body"),
        ("refunds/create", {"id": 1, "order_id": None, "transactions": []}, "order_id"),
        ("refunds/create", {"id": 1}, "body"),
    ],
)
async def test_a_signed_delivery_that_cannot_be_used_is_reported_and_counted(
    site: Site, topic: str, payload: Any, field: str
) -> None:
    response = await site.deliver(topic, payload)
    assert response.status_code == 200
    assert response.json()["accepted"] is False
    assert response.json()["errors"][0]["field"] == field
    metrics = (await site.client.get("/metrics")).text
    assert 'laurel_intake_total{outcome="unusable",type="shopify"} 1.0' in metrics
