"""Metric `roi`: profit over cost."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.metrics.contribution import CONTRIBUTION
from services.roi.answers.metrics.profit import profit_minor
from services.roi.answers.values import Ratio, Unit, divide


def _return_on_cost(contribution_minor: int | None, cost_minor: int | None) -> Ratio | None:
    return divide(profit_minor(contribution_minor, cost_minor), cost_minor)


ROI: Final = Metric(
    id="roi",
    version=1,
    name="Return on investment",
    formula="(net_revenue × margin − cost) ÷ cost",
    inputs=(
        "contribution",
        "cost",
    ),
    basis=(
        "booked: net revenue (subtotal − discount, without tax and shipping, after adjustments)"
        " × margin"
    ),
    unit=Unit.RATIO,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed.,"
        " chapter 10: (revenue × contribution margin − spending) ÷ spending"
    ),
    compute=_return_on_cost,
    example=Example({"contribution": 1_000_000, "cost": 800_000}, Fraction(1, 4)),
    interval=CONTRIBUTION.interval,
)
