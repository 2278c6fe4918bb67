"""Claims from Shopify's payloads: taxes, refunds, click ids, and all forms of numbers."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracking.adapters.shopify.orders import claims_of
from services.tracking.domain.claims import AdjustmentClaim, ConversionClaim, Rejected
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
    claims = claims_of("orders/create", ORDER | fields, "EUR")
    assert not isinstance(claims, Rejected)
    assert isinstance(claims[0], ConversionClaim)
    return claims[0]


def refund(**fields: Any) -> AdjustmentClaim | None:
    claims = claims_of("refunds/create", REFUND | fields, "JPY")
    assert not isinstance(claims, Rejected)
    if not claims:
        return None
    assert isinstance(claims[0], AdjustmentClaim)
    return claims[0]


def read_claims(topic: str, payload: dict[str, Any]) -> Claims:
    claims = claims_of(topic, payload, "EUR")
    assert not isinstance(claims, Rejected)
    return claims


def rejected_field(topic: str, payload: object) -> str:
    claims = claims_of(topic, payload, None)
    assert isinstance(claims, Rejected)
    return claims.flaws[0].field


def test_net_is_the_subtotal_without_the_tax_it_includes() -> None:
    assert order().net_minor == 11900
    assert order(total_tax="19.00", taxes_included=False).net_minor == 11900
    assert order(total_tax="19.00", taxes_included=True).net_minor == 10000
    assert order(total_tax=None, taxes_included=True).net_minor == 11900


def test_the_tax_of_the_shipping_is_not_inside_the_subtotal() -> None:
    shipping = [{"price": "11.90", "tax_lines": [{"price": "1.90"}, {"price": None}]}]
    taxed = order(total_tax="20.90", taxes_included=True, shipping_lines=shipping)
    assert taxed.net_minor == 10000
    assert taxed.taxes_included is True


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


def test_topic_and_clock_are_in_the_natural_key() -> None:
    create, paid = (claims_of(topic, ORDER, None) for topic in ("orders/create", "orders/paid"))
    assert not isinstance(create, Rejected)
    assert not isinstance(paid, Rejected)
    keys = {claim.natural_key for claim in (*create, *paid) if isinstance(claim, ConversionClaim)}
    keys.add(order(updated_at="2026-03-05T00:00:00Z").natural_key)
    assert len(keys) == 3


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


def test_a_refund_is_the_sum_of_its_lines() -> None:
    lines = [
        {"subtotal": "10.00", "total_tax": "1.60"},
        {"subtotal": Decimal("5.5"), "total_tax": None, "subtotal_set": None},
        {"subtotal": None},
    ]
    transactions = [{"kind": "refund", "status": "success", "amount": "99", "currency": "EUR"}]
    claim = refund(refund_line_items=lines, transactions=transactions)
    assert claim is not None
    assert (claim.amount_minor, claim.tax_minor, claim.capped) == (1550, 160, True)
    assert (claim.natural_id, claim.adjustment_id, claim.currency) == ("1", "5", "EUR")


def test_without_lines_a_refund_is_the_amount_paid_back() -> None:
    transactions = [
        {"kind": "refund", "status": "success", "amount": "20.00", "currency": "USD"},
        {"kind": "refund", "status": "failure", "amount": "30.00", "currency": "USD"},
        {"kind": "sale", "status": "success", "amount": "40.00", "currency": "USD"},
    ]
    claim = refund(transactions=transactions, refund_line_items=[{"subtotal": None}])
    assert claim is not None
    assert (claim.amount_minor, claim.currency) == (2000, "USD")


def test_a_refund_of_zero_gives_no_claim() -> None:
    assert refund(transactions=[], refund_line_items=None) is None


def test_the_currency_of_the_lines_is_the_shops_currency() -> None:
    shop_money = {"shop_money": {"amount": "10.00", "currency_code": "EUR"}}
    transactions = [{"kind": "refund", "status": "success", "amount": "11", "currency": "USD"}]
    claim = refund(
        refund_line_items=[{"subtotal": "10.00", "subtotal_set": shop_money}],
        transactions=transactions,
    )
    assert claim is not None
    assert claim.currency == "EUR"


def test_a_refund_without_currency_has_the_currency_of_the_order() -> None:
    claim = refund(refund_line_items=[{"subtotal": "1000"}])
    assert claim is not None
    assert (claim.amount_minor, claim.currency) == (1000, None)
    payload = REFUND | {"refund_line_items": [{"subtotal": "1000"}]}
    assert rejected_field("refunds/create", payload) == "transactions.currency"


def test_a_cancel_follows_the_signed_body() -> None:
    told = ORDER | {"cancelled_at": ORDER["created_at"]}
    for topic in ("orders/cancelled", "orders/updated", "refunds/create", "app/uninstalled", ""):
        for payload, count in ((ORDER, 1), (ORDER | {"cancelled_at": None}, 1), (told, 2)):
            claims = claims_of(topic, payload, None)
            assert not isinstance(claims, Rejected)
            assert len(claims) == count


GRAPH = "admin_graphql_api_id"


def test_the_body_says_what_it_is_and_not_the_topic() -> None:
    """The topic header is not signed, so the sender of a repeated delivery can choose it."""
    lines = {"refund_line_items": [{"subtotal": "10.00"}]}
    for topic in ("orders/create", "refunds/create", "products/update", ""):
        (order_claim,) = read_claims(topic, ORDER)
        assert isinstance(order_claim, ConversionClaim)
        (refund_claim,) = read_claims(topic, REFUND | lines)
        assert isinstance(refund_claim, AdjustmentClaim)
        named = claims_of(topic, {**ORDER, GRAPH: "gid://shopify/Order/1"}, "EUR")
        assert named == (order_claim,)
        assert claims_of(topic, {**REFUND, **lines, GRAPH: "gid://shopify/Refund/5"}, "EUR") == (
            refund_claim,
        )
    for other in (
        {**ORDER, GRAPH: "gid://shopify/DraftOrder/1"},
        {**ORDER, "abandoned_checkout_url": "https://shop.example/a"},
        {**ORDER, "order_id": 3},
        {**REFUND, "amount": "10.00"},
        {"id": 1},
    ):
        assert claims_of("products/update", other, "EUR") == ()
        assert rejected_field("orders/create", other) == "body"
        assert rejected_field("refunds/create", other) == "body"
    assert claims_of("", None, None) == ()


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


def test_an_order_read_with_its_token_is_another_version_than_without() -> None:
    """An older release stored it without; the same id with another content would be a conflict."""
    assert order(cart_token="d" * 16).natural_key != order().natural_key


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
            ],
            _json,
        ),
    ),
)
def test_no_payload_raises(topic: str, fields: dict[str, Any]) -> None:
    base = REFUND if topic == "refunds/create" else ORDER
    claims = claims_of(topic, base | fields, "EUR")
    assert isinstance(claims, Rejected | tuple)
