"""Metric `roas`: net revenue over cost."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.metrics.net_revenue import NET_REVENUE
from services.roi.answers.values import Unit, divide

ROAS: Final = Metric(
    id="roas",
    version=1,
    name="Return on ad spend",
    formula="net_revenue ÷ cost",
    inputs=(
        "net_revenue",
        "cost",
    ),
    basis="net",
    unit=Unit.RATIO,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed.,"
        " chapter 10: revenue attributable to marketing ÷ spending"
    ),
    compute=divide,
    example=Example({"net_revenue": 2_500_000, "cost": 1_000_000}, Fraction(5, 2)),
    interval=NET_REVENUE.interval,
)
