"""Metric `bcr`: contribution over cost, the benefit-cost ratio."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.metrics.contribution import CONTRIBUTION
from services.roi.answers.values import Unit, divide

BCR: Final = Metric(
    id="bcr",
    version=1,
    name="Benefit-cost ratio",
    formula="net_revenue × margin ÷ cost",
    inputs=("contribution", "cost"),
    basis="booked: net revenue × margin, not discounted",
    unit=Unit.RATIO,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Boardman, Greenberg, Vining, Weimer, Cost-Benefit Analysis, 5th ed., chapter 2:"
        " benefits ÷ costs; roi + 1"
    ),
    compute=divide,
    example=Example({"contribution": 1_530_000, "cost": 1_000_000}, Fraction(153, 100)),
    interval=CONTRIBUTION.interval,
)
