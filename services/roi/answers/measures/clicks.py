"""Measure `clicks`: counted clicks, without robots, prefetches and repeats, by click time."""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit

CLICKS: Final = Measure(
    id="clicks",
    sentence="Clicks on links, without bots, previews, prefetches and repeats, by click time.",
    unit=Unit.COUNT,
    fact=Fact.TOUCHES,
    total=lambda row: func.sum(row.counted),
    only=Only("touch_kind", ("click",)),
    rank=3,
)
