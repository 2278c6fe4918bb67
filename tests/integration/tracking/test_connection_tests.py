"""A test of a connection says what a delivery would become, and keeps nothing."""

import json
from typing import Any

import httpx

from services.tracking.store.quotas import KEYS_A_WORKSPACE, TESTS_A_MINUTE
from shared.events import Ordered
from shared.ids import new_id
from shared.sealing import new_api_key
from tests.integration.tracking.test_quotas import ENVIRON, EVENTS, REFERRED, assert_refused
from tests.integration.tracking.test_shopify_webhooks import ORDER
from tests.integration.tracking.world import SHOP_DOMAIN, SHOP_SECRET, Brand, Site, World, sign


async def tried(
    site: Site, payload: Any, topic: str = "orders/create", **options: Any
) -> httpx.Response:
    """Send a payload to the test of the brand's connection, with a key that may read."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    connection_id = options.get("connection_id", site.world.brand.connection_id)
    headers = {"X-Shopify-Topic": topic, **options.get("headers", {})}
    key = options.get("key", site.world.brand.read_key)
    return await site.client.post(
        f"/v1/connections/{connection_id}/test",
        content=body,
        headers={**headers, **site.world.brand.bearer(key)},
    )


async def test_an_order_says_what_it_would_become(site: Site) -> None:
    click_id = (await site.client.get("/mia")).headers["location"].split("lclid=")[1][:50]
    codes = [{"code": "mia10"}, {"code": "unknown20"}]
    order = ORDER | {"landing_site": f"/?lclid={click_id}", "discount_codes": codes}
    answer = await tried(site, order)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["accepted"], told["signature_valid"], told["errors"]) == (True, False, [])
    (event,) = told["events"]
    assert (event["type"], event["order_id"]) == ("ordered", "820982911946154508")
    assert event["net"] == {"amount_minor": 10_000, "currency": "EUR"}
    assert event["keys"] == ["click_id", "customer_id", "email"]
    assert event["codes"] == ["MIA10", "UNKNOWN20"]
    assert event["click"]["found"] is True
    assert event["click"]["link_id"] == site.world.brand.link_id
    assert event["warnings"] == ["no creator owns the code UNKNOWN20"]
    assert "@" not in answer.text
    # Nothing was kept but the click; the same delivery then becomes the same event.
    await site.events(1)
    await site.deliver("orders/create", order)
    (stored,) = [one for one in await site.events(2) if isinstance(one, Ordered)]
    assert stored.event_id == event["event_id"]


async def test_what_makes_an_order_count_for_less_is_said(site: Site) -> None:
    later = "2099-01-01T00:00:00Z"
    nobody: dict[str, Any] = {"email": None, "customer": None, "discount_codes": [], "test": True}
    note = [{"name": "lclid", "value": "made-up"}]
    (event,) = (
        await tried(site, ORDER | nobody | {"note_attributes": note, "created_at": later})
    ).json()["events"]
    assert event["click"] == {
        "found": False,
        "link_id": None,
        "clicked_at": None,
        "reason": "the payload has a click id that Laurel did not make for this workspace",
    }
    said = " ".join(event["warnings"])
    for words in ("test order", "in the future", "nothing tells who the customer is"):
        assert words in said
    (event,) = (await tried(site, ORDER)).json()["events"]
    assert event["click"]["reason"] == "the payload has no click id"


async def test_other_payloads_are_read_as_webhooks_are(site: Site) -> None:
    refund = {
        "id": 1,
        "order_id": 2,
        "created_at": "2026-03-01T12:00:00Z",
        "refund_line_items": [{"subtotal": "10.00", "total_tax": "1.60"}],
        "transactions": [{"kind": "refund", "status": "success", "currency": "EUR"}],
    }
    (event,) = (await tried(site, refund, "refunds/create")).json()["events"]
    assert (event["type"], event["order_id"], event["adjustment_kind"]) == (
        "order_adjusted",
        "2",
        "refund",
    )
    (event,) = (await tried(site, {"id": 1}, "themes/update")).json()["events"]
    assert (event["type"], event["topic"]) == ("noticed", "themes/update")
    for broken in ({"id": 1, "subtotal_price": "x"}, b"no json", b""):
        told = (await tried(site, broken)).json()
        assert told["accepted"] is False
        assert told["errors"]
        assert told["events"] == []
    body = json.dumps(ORDER).encode()
    signed = {
        "X-Shopify-Hmac-Sha256": sign(body, SHOP_SECRET),
        "X-Shopify-Shop-Domain": SHOP_DOMAIN,
    }
    assert (await tried(site, body, headers=signed)).json()["signature_valid"] is True
    await site.events(0)


async def test_only_the_workspaces_own_connections_are_tested(site: Site) -> None:
    unknown = await tried(site, ORDER, connection_id=new_id())
    assert unknown.status_code == 404
    secret = site.world.brand.secret_key
    assert (await tried(site, ORDER, key=secret)).status_code == 403
    path = f"/v1/connections/{site.world.brand.connection_id}/test"
    assert (await site.client.post(path, json=ORDER)).status_code == 401
    foreign = Brand()
    await site.world.publish(foreign.key(foreign.read_key, "read"))
    await site.ready()
    other = await site.client.post(path, json=ORDER, headers=foreign.bearer(foreign.read_key))
    while other.status_code == 401:  # until tracking knows the key
        other = await site.client.post(path, json=ORDER, headers=foreign.bearer(foreign.read_key))
    assert other.status_code == 404


async def test_tests_have_a_quota_of_their_own(world: World) -> None:
    """A workspace that tests as much as it may, still sends as many events as it may."""
    keys = [new_api_key(public=False) for _ in range(KEYS_A_WORKSPACE)]
    await world.publish(*(world.brand.key(key, "track") for key in keys))
    async with world.serving(environ=ENVIRON) as site:
        await site.ready()
        for _ in range(TESTS_A_MINUTE):
            assert (await tried(site, ORDER)).status_code == 200
        refused = await tried(site, ORDER)
        assert_refused(refused, f"this key may send {TESTS_A_MINUTE} tests of connections")
        for key in keys:
            sent = await site.post("/v1/events", [REFERRED] * EVENTS, key)
            assert sent.json()["accepted"] == EVENTS, sent.text
