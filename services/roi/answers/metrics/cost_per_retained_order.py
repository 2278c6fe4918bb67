"""Metric `cost_per_retained_order`: cost over credited later orders and renewals."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import COST_OVER_SOME
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_conversion

COST_PER_RETAINED_ORDER: Final = Metric(
    id="cost_per_retained_order",
    version=1,
    name="Cost per retained order",
    formula="cost ÷ credited later orders and renewals",
    inputs=("cost", "retained_orders"),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 9: cost per order"
    ),
    compute=per_conversion,
    example=Example({"cost": 1_000_000, "retained_orders": 2_000_000}, Fraction(500_000)),
    stage="retention",
    by_default=False,
    no_interval=COST_OVER_SOME,
)
