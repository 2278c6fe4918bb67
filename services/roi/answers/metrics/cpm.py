"""Metric `cpm`: cost ÷ impressions × 1,000."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import COST_OVER_COUNT
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_thousand_reported

CPM: Final = Metric(
    id="cpm",
    version=1,
    name="Cost per thousand impressions",
    formula="cost ÷ impressions × 1,000",
    inputs=("cost", "impressions", "impressions_reports"),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when impressions are not reported or not above 0, never 0",
    source="Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 9: CPM",
    compute=per_thousand_reported,
    example=Example(
        {"cost": 1_000_000, "impressions": 2_000_000, "impressions_reports": 3}, Fraction(500)
    ),
    stage="awareness",
    by_default=False,
    no_interval=COST_OVER_COUNT,
)
