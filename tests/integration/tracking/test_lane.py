"""The lane in front of the app and the app behind it: the same answer to every request, sound or not."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fixtures.http import running
from tests.integration.tracking.test_claims import BAD_FIELDS, ORDER, REFUND
from tests.integration.tracking.world import SHOP_DOMAIN, SHOP_SECRET, Site, sign

CONVERSIONS = "/v1/conversions"
JSON = {"Content-Type": "application/json"}

SOUND: list[tuple[str, dict[str, Any]]] = [
    (CONVERSIONS, ORDER),
    (CONVERSIONS, ORDER | {"net": {"amount_minor": 4990}, "codes": ["a", "b"], "tax": "1"}),
    (CONVERSIONS, {"kind": "lead", "conversion_id": "L", "occurred_at": ORDER["occurred_at"]}),
    (CONVERSIONS, ORDER | {"person": {"email": "ä@b.de", "click_id": "undefined"}}),
    ("/v1/adjustments", REFUND),
    ("/v1/adjustments", REFUND | {"kind": "edit", "amount": None, "net_after": "3"}),
]
RAW: list[tuple[str, bytes, dict[str, str]]] = [
    ("no body", b"", JSON),
    ("no json", b"{", JSON),
    ("null", b"null", JSON),
    ("an array", b"[]", JSON),
    ("a key twice", b'{"net": "1", "net": "2"}', JSON),
    ("a byte order mark", b"\xef\xbb\xbf" + json.dumps(ORDER).encode(), JSON),
    ("deep", b'{"lines": ' + b"[" * 40 + b"]" * 40 + b"}", JSON),
    ("huge", b'{"order_id": "' + b"x" * 1_100_000 + b'"}', JSON),
    ("no type", json.dumps(ORDER).encode(), {}),
    ("text", json.dumps(ORDER).encode(), {"Content-Type": "text/plain"}),
    ("a charset", json.dumps(ORDER).encode(), {"Content-Type": "application/json; charset=utf-8"}),
    ("a suffix", json.dumps(ORDER).encode(), {"Content-Type": "application/vnd.x+json"}),
    ("a near miss", json.dumps(ORDER).encode(), {"Content-Type": "application/jsonx"}),
    ("gzip", json.dumps(ORDER).encode(), JSON | {"Content-Encoding": "gzip"}),
    ("a long retry key", json.dumps(ORDER).encode(), JSON | {"Idempotency-Key": "k" * 256}),
    ("a retry key", json.dumps(ORDER).encode(), JSON | {"Idempotency-Key": "k"}),
    ("an id", json.dumps(ORDER).encode(), JSON | {"X-Request-Id": "an-id-of-mine"}),
    ("no key", json.dumps(ORDER).encode(), JSON | {"Authorization": ""}),
    ("no bearer", json.dumps(ORDER).encode(), JSON | {"Authorization": "Basic eDp5"}),
]


ORDER_PAYLOAD: dict[str, Any] = {
    "id": 7,
    "created_at": "2026-03-01T12:00:00Z",
    "currency": "EUR",
    "subtotal_price": "49.90",
}
DELIVERIES: list[tuple[str, bytes, dict[str, str], int]] = [
    ("orders/create", json.dumps(ORDER_PAYLOAD).encode(), {}, 200),
    ("orders/create", json.dumps(ORDER_PAYLOAD | {"currency": None}).encode(), {}, 200),
    ("orders/create", b"no json", {}, 200),
    ("app/uninstalled", b"{}", {}, 200),
    ("orders/create", b"{}", {"X-Shopify-Hmac-Sha256": "AAAA"}, 401),
    ("orders/create", b"{}", {"X-Shopify-Shop-Domain": "evil.example"}, 401),
    ("orders/create", b"{}", {"Content-Encoding": "gzip"}, 415),
]


class Both:
    """One process behind two addresses: with the lane, and the app alone."""

    def __init__(self, site: Site, app: httpx.AsyncClient) -> None:
        self._site = site
        self._app = app

    async def post(
        self, path: str, body: bytes, headers: dict[str, str], key: str | None = None
    ) -> httpx.Response:
        """Both answers are the same; the lane's."""
        sent = self._site.world.brand.bearer(key) | headers
        mine = await self._site.client.post(path, content=body, headers=sent)
        other = await self._app.post(path, content=body, headers=sent)
        assert mine.status_code == other.status_code, mine.text
        assert _without_id(mine) == _without_id(other)
        assert set(mine.headers) == set(other.headers)
        for name in set(mine.headers) - {"x-request-id", "date", "content-length"}:
            assert mine.headers[name] == other.headers[name], name
        return mine


def _without_id(answer: httpx.Response) -> Any:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


@pytest.fixture
async def both(site: Site) -> AsyncIterator[Both]:
    async with (
        running(site.tracking.app) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield Both(site, client)


async def test_sound_claims(both: Both, site: Site) -> None:
    for path, body in SOUND:
        answer = await both.post(path, json.dumps(body).encode(), JSON)
        assert answer.status_code == 202, answer.text
        assert answer.json()["accepted"] is True
    assert len(await site.events(2 * len(SOUND))) == 2 * len(SOUND)
    metrics = (await site.client.get("/metrics")).text
    assert (
        'laurel_http_requests_total{method="POST",route="/v1/conversions",status="202"} 8.0'
        in metrics
    )
    assert 'laurel_http_request_seconds_count{route="/v1/adjustments"} 4.0' in metrics


async def test_bad_fields(both: Both) -> None:
    for field, value in BAD_FIELDS:
        outer, _, inner = field.partition(".")
        body = json.dumps(ORDER | {outer: {inner: value} if inner else value})
        answer = await both.post(CONVERSIONS, body.encode(), JSON)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].startswith(field)


async def test_strange_requests(both: Both) -> None:
    statuses = {
        name: (await both.post(CONVERSIONS, body, headers)).status_code
        for name, body, headers in RAW
    }
    taken = {name for name, status in statuses.items() if status == 202}
    assert taken == {"a byte order mark", "a charset", "a suffix", "a retry key", "an id"}
    assert min(statuses.values()) == 202
    assert max(statuses.values()) < 500


async def test_keys_and_their_limits(both: Both, site: Site) -> None:
    brand = site.world.brand
    order, refund = json.dumps(ORDER).encode(), json.dumps(REFUND).encode()
    elsewhere = JSON | {"Origin": "https://evil.example"}
    at_home = JSON | {"Origin": "https://shop.example"}
    answers = [
        await both.post(CONVERSIONS, order, JSON, "lrl_sec_abcdefgh_" + "x" * 32),
        await both.post(CONVERSIONS, order, JSON, brand.read_key),
        await both.post("/v1/adjustments", refund, JSON, brand.public_key),
        await both.post(CONVERSIONS, order, elsewhere, brand.public_key),
        await both.post(CONVERSIONS, order, at_home, brand.public_key),
    ]
    assert [answer.status_code for answer in answers] == [401, 403, 403, 403, 202]


async def test_a_body_that_comes_in_parts_and_a_disk_that_refuses(both: Both, site: Site) -> None:
    async def parts() -> AsyncIterator[bytes]:
        text = json.dumps(ORDER).encode()
        for start in range(0, len(text), 20):
            yield text[start : start + 20]

    streamed = await site.client.post(
        CONVERSIONS, content=parts(), headers=site.world.brand.bearer() | JSON
    )
    assert streamed.status_code == 202
    site.tracking.journal.trouble = "full, says this test"
    refused = await both.post(CONVERSIONS, json.dumps(ORDER).encode(), JSON)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    site.tracking.journal.trouble = ""


async def test_deliveries(both: Both, site: Site) -> None:
    brand = site.world.brand
    for topic, body, changes, status in DELIVERIES:
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": SHOP_DOMAIN,
            "X-Shopify-Hmac-Sha256": sign(body, SHOP_SECRET),
        }
        path = f"/webhooks/shopify/{brand.connection_id}"
        answer = await both.post(path, body, headers | changes)
        assert answer.status_code == status, (topic, answer.text)
    unknown = await both.post("/webhooks/shopify/nobody/x", b"{}", {})
    assert unknown.status_code == 404
    assert len(await site.events(2)) == 2
