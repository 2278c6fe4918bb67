"""Metric `cpv`: cost ÷ views."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import COST_OVER_COUNT
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_reported

CPV: Final = Metric(
    id="cpv",
    version=1,
    name="Cost per view",
    formula="cost ÷ views",
    inputs=("cost", "views", "views_reports"),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when views are not reported or not above 0, never 0",
    source="Google Ads Help, average cost per view: cost ÷ views",
    compute=per_reported,
    example=Example({"cost": 1_000_000, "views": 500_000, "views_reports": 3}, Fraction(2)),
    stage="awareness",
    by_default=False,
    no_interval=COST_OVER_COUNT,
)
