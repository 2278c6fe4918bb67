"""Metric `bcr`: contribution over cost, the benefit-cost ratio."""

from typing import Final

from services.roi.answers.kinds import Metric
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
)
