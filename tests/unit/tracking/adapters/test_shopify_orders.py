"""Claims from Shopify's orders: versions, states, click ids, and all forms of numbers."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.adapters.shopify.bodies import claims_of
from services.tracking.adapters.shopify.orders import Told, told
from services.tracking.domain.claims import (
    AdjustmentClaim,
    ConversionClaim,
    NoticeClaim,
    Rejected,
)
from services.tracking.domain.deliveries import Claims

ORDER: dict[str, Any] = {
    "id": 1,
    "created_at": "2026-03-01T12:00:00+01:00",
    "updated_at": "2026-03-02T12:00:00+01:00",
    "currency": "EUR",
    "subtotal_price": "119.00",
}
REFUND: dict[str, Any] = {"id": 5, "order_id": 1, "created_at": "2026-03-03T12:00:00Z"}
CLICK = "Ab_-" * 12 + "xy"


def order(**fields: Any) -> ConversionClaim:
    claims = claims_of(Told("orders/create"), ORDER | fields, "EUR")
    assert not isinstance(claims, Rejected)
    assert isinstance(claims[0], ConversionClaim)
    return claims[0]


def read_claims(topic: str, payload: object) -> Claims:
    claims = claims_of(Told(topic), payload, "EUR")
    assert not isinstance(claims, Rejected)
    return claims


def rejected_field(topic: str, payload: object) -> str:
    claims = claims_of(Told(topic), payload, None)
    assert isinstance(claims, Rejected)
    return claims.flaws[0].field


@pytest.mark.parametrize("price", ["119.00", "119", "119.0000", 119, Decimal("119.00")])
def test_numbers_have_several_forms(price: Any) -> None:
    assert order(subtotal_price=price).net_minor == 11900


@pytest.mark.parametrize("price", ["", "x", "1,5", "NaN", "1e400", True, [], {}, "119.001", 1.5])
def test_what_is_no_amount_is_named(price: Any) -> None:
    assert rejected_field("orders/create", ORDER | {"subtotal_price": price}) == "subtotal_price"


def test_currencies_without_decimals() -> None:
    assert order(currency="JPY", subtotal_price="1190.00").net_minor == 1190
    assert order(currency="KWD", subtotal_price="1.5").net_minor == 1500
    assert rejected_field("orders/create", ORDER | {"currency": "EURO"}) == "subtotal_price"


def test_time_is_when_it_was_processed_and_the_version_is_the_vendors_clock() -> None:
    assert order().occurred_at.isoformat() == "2026-03-01T11:00:00+00:00"
    processed = order(processed_at="2026-02-28T00:00:00Z")
    assert processed.occurred_at.isoformat() == "2026-02-28T00:00:00+00:00"
    assert processed.version == order().version == 1772449200000000
    assert order(updated_at=None).version is not None


def test_topic_clock_and_body_are_in_the_natural_key() -> None:
    """A better reading of an old body, or another body of one clock, is a version of its own."""

    def key(topic: str, body: bytes = b"{}", **fields: Any) -> str | None:
        claims = claims_of(told(topic, "", body), ORDER | fields, "EUR")
        assert not isinstance(claims, Rejected)
        assert isinstance(claims[0], ConversionClaim)
        return claims[0].natural_key

    keys = {
        key("orders/create"),
        key("orders/paid"),
        key("orders/create", b"[]"),
        key("orders/create", updated_at="2026-03-05T00:00:00Z"),
    }
    assert len(keys) == 4
    assert key("x/y") == key("orders/updated")


def test_versions_of_one_clock_go_by_the_time_of_the_delivery_then_by_the_topic() -> None:
    def tie_break(topic: str, triggered_at: str) -> tuple[int, ...]:
        claims = claims_of(told(topic, triggered_at, b""), ORDER, "EUR")
        assert not isinstance(claims, Rejected)
        assert isinstance(claims[0], ConversionClaim)
        return claims[0].tie_break

    ascending = [
        ("orders/create", ""),
        ("orders/paid", "never"),
        ("orders/updated", "2026-03-01T12:00:00"),
        ("orders/cancelled", "x" * 9_000),
        ("orders/cancelled", "2026-03-01T12:00:00.123456789Z"),
        ("orders/create", "2026-03-01T12:00:00.123457Z"),
        ("orders/paid", "2026-03-01T13:00:00.123457+01:00"),
    ]
    found = [tie_break(*headers) for headers in ascending]
    assert found == sorted(found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "fields",
    [
        {"note_attributes": [{"name": "x", "value": "y"}, {"name": "lclid", "value": CLICK}]},
        {"note_attributes": [{"name": "landing", "value": f"/p?lclid={CLICK}"}]},
        {"note_attributes": [{"name": "lclid", "value": f"?utm=1&lclid={CLICK}"}]},
        {"landing_site": f"/products?a=1&lclid={CLICK}#x"},
        {"landing_site": f"/products?a=1&amp;lclid={CLICK}&amp;b=2"},
        {"landing_site": f"/products?a=1&#38;lclid={CLICK}"},
        {"landing_site": f"/products?a=1\\u0026lclid={CLICK}"},
        {"landing_site": f"/login?to=%2Fp%3Fa%3D1%26lclid%3D{CLICK}%26b%3D2"},
        {"landing_site": f"/login?to=%252Fp%253Flclid%253D{CLICK}"},
        {"landing_site": f"/?lclid={CLICK}&x=" + "&".join(f"a{n}=1" for n in range(500))},
        {"landing_site": "https://[broken/?lclid=" + CLICK},
        {"landing_site": f"https://shop.example/?lclid=old&lclid={CLICK}"},
        {"landing_site": "/?source=abc", "landing_site_ref": CLICK},
        {"landing_site_ref": f"https://l.example/?lclid={CLICK}"},
        {"landing_site_ref": f"lclid={CLICK}"},
        {
            "note_attributes": [{"name": "lclid", "value": CLICK}],
            "landing_site": "/?lclid=another",
        },
    ],
)
def test_the_click_id_is_found(fields: dict[str, Any]) -> None:
    assert order(**fields).person.click_ids[0] == CLICK


def test_every_place_is_tried_in_its_order() -> None:
    attributes = [{"name": "lclid", "value": word} for word in ("undefined", "null", "undefined")]
    found = order(
        note_attributes=attributes, landing_site="/?lclid=b&lclid=a", landing_site_ref=CLICK
    )
    assert found.person.click_ids == ("undefined", "null", "a", "b", CLICK)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"note_attributes": "x", "landing_site": 5, "landing_site_ref": "abc"},
        {"note_attributes": [None, 3, {"name": "lclid", "value": None}]},
        {"landing_site": f"/?nolclid={CLICK}", "landing_site_ref": f"/xlclid={CLICK}"},
    ],
)
def test_payloads_without_a_click_id(fields: dict[str, Any]) -> None:
    assert order(**fields).person.click_ids == ()


def test_keys_of_the_person() -> None:
    person = order(customer={"id": 7, "email": "a@b.de"}, email=None).person
    assert (person.customer_id, person.email) == ("7", "a@b.de")
    assert order(customer=[], email="nobody").person.email is None
    assert order(customer={"id": True}, email="a\x00@b.de").person.email is None


def test_a_cancel_follows_the_signed_body() -> None:
    cancelled = ORDER | {"cancelled_at": ORDER["created_at"]}
    for topic in ("orders/cancelled", "orders/updated", "refunds/create", "app/uninstalled", ""):
        for payload, is_cancelled in (
            (ORDER, False),
            (ORDER | {"cancelled_at": None}, False),
            (cancelled, True),
        ):
            (claim,) = read_claims(topic, payload)
            assert isinstance(claim, ConversionClaim)
            assert claim.cancelled is is_cancelled


GRAPH = "admin_graphql_api_id"


def test_the_body_says_what_it_is_and_not_the_topic() -> None:
    """The topic header is not signed, so the sender of a repeated delivery can choose it."""
    lines = {"refund_line_items": [{"subtotal": "10.00"}]}
    for topic in ("orders/create", "refunds/create", "products/update", ""):
        (order_claim,) = read_claims(topic, ORDER)
        assert isinstance(order_claim, ConversionClaim)
        (refund_claim,) = read_claims(topic, REFUND | lines)
        assert isinstance(refund_claim, AdjustmentClaim)
        named = claims_of(Told(topic), {**ORDER, GRAPH: "gid://shopify/Order/1"}, "EUR")
        assert named == (order_claim,)
        assert claims_of(
            Told(topic), {**REFUND, **lines, GRAPH: "gid://shopify/Refund/5"}, "EUR"
        ) == (refund_claim,)
    for other in (
        {**ORDER, GRAPH: "gid://shopify/DraftOrder/1"},
        {**ORDER, "abandoned_checkout_url": "https://shop.example/a"},
        {**ORDER, "order_id": 3},
        {**REFUND, "amount": "10.00"},
        {"id": 1},
    ):
        (noticed,) = read_claims("products/update", other)
        assert isinstance(noticed, NoticeClaim)
        assert rejected_field("orders/create", other) == "body"
        assert rejected_field("refunds/create", other) == "body"
    (noticed,) = read_claims("", None)
    assert isinstance(noticed, NoticeClaim)


@pytest.mark.parametrize(
    ("fields", "token"),
    [
        ({"checkout_token": "c" * 32, "cart_token": "d" * 32}, "c" * 32),
        ({"checkout_token": None, "cart_token": "d" * 32}, "d" * 32),
        ({"checkout_token": "short", "cart_token": "d" * 16}, "d" * 16),
        ({"checkout_token": "c" * 15, "cart_token": 7}, None),
        ({}, None),
    ],
)
def test_the_claim_token_is_the_checkouts_else_the_carts(
    fields: dict[str, Any], token: str | None
) -> None:
    assert order(**fields).claim_token == token


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (False, False, False)),
        ({"financial_status": "paid", "test": False}, (False, False, False)),
        ({"financial_status": "pending"}, (False, True, False)),
        ({"financial_status": "partially_paid"}, (False, True, False)),
        ({"financial_status": "authorized"}, (False, True, False)),
        ({"financial_status": "partially_refunded"}, (False, False, False)),
        ({"financial_status": "voided"}, (True, False, False)),
        ({"financial_status": "paid", "test": True}, (False, False, True)),
    ],
)
def test_the_state_of_an_order(fields: dict[str, Any], expected: tuple[bool, bool, bool]) -> None:
    claim = order(**fields)
    assert (claim.cancelled, claim.unpaid, claim.test) == expected
    assert claim.net_minor == 11900


@pytest.mark.parametrize(
    ("count", "expected"), [(1, 1), ("2", 2), (0, 0), (None, None), (True, None), ("x", None)]
)
def test_how_many_orders_the_customer_had(count: Any, expected: int | None) -> None:
    assert order(customer={"id": 7, "orders_count": count}).customer_orders == expected


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["orders/create", "orders/cancelled", "refunds/create"]),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            [
                *ORDER,
                *REFUND,
                "total_tax",
                "customer",
                "transactions",
                "refund_line_items",
                "note_attributes",
                "shipping_lines",
                "taxes_included",
                "discount_codes",
                "cancelled_at",
                "line_items",
                "refunds",
                "financial_status",
                "test",
            ],
            _json,
        ),
    ),
)
def test_no_payload_raises(topic: str, fields: dict[str, Any]) -> None:
    base = REFUND if topic == "refunds/create" else ORDER
    claims = claims_of(Told(topic), base | fields, "EUR")
    assert isinstance(claims, Rejected | tuple)
