"""Metric `net_revenue`: credited net amounts."""

from typing import Final

from services.roi.answers.intervals import of_orders
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit

NET_REVENUE: Final = Metric(
    id="net_revenue",
    version=1,
    name="Net revenue",
    formula=(
        "sum of credited net amounts"
        " (subtotal − discount, without tax and shipping, after adjustments)"
    ),
    inputs=("net_revenue",),
    basis="net",
    unit=Unit.MONEY,
    per_currency=True,
    additive=True,
    empty_value=(
        "0 when nothing happened; null when an exchange rate is missing, never 0 and never 1:1"
    ),
    source=(
        "IFRS 15, paragraphs 47, 50 and 51: the consideration after discounts and refunds, without"
        " taxes; as Laurel's ledger credits it"
    ),
    compute=lambda net_revenue: net_revenue,
    example=Example({"net_revenue": 2_500_000}, 2_500_000),
    interval=of_orders(
        "net_revenue", "net_revenue_squares", "revenue_without_net", "paid_units_in_currency"
    ),
)
