"""The stages of the journey: a bar for each volume, and the rate from the stage before. Pure.

Promise: a stage that nobody reported is hatched and says so. Where volumes differ by more than a
hundred times, bars grow with the logarithm; the drawing says which scale it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Final

from services.dashboard.charts.points import Number
from services.dashboard.charts.svg import (
    WIDTH_LEAST_PX,
    drawing,
    hatched,
    hatching,
    heading,
    item,
    percent,
    shortened,
    tag,
    text_at,
    texts,
    values,
)

NOT_REPORTED: Final = "not reported"
RATIO_MOST: Final = 100
RATE_PX: Final = 18
BAR_TOP_PX: Final = 19
BAR_PX: Final = 16
ROW_PX: Final = RATE_PX + BAR_TOP_PX + BAR_PX + 3
RELATIVE: Final = "Bar length: share of the largest"
LOGARITHMIC: Final = "Bar length: logarithmic scale"


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """One stage: its label, its volume (None: not reported) and its text, such as `1,200 clicks`.

    `rate_text` says the rate from the stage before, such as `3.2 % of engagements`.
    """

    label: str
    volume: Number | None
    text: str
    rate_text: str | None = None


@dataclass(frozen=True, slots=True)
class FunnelChart:
    """What a funnel chart shows, from the first stage to the last."""

    chart_id: str
    title: str
    stages: Sequence[FunnelStage]
    description: str | None = None


def funnel_chart(chart: FunnelChart) -> str:
    """Return the drawing."""
    known = [stage.volume for stage in chart.stages if stage.volume]
    is_log = bool(known) and max(known) > RATIO_MOST * min(known)
    words = LOGARITHMIC if is_log else RELATIVE
    height_px = ROW_PX * len(chart.stages) + 20 - RATE_PX
    most = max(known, default=1)
    return drawing(
        chart.chart_id,
        "funnel-chart",
        chart.title,
        f"{chart.description or chart.title}. {words}.",
        height_px,
        hatching(chart.chart_id),
        values(
            chart.title,
            "series-1",
            *(
                _bar(chart.chart_id, stage, ROW_PX * at, _length(stage.volume, most, is_log=is_log))
                for at, stage in enumerate(chart.stages)
            ),
        ),
        texts(
            *(text for at, stage in enumerate(chart.stages)
              for text in _texts(stage, ROW_PX * at)),
            text_at(0, height_px - 5, words),
        ),
    )  # fmt: skip


def _length(volume: Number | None, most: Number, *, is_log: bool) -> float:
    """Return the length of a bar as a share of the width; 1 is longer than 0 on both scales."""
    if volume is None:
        return 1.0
    if volume <= 0:
        return 0.0
    return log10(1 + float(volume)) / log10(1 + float(most)) if is_log else float(volume / most)


def _bar(chart_id: str, stage: FunnelStage, y: float, length: float) -> str:
    told = NOT_REPORTED if stage.volume is None else stage.text
    return tag(
        "rect",
        class_="unreported" if stage.volume is None else "bar",
        **item(stage.label, f"{told}, {stage.rate_text}" if stage.rate_text else told),
        y=y + BAR_TOP_PX,
        width=percent(length),
        height=BAR_PX,
        fill=hatched(chart_id) if stage.volume is None else None,
    )


def _texts(stage: FunnelStage, y: float) -> list[str]:
    told = NOT_REPORTED if stage.volume is None else stage.text
    found = [*heading(y + 13, stage.label, told)]
    if stage.rate_text:
        found.append(
            text_at(0, y + 13 - RATE_PX, shortened(f"↓ {stage.rate_text}", WIDTH_LEAST_PX))
        )
    return found
