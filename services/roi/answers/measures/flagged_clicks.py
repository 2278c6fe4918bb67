"""Measure `flagged_clicks`: clicks of robots, previews and prefetches, and repeats."""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit

FLAGGED_CLICKS: Final = Measure(
    id="flagged_clicks",
    sentence="Clicks of bots, previews and prefetches, and repeat clicks, by click time.",
    unit=Unit.COUNT,
    fact=Fact.TOUCHES,
    total=lambda row: func.sum(row.flagged),
    only=Only("touch_kind", ("click",)),
)
