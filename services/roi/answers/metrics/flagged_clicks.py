"""Metric `flagged_clicks`: clicks that do not count; with `clicks` they are all raw clicks."""

from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit

FLAGGED_CLICKS: Final = Metric(
    id="flagged_clicks",
    version=1,
    name="Flagged clicks",
    formula="count of link clicks of bots, previews and prefetches, and of repeats, by click time",
    inputs=("flagged_clicks",),
    basis="observed",
    unit=Unit.COUNT,
    per_currency=False,
    additive=True,
    empty_value="0 when there were none",
    source="IAB/MRC Click Measurement Guidelines 1.0: clicks that filtering removes",
    compute=lambda flagged: flagged,
    example=Example({"flagged_clicks": 35}, 35),
    by_default=False,
)
