"""Reports by API key over HTTP: accepted events, scopes of keys, and refusals that name fields."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.events import Lead, OrderAdjusted, Ordered, Quality
from shared.ids import new_id
from tests.integration.tracking.world import Site

MOMENT = "2026-03-01T12:00:00Z"
ORDER: dict[str, Any] = {
    "order_id": "A-1",
    "occurred_at": MOMENT,
    "net": "49.90",
    "currency": "EUR",
}
REFUND: dict[str, Any] = {
    "order_id": "A-1",
    "adjustment_id": "R-1",
    "kind": "refund",
    "amount": "9.90",
    "currency": "EUR",
    "occurred_at": MOMENT,
}


async def test_a_conversion_is_an_event_with_its_keys_hashed(site: Site) -> None:
    brand = site.world.brand
    click = (await site.client.get("/mia")).headers["location"]
    click_id = click.split("lclid=")[1].removesuffix("#top")
    body = ORDER | {
        "person": {"click_id": click_id, "email": " Mia@Shop.example ", "customer_id": "c@d.de"},
        "codes": [" mia10 ", "MIA10", "\uff2dia10"],
        "new_customer": True,
        "shipping": "4.90",
        "tax": {"amount_minor": 797},
        "lines": [{"sku": "x"}],
    }
    response = await site.post("/v1/conversions", body)
    assert response.status_code == 202
    order = next(e for e in await site.events(2) if isinstance(e, Ordered))
    assert response.json() == {"event_id": order.event_id, "accepted": True}
    assert (order.net_minor, order.currency, order.codes) == (4990, "EUR", ("MIA10",))
    assert order.click is not None
    assert order.click.link_id == brand.link_id
    assert order.person.click_id == click_id
    hashed = brand.sealer.email_hash(brand.workspace_id, "mia@shop.example")
    assert order.person.email_hash == hashed
    assert order.person.customer_id == "email:" + brand.sealer.email_hash(
        brand.workspace_id, "c@d.de"
    )
    assert (order.source.kind, order.new_customer) == ("secret", True)


async def test_a_repeated_call_has_one_id_and_two_sources_have_two(site: Site) -> None:
    first = await site.post("/v1/conversions", ORDER)
    again = await site.post("/v1/conversions", ORDER | {"event_id": "mine"})
    claimed = await site.post("/v1/conversions", ORDER, site.world.brand.public_key)
    lead = await site.post(
        "/v1/conversions", {"kind": "lead", "conversion_id": "A-1", "occurred_at": MOMENT}
    )
    ids = [response.json()["event_id"] for response in (first, again, claimed, lead)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    events = await site.events(4)
    assert {e.source.kind for e in events} == {"secret", "public"}
    assert any(isinstance(e, Lead) and e.net_minor is None for e in events)


async def test_blanks_around_an_id_make_no_difference(site: Site) -> None:
    first = await site.post("/v1/conversions", ORDER)
    again = await site.post("/v1/conversions", ORDER | {"order_id": "\u00a0 A-1\n "})
    refunds = [
        await site.post("/v1/adjustments", REFUND | {"order_id": order, "adjustment_id": own})
        for order, own in (("A-1", "R-1"), (" A-1 ", "\tR-1"))
    ]
    assert first.json() == again.json()
    assert refunds[0].json() == refunds[1].json()
    events = await site.events(4)
    assert {getattr(event, "natural_id", None) for event in events} == {"A-1"}


PAST: dict[str, Any] = ORDER | {"history": True, "person": {"email": "ann@shop.example"}}


async def test_a_past_order_is_stored_as_history_beside_the_order_itself(site: Site) -> None:
    past = await site.post("/v1/conversions", PAST | {"codes": ["MIA10"]})
    batch = await site.post("/v1/events", [PAST | {"type": "ordered"}, ORDER | {"type": "ordered"}])
    assert (past.status_code, batch.status_code) == (202, 202)
    assert batch.json() == {"accepted": 2, "rejected": []}
    events = [e for e in await site.events(3) if isinstance(e, Ordered)]
    assert [e.history for e in events].count(True) == 2
    assert {e.codes for e in events} == {()}
    assert len({e.event_id for e in events}) == 2


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": None}, "occurred_at"),
        ({"person": {"visitor_id": "v1"}}, "person"),
        ({"kind": "lead", "order_id": None, "conversion_id": "1"}, "history"),
        ({"history": "perhaps"}, "history"),
        ({"history": None}, "history"),
    ],
)
async def test_what_a_past_order_lacks_is_named(
    site: Site, fields: dict[str, Any], named: str
) -> None:
    answer = await site.post("/v1/conversions", PAST | fields)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [named]


async def test_a_public_key_reports_no_past_orders(site: Site) -> None:
    public = site.world.brand.public_key
    answer = await site.post("/v1/conversions", PAST, public)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "history"
    batch = await site.post("/v1/events", [PAST | {"type": "ordered"}], public)
    assert batch.json()["accepted"] == 0
    assert batch.json()["rejected"][0]["errors"][0]["field"] == "history"


@pytest.mark.parametrize("last", ["1970-01-02T00:00:00Z", "8999-12-30T23:59:59.999999Z"])
async def test_the_first_and_the_last_time_are_accepted(site: Site, last: str) -> None:
    answer = await site.post("/v1/conversions", ORDER | {"occurred_at": last})
    assert answer.status_code == 202, answer.text


async def test_net_is_derived_but_never_guessed(site: Site) -> None:
    body = {k: v for k, v in ORDER.items() if k != "net"}
    derived = await site.post("/v1/conversions", body | {"subtotal": "60", "discount": "10.1"})
    missing = await site.post("/v1/conversions", body)
    wrong = await site.post("/v1/conversions", ORDER | {"subtotal": "60", "discount": "10"})
    assert (derived.status_code, missing.status_code, wrong.status_code) == (202, 422, 422)
    assert missing.json()["errors"][0]["field"] == wrong.json()["errors"][0]["field"] == "net"
    (event,) = await site.events(1)
    assert isinstance(event, Ordered)
    assert event.net_minor == 4990


BAD_FIELDS = [
    ("net", 49.9),
    ("net", "49.999"),
    ("net", "-1"),
    ("net", "1e5"),
    ("net", "NaN"),
    ("net", {"amount_minor": 4990.5}),
    ("net", {"amount_minor": 2**62}),
    ("currency", "EURO"),
    ("currency", "XYZ"),
    ("currency", "XXX"),
    ("currency", "XTS"),
    ("currency", "XBA"),
    ("currency", "XAU"),
    ("currency", "CLF"),
    ("currency", "DEM"),
    ("net", {"amount": "1.00", "currency": "XAU"}),
    ("occurred_at", "2026-03-01"),
    ("occurred_at", "2026-03-01T12:00:00"),
    ("occurred_at", 1),
    ("occurred_at", "1970-01-01T00:00:00+14:00"),
    ("occurred_at", "1970-01-01T00:00:00Z"),
    ("occurred_at", "8999-12-31T23:59:59-12:00"),
    ("occurred_at", "9999-12-31T23:59:59.999999Z"),
    ("occurred_at", "9999-12-31T23:59:59-14:00"),
    ("occurred_at", "0001-01-01T00:00:00+14:00"),
    ("order_id", ""),
    ("order_id", "  "),
    ("order_id", "x" * 129),
    ("order_id", 7),
    ("order_id", "a\x00b"),
    ("order_id", "\ud800"),
    ("order_id", "a\nb"),
    ("order_id", "a\x7fb"),
    ("order_id", "a\u200bb"),
    ("order_id", "\u2028"),
    ("event_id", "a\tb"),
    ("person.customer_id", "a\rb"),
    ("kind", "gift"),
    ("codes", ["x"] * 21),
    ("person.email", "nobody"),
    ("person.visitor_id", ""),
    ("person.phone", "1"),
    ("surprise", 1),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
async def test_a_bad_field_is_named(site: Site, field: str, value: Any) -> None:
    outer, _, inner = field.partition(".")
    body = ORDER | {outer: {inner: value} if inner else value}
    response = await site.client.post(
        "/v1/conversions",
        content=json.dumps(body),
        headers=site.world.brand.bearer() | {"Content-Type": "application/json"},
    )
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"].startswith(field)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"net": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("path", ["/v1/conversions", "/v1/events"])
async def test_malformed_bodies_are_refused(site: Site, path: str, body: bytes) -> None:
    response = await site.client.post(
        path,
        content=body,
        headers=site.world.brand.bearer() | {"Content-Type": "application/json"},
    )
    assert response.status_code in (400, 422), response.text
    assert response.json()["status"] == response.status_code


async def test_adjustments_follow_their_rules(site: Site) -> None:
    async def status(**changes: Any) -> int:
        body = {k: v for k, v in (REFUND | changes).items() if v is not None}
        return (await site.post("/v1/adjustments", body)).status_code

    assert await status() == 202
    assert await status() == 202
    assert await status(adjustment_id="R-2", amount=None, amount_minor=990) == 202
    assert await status(adjustment_id="R-3", kind="cancel", amount=None, currency=None) == 202
    assert await status(adjustment_id="R-4", kind="edit", amount=None, net_after="5") == 202
    assert await status(kind="edit") == 422
    assert await status(amount="0") == 422
    assert await status(amount=None) == 422
    assert await status(amount=None, amount_minor=1, currency=None) == 422
    assert await status(net_after="5") == 422
    events = [e for e in await site.events(5) if isinstance(e, OrderAdjusted)]
    assert len(events) == 5
    assert len({e.event_id for e in events}) == 4
    cancel = next(e for e in events if e.kind == "cancel")
    assert (cancel.amount_minor, cancel.net_after_minor, cancel.currency) == (None, None, None)


async def test_keys_and_scopes(site: Site) -> None:
    brand = site.world.brand
    without_key = await site.client.post("/v1/conversions", json=ORDER)
    unknown = await site.post("/v1/conversions", ORDER, "lrl_sec_abcdefgh_" + "x" * 32)
    reader = await site.post("/v1/conversions", ORDER, brand.read_key)
    adjuster = await site.post("/v1/adjustments", REFUND, brand.public_key)
    elsewhere = await site.client.post(
        "/v1/conversions",
        json=ORDER,
        headers=brand.bearer(brand.public_key) | {"Origin": "https://evil.example"},
    )
    at_home = await site.client.post(
        "/v1/conversions",
        json=ORDER,
        headers=brand.bearer(brand.public_key) | {"Origin": "https://shop.example"},
    )
    statuses = [r.status_code for r in (without_key, unknown, reader, adjuster, elsewhere, at_home)]
    assert statuses == [401, 401, 403, 403, 403, 202]


async def test_a_batch_is_answered_item_by_item(site: Site) -> None:
    items: list[Any] = [
        {"type": "ordered", **ORDER},
        {"type": "ordered", "kind": "lead", **ORDER},
        {"type": "order_adjusted", **REFUND},
        {"type": "identified", "occurred_at": MOMENT, "person": {"customer_id": "c"}},
        {"type": "identified", "occurred_at": MOMENT, "person": {}},
        {"type": "clicked", "occurred_at": MOMENT, "link": "MIA", "user_agent": "Googlebot/2.1"},
        {"type": "clicked", "occurred_at": MOMENT, "link": "stranger"},
        {"type": "visited", "occurred_at": MOMENT, "page": "https://a.de/x?email=a@b.de#c"},
        {"type": "viewed", "occurred_at": MOMENT, "placement_id": new_id()},
        {"type": "surveyed", "occurred_at": MOMENT, "placement_id": "x"},
        {"type": "referred", "occurred_at": MOMENT, "code": " friend "},
        {"type": "engaged", "occurred_at": MOMENT, "action": "cart"},
        {"type": "erased", "occurred_at": MOMENT, "person": {"customer_id": "c"}},
        {"type": "lead", "occurred_at": MOMENT, "conversion_id": "a\x00"},
        "text",
        7,
    ]
    response = await site.post("/v1/events", items)
    assert response.status_code == 202
    answer = response.json()
    assert answer["accepted"] == 8
    assert [r["index"] for r in answer["rejected"]] == [1, 4, 6, 9, 12, 13, 14, 15]
    fields = [r["errors"][0]["field"] for r in answer["rejected"]]
    assert fields[:6] == ["kind", "person", "link", "placement_id", "type", "conversion_id"]
    text = repr(await site.events(8))
    assert "a@b.de" not in text
    assert "https://a.de/x'" in text


async def test_a_batch_without_a_good_event_is_answered(site: Site) -> None:
    brand = site.world.brand
    bad = await site.post("/v1/events", [{}, None])
    empty = await site.post("/v1/events", [])
    claimed = await site.post(
        "/v1/events", [{"type": "order_adjusted", **REFUND}], brand.public_key
    )
    assert (bad.status_code, bad.json()["accepted"], len(bad.json()["rejected"])) == (202, 0, 2)
    assert empty.json() == {"accepted": 0, "rejected": []}
    assert claimed.json()["rejected"][0]["errors"][0]["field"] == "type"
    assert (await site.post("/v1/events", [0] * 501)).status_code == 413
    assert (await site.post("/v1/events", {"type": "lead"})).status_code == 422


async def test_a_retry_key_replaces_a_natural_key(site: Site) -> None:
    body = [{"type": "referred", "occurred_at": MOMENT, "code": "A"}]
    for headers in ({"Idempotency-Key": "k"}, {"Idempotency-Key": "k"}, {}, {}):
        await site.client.post("/v1/events", json=body, headers=site.world.brand.bearer() | headers)
    named = [{**body[0], "event_id": "mine"}]
    await site.client.post("/v1/events", json=named, headers=site.world.brand.bearer())
    await site.client.post(
        "/v1/events", json=named, headers=site.world.brand.bearer() | {"Idempotency-Key": "z"}
    )
    ids = [event.event_id for event in await site.events(6)]
    assert len(ids) == 6
    assert len(set(ids)) == 4


async def test_a_foreign_click_id_is_flagged_and_dropped(site: Site) -> None:
    await site.post("/v1/conversions", ORDER | {"person": {"click_id": "undefined"}})
    (event,) = await site.events(1)
    assert isinstance(event, Ordered)
    assert event.quality == (Quality.FOREIGN_CLICK_ID,)
    assert (event.click, event.person.click_id) == (None, None)


async def test_the_future_is_clamped_and_does_not_change_the_id(site: Site) -> None:
    later = site.world.brand.clock.now() + timedelta(days=2)
    future = await site.post("/v1/conversions", ORDER | {"occurred_at": later.isoformat()})
    present = await site.post("/v1/conversions", ORDER)
    assert future.json()["event_id"] == present.json()["event_id"]
    clamped = next(e for e in await site.events(2) if e.quality)
    assert clamped.quality == (Quality.CLAMPED,)
    assert clamped.occurred_at == clamped.received_at


async def test_calls_of_later_releases_are_absent(site: Site) -> None:
    for path in ("/v1/collect", "/v1/erasures", "/v1/batch", "/track/lead"):
        assert (await site.post(path, {})).status_code == 404, path
    assert (await site.client.post("/webhooks/stripe/x", content=b"{}")).status_code == 404
    assert (await site.client.get("/p.gif")).status_code == 404
