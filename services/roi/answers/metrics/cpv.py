"""Metric `cpv`: cost ÷ views."""

from typing import Final

from services.roi.answers.kinds import Metric
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
    source="ANA, Organic Influencer Measurement Guidelines (2022): cost metrics, by views",
    compute=per_reported,
    stage="awareness",
    by_default=False,
)
