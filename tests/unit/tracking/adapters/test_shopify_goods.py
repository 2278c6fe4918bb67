"""The net of a Shopify order: taxes, gift cards, tips, and lines that were removed later."""

from typing import Any

import pytest

from services.tracking.adapters.payload import Unusable
from services.tracking.adapters.shopify.goods import net_of_goods


def net(subtotal: str = "119.00", **fields: Any) -> int:
    return net_of_goods({"subtotal_price": subtotal} | fields, "EUR")


def line(price: str, tax: str | None = None, **fields: Any) -> dict[str, Any]:
    taxes = [] if tax is None else [{"price": tax, "rate": 0.19}]
    return {"price": price, "quantity": 1, "tax_lines": taxes} | fields


def test_net_is_the_subtotal_without_the_tax_it_includes() -> None:
    assert net() == 11900
    assert net(total_tax="19.00", taxes_included=False) == 11900
    assert net(total_tax="19.00", taxes_included=True) == 10000
    assert net(total_tax=None, taxes_included=True) == 11900


def test_the_tax_of_goods_is_that_of_their_own_tax_lines() -> None:
    goods = [line("59.50", "9.50"), line("59.50", "9.50")]
    shipping = [{"price": "5.95", "tax_lines": [{"price": "0.95"}]}]
    taxed: dict[str, Any] = {"taxes_included": True, "line_items": goods, "total_tax": "19.95"}
    assert net(**taxed, shipping_lines=shipping) == 10000
    assert net(**taxed | {"total_tax": "99"}) == 10000
    assert net(**taxed | {"taxes_included": False}) == 11900


def test_without_tax_lines_of_goods_the_tax_of_the_shipping_is_not_in_the_subtotal() -> None:
    shipping = [{"price": "11.90", "tax_lines": [{"price": "1.90"}, {"price": None}]}]
    assert net(total_tax="20.90", taxes_included=True, shipping_lines=shipping) == 10000
    removed = [*shipping, {"price": "5.95", "is_removed": True, "tax_lines": [{"price": "0.95"}]}]
    assert net(total_tax="20.90", taxes_included=True, shipping_lines=removed) == 10000
    untaxed_lines = [{"price": "119.00", "tax_lines": []}]
    assert net(total_tax="19.00", taxes_included=True, line_items=untaxed_lines) == 10000


def test_a_removed_line_counts_as_long_as_the_subtotal_contains_it() -> None:
    """The vendor keeps the line; its removal is a refund, unless the subtotal is without it."""
    kept, removed = line("59.50", "9.50"), line("11.90", "1.90", current_quantity=0)
    edited: dict[str, Any] = {"taxes_included": True, "line_items": [kept, removed]}
    assert net("71.40", **edited) == 6000
    assert net("59.50", **edited) == 5000


def test_a_bought_gift_card_is_no_revenue() -> None:
    card = line("50.00", gift_card=True)
    assert net("109.50", line_items=[line("59.50", "9.50"), card]) == 5950
    assert (
        net(
            "109.50", line_items=[line("59.50", "9.50"), card], taxes_included=True, total_tax="9.5"
        )
        == 5000
    )
    assert net("50.00", line_items=[card]) == 0
    reduced = card | {"quantity": 2, "discount_allocations": [{"amount": "10.00"}]}
    assert net("90.00", line_items=[reduced]) == 0
    assert net("90.00", line_items=[card | {"quantity": 2, "total_discount": "10.00"}]) == 0


def test_a_redeemed_gift_card_is_revenue() -> None:
    assert net("59.50", payment_gateway_names=["gift_card"], total_outstanding="0.00") == 5950


def test_a_tip_is_not_in_the_subtotal() -> None:
    tip = line("5.00", tip={"payment_gateway": "cash", "payment_method": "Cash"})
    goods = [line("59.50", "9.50"), tip]
    assert net("59.50", line_items=goods, taxes_included=True) == 5000


def test_amounts_in_sets_are_read_in_the_currency_of_the_shop() -> None:
    def both(amount: str) -> dict[str, Any]:
        buyer = {"amount": "1.00", "currency_code": "USD"}
        shop = {"amount": amount, "currency_code": "EUR"}
        return {"shop_money": shop, "presentment_money": buyer}

    order: dict[str, Any] = {"subtotal_price_set": both("119.00"), "taxes_included": True}
    goods = {"price_set": both("119.00"), "tax_lines": [{"price_set": both("19.00")}]}
    assert net_of_goods(order | {"line_items": [goods]}, "EUR") == 10000


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"subtotal": "9.00", "taxes_included": True, "total_tax": "19.00"}, "subtotal_price"),
        ({"line_items": [line("x", gift_card=True)]}, "line_items.price"),
        ({"line_items": [line("1", gift_card=True, quantity="2")]}, "line_items.quantity"),
        ({"line_items": [line("1", "x")], "taxes_included": True}, "line_items.tax_lines.price"),
    ],
)
def test_what_cannot_be_used_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(Unusable) as raised:
        net(**fields)
    assert raised.value.flaw.field == named
