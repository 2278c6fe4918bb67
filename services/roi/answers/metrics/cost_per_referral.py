"""Metric `cost_per_referral`: cost over referrals."""

from fractions import Fraction
from typing import Final

from services.roi.answers.intervals import COST_OVER_COUNT
from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, divide

COST_PER_REFERRAL: Final = Metric(
    id="cost_per_referral",
    version=1,
    name="Cost per referral",
    formula="cost ÷ referrals",
    inputs=("cost", "referrals"),
    basis="accrual",
    unit=Unit.MONEY,
    per_currency=True,
    additive=False,
    empty_value="null when the denominator is zero or missing, never 0",
    source=(
        "Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed., chapter 9: cost per click,"
        " here over people who came by a referral"
    ),
    compute=divide,
    example=Example({"cost": 1_000_000, "referrals": 20}, Fraction(50_000)),
    stage="advocacy",
    by_default=False,
    no_interval=COST_OVER_COUNT,
)
