"""Measure `referrals`: counted visits by a referral, by their time."""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit

REFERRALS: Final = Measure(
    id="referrals",
    sentence="People who came by a referral, without bots, previews and prefetches, by its time.",
    unit=Unit.COUNT,
    fact=Fact.TOUCHES,
    total=lambda row: func.sum(row.counted),
    only=Only("touch_kind", ("referral",)),
)
