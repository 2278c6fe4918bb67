"""Metric `cpe`: cost over the engagements that were reported."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import COST_OVER_COUNT
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_reported

CPE: Final = Metric(
    id="cpe",
    version=1,
    name="Cost per engagement",
    formula="cost ÷ (likes + comments + shares + saves, those that are reported)",
    inputs=("cost", "engagements", "engagements_reports"),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when engagements are not reported or not above 0, never 0",
    source="ANA, Influencer Marketing Measurement Guidelines (2022): cost per engagement",
    compute=per_reported,
    example=Example(
        {"cost": 1_000_000, "engagements": 40_000, "engagements_reports": 12}, Fraction(25)
    ),
    stage="engagement",
    by_default=False,
    no_interval=COST_OVER_COUNT,
)
