"""Horizontal bars: one for each row, or a stack of parts with a legend. Pure.

Promise: bars begin at 0, and all have one scale, so lengths compare. Negative parts lie left of 0.
A row that nobody reported is hatched and says so. The numbers on the parts are those of the legend.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.dashboard.charts.legend import legend
from services.dashboard.charts.points import NO_FIGURE, Number
from services.dashboard.charts.svg import (
    drawing,
    hatched,
    hatching,
    heading,
    item,
    percent,
    tag,
    text_at,
    texts,
    values,
)

PARTS_MOST: Final = 6
ROW_PX: Final = 44
BAR_TOP_PX: Final = 19
BAR_PX: Final = 14
# A share of the width with room for a number on the bar: 22 px of 272.
_NUMBERED: Final = 0.08


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar; a value of None is missing."""

    label: str
    value: Number | None
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: its label, its parts, and the text of their sum."""

    label: str
    parts: Sequence[Part]
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """What a bar chart shows. All bars have the same parts in the same order."""

    chart_id: str
    title: str
    bars: Sequence[Bar]
    description: str | None = None

    def __post_init__(self) -> None:
        kinds = {tuple(part.label for part in bar.parts) for bar in self.bars}
        if len(kinds) > 1:
            raise ValueError(f"{self.chart_id}: the bars differ in their parts")
        if not all(1 <= len(kind) <= PARTS_MOST for kind in kinds):
            raise ValueError(f"{self.chart_id}: a bar has one to {PARTS_MOST} parts")


@dataclass(frozen=True, slots=True)
class Scale:
    """Shares of the width of the numbers between two ends that include 0."""

    low: Decimal
    high: Decimal

    @classmethod
    def over(cls, numbers: Sequence[Number]) -> "Scale":
        """Return the scale of these numbers."""
        found = [Decimal(0), *map(Decimal, numbers)]
        return cls(min(found), max(found))

    def at(self, value: Number) -> float:
        """Return the place of a number."""
        span = self.high - self.low
        return float((value - self.low) / span) if span else 0.0


def bar_chart(chart: BarChart) -> str:
    """Return the drawing."""
    scale = Scale.over([end for bar in chart.bars for end in _ends(bar)])
    stacked = bool(chart.bars) and len(chart.bars[0].parts) > 1
    parts = chart.bars[0].parts if stacked else ()
    signs, top_px = legend([(_sign(at), f"{at} {part.label}") for at, part in enumerate(parts, 1)])
    height_px = top_px + ROW_PX * len(chart.bars)
    rows = [_row(chart, bar, top_px + ROW_PX * at, scale) for at, bar in enumerate(chart.bars)]
    listed = [found for row in rows for found in row]
    return drawing(
        chart.chart_id,
        "bar-chart",
        chart.title,
        chart.description or ". ".join(f"{bar.label}: {bar.text}" for bar in chart.bars),
        height_px,
        hatching(chart.chart_id),
        texts(*signs),
        *(listed if stacked else [values(chart.title, "", *listed)]),
        *(_zero(scale, top_px + ROW_PX * at) for at in range(len(chart.bars)) if scale.low),
        texts(*(text for at, bar in enumerate(chart.bars)
                for text in _row_texts(bar, top_px + ROW_PX * at, scale))),
    )  # fmt: skip


def _ends(bar: Bar) -> tuple[Number, Number]:
    """Return how far the parts of a bar reach to the left and to the right of 0."""
    known = [part.value for part in bar.parts if part.value is not None]
    return sum(min(value, 0) for value in known), sum(max(value, 0) for value in known)


def _sign(at: int) -> str:
    return tag("rect", class_=f"bar series-{at}", y=1, width=12, height=12)


def _row(chart: BarChart, bar: Bar, y: float, scale: Scale) -> list[str]:
    """Return the items of a single bar, or the list of a stack."""
    shares = [(scale.at(first), scale.at(last)) for first, last in _places(bar)]
    if len(bar.parts) == 1:
        (part,) = bar.parts
        place = (0.0, 1.0) if part.value is None else shares[0]
        return [_item(chart.chart_id, bar.label, part, place, y, 1)]
    items = [
        _item(chart.chart_id, part.label, part, place, y, at)
        for at, (part, place) in enumerate(zip(bar.parts, shares, strict=True), 1)
    ]
    return [values(f"{bar.label}, together {bar.text}", "", *items)]


def _zero(scale: Scale, y: float) -> str:
    """Return the line of 0 beside a bar; it crosses no text."""
    ends = {"y1": y + BAR_TOP_PX - 3, "y2": y + BAR_TOP_PX + BAR_PX + 3}
    place = percent(scale.at(0))
    return tag("line", class_="axis", x1=place, x2=place, **ends)


def _places(bar: Bar) -> list[tuple[Number, Number]]:
    """Return where each part begins and ends: each goes on where the last of its sign ended."""
    found: list[tuple[Number, Number]] = []
    left: Number = 0
    right: Number = 0
    for part in bar.parts:
        value = part.value or 0
        if value < 0:
            found.append((left + value, left))
            left += value
        else:
            found.append((right, right + value))
            right += value
    return found


def _item(
    chart_id: str, label: str, part: Part, place: tuple[float, float], y: float, at: int
) -> str:
    is_missing = part.value is None
    return tag(
        "rect",
        class_="unreported" if is_missing else f"bar series-{at}",
        **item(label, NO_FIGURE if is_missing else part.text),
        x=percent(place[0]),
        y=y + BAR_TOP_PX,
        width=percent(place[1] - place[0]),
        height=BAR_PX,
        fill=hatched(chart_id) if is_missing else None,
    )


def _row_texts(bar: Bar, y: float, scale: Scale) -> list[str]:
    known = [part.value is not None for part in bar.parts]
    found = [*heading(y + 13, bar.label, bar.text if any(known) else NO_FIGURE)]
    if len(bar.parts) == 1:
        return found
    for at, (first, last) in enumerate(_places(bar), 1):
        start, end = scale.at(first), scale.at(last)
        if end - start >= _NUMBERED:
            middle = (start + end) / 2
            found.append(text_at(middle, y + BAR_TOP_PX + 11, str(at), "on-mark", "middle"))
    return found
