"""Metric `clicks`: counted clicks on links."""

from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit

CLICKS: Final = Metric(
    id="clicks",
    version=2,
    name="Clicks",
    formula="count of link clicks without bots, previews, prefetches and repeats, by click time",
    inputs=("clicks",),
    basis="observed",
    unit=Unit.COUNT,
    per_currency=False,
    additive=True,
    empty_value="0 when there were no clicks",
    source="IAB/MRC Click Measurement Guidelines 1.0: measured clicks after filtering",
    compute=lambda clicks: clicks,
    example=Example({"clicks": 400}, 400),
    stage="consideration",
    leads_stage=1,
)
