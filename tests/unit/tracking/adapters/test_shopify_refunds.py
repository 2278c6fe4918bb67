"""What a refund of Shopify takes of the goods, made from the vendor's documented bodies."""

from decimal import Decimal
from typing import Any

import pytest

from services.tracking.adapters.shopify.bodies import claims_of
from services.tracking.adapters.shopify.orders import Told
from services.tracking.domain.claims import AdjustmentClaim, Rejected

REFUND: dict[str, Any] = {"id": 5, "order_id": 1, "created_at": "2026-03-03T12:00:00Z"}
ORDER: dict[str, Any] = {
    "id": 1,
    "created_at": "2026-03-01T12:00:00+01:00",
    "updated_at": "2026-03-02T12:00:00+01:00",
    "currency": "EUR",
    "subtotal_price": "49.90",
}


def refund(currency: str | None = "EUR", **fields: Any) -> AdjustmentClaim:
    claims = claims_of(Told("refunds/create"), REFUND | fields, currency)
    assert not isinstance(claims, Rejected)
    (claim,) = claims
    assert isinstance(claim, AdjustmentClaim)
    return claim


def inside_an_order(**fields: Any) -> list[AdjustmentClaim]:
    order = ORDER | {"refunds": [REFUND | fields]}
    claims = claims_of(Told("orders/updated"), order, None)
    assert not isinstance(claims, Rejected)
    return [claim for claim in claims if isinstance(claim, AdjustmentClaim)]


def paid(amount: str, status: str = "success", **fields: Any) -> dict[str, Any]:
    return {"kind": "refund", "status": status, "amount": amount, "currency": "EUR"} | fields


def adjusted(kind: str, amount: str, tax: str = "0.00") -> dict[str, Any]:
    return {"kind": kind, "amount": amount, "tax_amount": tax}


def test_a_refund_is_the_sum_of_its_lines() -> None:
    lines = [
        {"subtotal": "10.00", "total_tax": "1.60"},
        {"subtotal": Decimal("5.5"), "total_tax": None, "subtotal_set": None},
        {"subtotal": None},
    ]
    claim = refund(refund_line_items=lines, transactions=[paid("99")])
    assert (claim.amount_minor, claim.tax_minor, claim.capped) == (1550, 160, True)
    assert (claim.natural_id, claim.adjustment_id, claim.currency) == ("1", "5", "EUR")


def test_what_the_shop_keeps_of_a_returned_line_stays() -> None:
    lines = [{"subtotal": "50.00", "total_tax": "0.00"}]
    kept = [adjusted("refund_discrepancy", "10.00")]
    assert refund(refund_line_items=lines, order_adjustments=kept).amount_minor == 4000
    # A payment that is still to come is written down twice, once with each sign.
    pending = [*kept, adjusted("refund_discrepancy", "-10.00")]
    assert refund(refund_line_items=lines, order_adjustments=pending).amount_minor == 5000
    all_of_it = [adjusted("refund_discrepancy", "60.00")]
    assert refund(refund_line_items=lines, order_adjustments=all_of_it).amount_minor == 0


def test_postage_beside_a_returned_line_is_no_part_of_it() -> None:
    lines = [{"subtotal": "50.00", "total_tax": "8.00"}]
    shipping = [adjusted("shipping_refund", "-5.00", "-0.80")]
    claim = refund(
        refund_line_items=lines, order_adjustments=shipping, transactions=[paid("63.80")]
    )
    assert (claim.amount_minor, claim.tax_minor) == (5000, 800)


def test_gift_cards_and_tips_that_are_given_back_take_nothing() -> None:
    lines = [
        {"subtotal": "20.00", "line_item": {"gift_card": False}},
        {"subtotal": "50.00", "line_item": {"gift_card": True}},
        {"subtotal": "5.00", "line_item": {"tip": {"payment_method": "Cash"}}},
    ]
    assert refund(refund_line_items=lines).amount_minor == 2000


@pytest.mark.parametrize(
    "fields",
    [
        {"order_adjustments": [adjusted("shipping_refund", "-5.00", "-0.80")]},
        {"order_adjustments": [adjusted("shipping_refund", "5.00", "0.80")]},
        {"order_adjustments": [{"reason": "Shipping refund", "amount": "-5.80"}]},
        {
            "order_adjustments": [
                adjusted("refund_discrepancy", "5.80"),
                adjusted("shipping_refund", "-5.80"),
            ],
            "refund_shipping_lines": [
                {"subtotal_amount_set": {"shop_money": {"amount": "5.80", "currency_code": "EUR"}}}
            ],
        },
        {"duties": [{"amount_set": {"shop_money": {"amount": "5.80"}}}]},
        {"duties": {"duties": [{"amount_set": {"shop_money": {"amount": "5.80"}}}]}},
        {"order_adjustments": [adjusted("refund_discrepancy", "0.00", "-5.80")]},
    ],
)
def test_postage_duties_and_tax_that_are_given_back_take_nothing(fields: dict[str, Any]) -> None:
    assert refund(transactions=[paid("5.80")], **fields).amount_minor == 0
    assert refund(transactions=[paid("25.80")], **fields).amount_minor == 2000


def test_a_rest_that_is_no_more_than_the_tax_of_the_postage_is_that_tax() -> None:
    """The vendor does not tell how much tax was given back with the postage."""
    shipping = {
        "subtotal_amount_set": {"shop_money": {"amount": 5, "currency_code": "EUR"}},
        "shipping_line": {"tax_lines": [{"price": "0.80"}]},
    }
    for amount, goods in (("5.00", 0), ("5.80", 0), ("25.80", 2080)):
        claim = refund(transactions=[paid(amount)], refund_shipping_lines=[shipping])
        assert claim.amount_minor == goods


def test_without_lines_a_refund_is_the_money_that_was_paid_back() -> None:
    payments = [
        paid("20.00", currency="USD"),
        paid("30.00", "failure", currency="USD"),
        paid("40.00", "error", currency="USD"),
        paid("50.00", kind="sale", currency="USD"),
    ]
    claim = refund(transactions=payments, refund_line_items=[{"subtotal": None}])
    assert (claim.amount_minor, claim.currency) == (2000, "USD")


def test_a_refund_counts_as_soon_as_it_is_made_and_comes_back_if_it_fails() -> None:
    lines: dict[str, Any] = {"refund_line_items": [{"subtotal": "20.00", "total_tax": "0.00"}]}
    for parts in (lines, {}):
        made = refund(**parts, transactions=[paid("20.00", "pending")])
        done = refund(**parts, transactions=[paid("20.00")])
        failed = refund(**parts, transactions=[paid("20.00", "failure")])
        again = refund(**parts, transactions=[paid("20.00", "failure"), paid("20.00", "pending")])
        assert [claim.amount_minor for claim in (made, done, failed, again)] == [
            2000,
            2000,
            0,
            2000,
        ]
        assert [claim.pending for claim in (made, done, failed, again)] == [
            True,
            False,
            False,
            True,
        ]
        assert made.version < done.version == failed.version < again.version
        assert len({claim.natural_key for claim in (made, done, failed, again)}) == 4


def test_a_refund_inside_its_order_is_the_same_event_and_tells_what_failed() -> None:
    fields: dict[str, Any] = {"refund_line_items": [{"subtotal": "20.00"}]}
    for status in ("success", "pending", "failure"):
        payments = [paid("20.00", status)]
        own = refund(None, **fields, transactions=payments)
        assert inside_an_order(**fields, transactions=payments) == [own]


def test_a_refund_inside_an_order_that_cannot_be_used_does_not_stop_the_order() -> None:
    assert inside_an_order(created_at="yesterday") == []
    claims = claims_of(Told("orders/updated"), ORDER | {"refunds": [{"id": 1}, 7]}, None)
    assert not isinstance(claims, Rejected)
    assert len(claims) == 1


def test_a_refund_of_nothing_takes_nothing() -> None:
    assert refund(transactions=[], refund_line_items=None).amount_minor == 0


def test_the_currency_of_the_lines_is_the_shops_currency() -> None:
    shop_money = {"shop_money": {"amount": "10.00", "currency_code": "EUR"}}
    dollars = paid("11", currency="USD")
    lines = [{"subtotal": "10.00", "subtotal_set": shop_money}]
    assert refund(refund_line_items=lines, transactions=[dollars]).currency == "EUR"
    claim = refund(transactions=[dollars | {"amount_set": shop_money}])
    assert (claim.amount_minor, claim.currency) == (1000, "EUR")


def test_a_refund_without_currency_has_the_currency_of_the_order() -> None:
    claim = refund("JPY", refund_line_items=[{"subtotal": "1000"}])
    assert (claim.amount_minor, claim.currency) == (1000, None)
    payload = REFUND | {"refund_line_items": [{"subtotal": "1000"}]}
    rejected = claims_of(Told("refunds/create"), payload, None)
    assert isinstance(rejected, Rejected)
    assert rejected.flaws[0].field == "transactions.currency"


def test_the_documented_refund() -> None:
    """Two lines came back, the shop kept ten, and five of postage were given back."""

    def shop(amount: float) -> dict[str, Any]:
        return {"shop_money": {"amount": Decimal(str(amount)), "currency_code": "CAD"}}

    claim = refund(
        "CAD",
        duties={"duties": [{"duty_id": 1, "amount_set": shop(9.83)}]},
        order_adjustments=[
            adjusted("refund_discrepancy", "10.00")
            | {"amount_set": shop(10), "tax_amount_set": shop(0)}
        ],
        refund_line_items=[
            {"quantity": 2, "subtotal_set": shop(40.99), "total_tax_set": shop(1.67)}
        ],
        refund_shipping_lines=[{"subtotal_amount_set": shop(5)}],
        transactions=[paid("209.00", currency="USD")],
    )
    assert (claim.amount_minor, claim.tax_minor, claim.currency) == (3099, 167, "CAD")
