"""Metrics of costs of one kind; together they are `cost`."""

from collections.abc import Mapping
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit


def _of_kind(kind: str, name: str) -> Metric:
    return Metric(
        id=f"cost_of_{kind}",
        version=1,
        name=name,
        formula=f"sum of costs of kind {kind}, each spread as cost is",
        inputs=(f"cost_of_{kind}",),
        basis="as the costs of the answer are dated",
        unit=Unit.MONEY,
        per_currency=True,
        additive=True,
        empty_value="0 when nothing was spent; null when an exchange rate is missing, never 0",
        source="costs as entered",
        compute=lambda cost: cost,
        example=Example({f"cost_of_{kind}": 200_000}, 200_000),
        by_default=False,
    )


FEE: Final = _of_kind("fee", "Fees")
COMMISSION: Final = _of_kind("commission", "Commissions")
PRODUCT: Final = _of_kind("product", "Product given, at cost")
DISCOUNT: Final = _of_kind("discount", "Discounts given")
SHIPPING: Final = _of_kind("shipping", "Shipping to creators")
PRODUCTION: Final = _of_kind("production", "Production of content")
TRAVEL: Final = _of_kind("travel", "Travel")
LODGING: Final = _of_kind("lodging", "Lodging")
AGENT: Final = _of_kind("agent", "Agents")
TOOLS: Final = _of_kind("tools", "Tools")
STAFF_HOURS: Final = _of_kind("staff_hours", "Staff hours")
PAID_BOOST: Final = _of_kind("paid_boost", "Paid boosts")

# By the word of the kind.
COSTS_BY_KIND: Final[Mapping[str, Metric]] = {
    "fee": FEE,
    "commission": COMMISSION,
    "product": PRODUCT,
    "discount": DISCOUNT,
    "shipping": SHIPPING,
    "production": PRODUCTION,
    "travel": TRAVEL,
    "lodging": LODGING,
    "agent": AGENT,
    "tools": TOOLS,
    "staff_hours": STAFF_HOURS,
    "paid_boost": PAID_BOOST,
}
