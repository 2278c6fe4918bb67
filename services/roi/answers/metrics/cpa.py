"""Metric `cpa`: cost over credited purchases and renewals."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import of_count
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_conversion

CPA: Final = Metric(
    id="cpa",
    version=1,
    name="Cost per acquisition",
    formula="cost ÷ credited purchases and renewals (of every currency)",
    inputs=(
        "cost",
        "paid_units",
    ),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 9: cost per order"
    ),
    compute=per_conversion,
    example=Example({"cost": 1_000_000, "paid_units": 10_000_000}, Fraction(100_000)),
    stage="purchase",
    interval=of_count("paid_units", "paid_units_in_currency"),
)
