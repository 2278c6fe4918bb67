"""Metric `roi_without_boost`: profit over cost, as if its paid boosts had cost nothing.

`roi` is the joint return of content and its paid boosts. This one has the same benefit, so their
difference is what the boosts cost it. A boost with links of its own is a placement of its own, and
has its own row.
"""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.metrics.contribution import CONTRIBUTION
from services.roi.answers.metrics.profit import profit_minor
from services.roi.answers.values import Ratio, Unit, divide


def _without(contribution: int | None, cost: int | None, boost: int | None) -> Ratio | None:
    if cost is None or boost is None:
        return None
    return divide(profit_minor(contribution, cost - boost), cost - boost)


ROI_WITHOUT_BOOST: Final = Metric(
    id="roi_without_boost",
    version=1,
    name="Return on investment without the cost of paid boosts",
    formula="(net_revenue × margin − (cost − cost_of_paid_boost)) ÷ (cost − cost_of_paid_boost)",
    inputs=("contribution", "cost", "cost_of_paid_boost"),
    basis="booked: net revenue × margin",
    unit=Unit.RATIO,
    per_currency=True,
    additive=False,
    empty_value="null when the other costs are zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 10: return on"
        " investment, with and without one spending"
    ),
    compute=_without,
    # 10,000.00 earned; the costs but the boost are 8,000.00.
    example=Example(
        {"contribution": 1_000_000, "cost": 1_000_000, "cost_of_paid_boost": 200_000},
        Fraction(1, 4),
    ),
    by_default=False,
    interval=CONTRIBUTION.interval,
)
