"""Metric `roas`: net revenue over cost."""

from typing import Final

from services.roi.answers.kinds import Metric
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
)
