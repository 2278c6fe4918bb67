"""Metric `cpc`: cost over clicks."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import COST_OVER_COUNT
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, divide

CPC: Final = Metric(
    id="cpc",
    version=1,
    name="Cost per click",
    formula="cost ÷ clicks",
    inputs=(
        "cost",
        "clicks",
    ),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 9: cost per click"
    ),
    compute=divide,
    example=Example({"cost": 1_000_000, "clicks": 400}, Fraction(2_500)),
    stage="consideration",
    no_interval=COST_OVER_COUNT,
)
