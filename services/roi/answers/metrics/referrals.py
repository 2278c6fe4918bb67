"""Metric `referrals`: counted visits by a referral."""

from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit

REFERRALS: Final = Metric(
    id="referrals",
    version=1,
    name="Referrals",
    formula="count of people who came by a referral, without bots, by the time at which they came",
    inputs=("referrals",),
    basis="observed",
    unit=Unit.COUNT,
    per_currency=False,
    additive=True,
    empty_value="0 when nobody came by a referral",
    source="Laurel's touches of kind referral",
    compute=lambda referrals: referrals,
    example=Example({"referrals": 20}, 20),
    stage="advocacy",
    leads_stage=1,
    by_default=False,
)
