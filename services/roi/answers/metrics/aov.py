"""Metric `aov`: net revenue over credited purchases and renewals of one currency."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import of_mean
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_conversion

AOV: Final = Metric(
    id="aov",
    version=1,
    name="Average order value",
    formula="net_revenue ÷ credited purchases and renewals, both in one currency",
    inputs=(
        "net_revenue",
        "paid_units_in_currency",
    ),
    basis="net",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Google Analytics Help, average purchase revenue: purchase revenue ÷ purchases;"
        " here after refunds"
    ),
    compute=per_conversion,
    example=Example(
        {"net_revenue": 2_500_000, "paid_units_in_currency": 8_000_000}, Fraction(312_500)
    ),
    interval=of_mean(
        "net_revenue", "net_revenue_squares", "revenue_without_net", "paid_units_in_currency"
    ),
)
