"""The value of the goods of a Shopify order: the price less discounts, without tax and shipping.

`subtotal_price` is the price of the lines after discounts, with their tax when the prices of the
shop include tax. A gift card is sold for money that is revenue only when the card is redeemed, and
redeeming it is a way to pay, so bought gift cards are taken out. Tips are not in the subtotal.
What can go wrong: `Unusable` names a field that holds no amount.
"""

from collections.abc import Iterable, Sequence

from services.tracking.adapters.payload import Payload, Unusable, object_of, objects_of
from services.tracking.adapters.shopify.amounts import amount_if_any, has_amount, shop_amount

Lines = Sequence[Payload]


def net_of_goods(order: Payload, currency: str) -> int:
    """Return the net of an order's goods, in minor units. Raises `Unusable`."""
    subtotal = shop_amount(order, "subtotal_price", currency)
    lines = _lines_in(subtotal, order, currency)
    net = subtotal - sum(_price_of(line, currency) for line in lines if is_gift_card(line))
    if order.get("taxes_included") is True:
        net -= _tax_of_goods(order, lines, currency)
    if net < 0:
        raise Unusable("subtotal_price", "is less than the tax and the gift cards in it")
    return net


def is_gift_card(line: Payload) -> bool:
    """Whether a line of an order is a gift card that is bought."""
    return line.get("gift_card") is True


def is_tip(line: Payload) -> bool:
    """Whether a line of an order is a tip."""
    return bool(object_of(line, "tip"))


def _lines_in(subtotal: int, order: Payload, currency: str) -> Lines:
    """Return the lines that the subtotal contains.

    A line that was removed later stays in the order. It counts when the subtotal is the sum of all
    lines: its removal is a refund then.
    """
    lines = [line for line in objects_of(order, "line_items") if not is_tip(line)]
    kept = [line for line in lines if line.get("current_quantity") != 0]
    if len(kept) == len(lines) or _sum_of(lines, currency) == subtotal:
        return lines
    return kept


def _sum_of(lines: Iterable[Payload], currency: str) -> int | None:
    """Return the sum of lines after discounts; None when a line does not tell its price."""
    total = 0
    for line in lines:
        if not has_amount(line, "price"):
            return None
        total += _price_of(line, currency)
    return total


def _price_of(line: Payload, currency: str) -> int:
    """Return the price of a line after its discounts."""
    allocations = objects_of(line, "discount_allocations")
    name = "line_items.discount_allocations.amount"
    discount = sum(amount_if_any(item, "amount", currency, name) for item in allocations)
    if not allocations:
        discount = amount_if_any(line, "total_discount", currency, "line_items.total_discount")
    price = amount_if_any(line, "price", currency, "line_items.price")
    return price * _quantity(line) - discount


def _quantity(line: Payload) -> int:
    quantity = line.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 0:
        raise Unusable("line_items.quantity", "is not a number of pieces")
    return quantity


def _tax_of_goods(order: Payload, lines: Lines, currency: str) -> int:
    """Return the tax in the subtotal: of the goods' own tax lines, else of the whole order.

    The tax of the order contains that of its shipping, but not that of shipping that was removed.
    """
    goods = [line for line in lines if not is_gift_card(line)]
    own = [tax for line in goods for tax in objects_of(line, "tax_lines")]
    if own:
        return _tax_in(own, currency, "line_items.tax_lines.price")
    shipping = [s for s in objects_of(order, "shipping_lines") if s.get("is_removed") is not True]
    on_shipping = [tax for line in shipping for tax in objects_of(line, "tax_lines")]
    tax = amount_if_any(order, "total_tax", currency)
    return max(0, tax - _tax_in(on_shipping, currency, "shipping_lines.tax_lines.price"))


def _tax_in(lines: Iterable[Payload], currency: str, name: str) -> int:
    return sum(amount_if_any(line, "price", currency, name) for line in lines)
