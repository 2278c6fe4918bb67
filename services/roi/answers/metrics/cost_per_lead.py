"""Metric `cost_per_lead`: cost over credited leads."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import COST_OVER_SOME
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_conversion

COST_PER_LEAD: Final = Metric(
    id="cost_per_lead",
    version=1,
    name="Cost per lead",
    formula="cost ÷ credited leads",
    inputs=("cost", "leads"),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 9: cost per order,"
        " here over leads"
    ),
    compute=per_conversion,
    example=Example({"cost": 1_000_000, "leads": 4_000_000}, Fraction(250_000)),
    stage="consideration",
    by_default=False,
    no_interval=COST_OVER_SOME,
)
