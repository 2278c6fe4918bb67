"""A small line for a cell of a table, without axis and texts. Pure.

Promise: its values can be read as those of a line chart, and a missing one is a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.dashboard.charts.points import Point, Series
from services.dashboard.charts.svg import item, number, tag, values

WIDTH_PX: Final = 96
HEIGHT_PX: Final = 24
_MARGIN_PX: Final = 3
Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """What a small line shows."""

    series: Series


def sparkline(chart: Sparkline) -> str:
    """Return the drawing; without any value, nothing."""
    points = chart.series.points
    known = [point.value for point in points if point.value is not None]
    if not known:
        return ""
    low, high = min(0, *known), max(0, *known)
    step_px = (WIDTH_PX - 2 * _MARGIN_PX) / max(len(points) - 1, 1)
    tall_px = HEIGHT_PX - 2 * _MARGIN_PX
    spots = [
        None
        if point.value is None
        else (
            _MARGIN_PX + step_px * at,
            _MARGIN_PX + tall_px * float((high - point.value) / ((high - low) or 1)),
        )
        for at, point in enumerate(points)
    ]
    return tag(
        "svg",
        tag("path", class_="line series-1", d=_path(spots), aria_hidden="true"),
        values(
            chart.series.label,
            "series-1 dense",
            *(_item(at, point, spots, step_px) for at, point in enumerate(points)),
        ),
        class_="drawing sparkline",
        role="group",
        aria_label=chart.series.label,
        viewBox=f"0 0 {WIDTH_PX} {HEIGHT_PX}",
        width=WIDTH_PX,
        height=HEIGHT_PX,
    )


def _path(spots: Sequence[Spot | None]) -> str:
    return "".join(
        ("M" if at == 0 or spots[at - 1] is None else "L") + " ".join(map(number, spot))
        for at, spot in enumerate(spots)
        if spot is not None
    )


def _item(at: int, point: Point, spots: Sequence[Spot | None], step_px: float) -> str:
    """Return a dot, which is seen at the end and where no line leads; or the place of a gap."""
    spot, told = spots[at], item(point.label, point.said)
    if spot is None:
        x = _MARGIN_PX + step_px * (at - 0.5)
        return tag("rect", class_="gap", **told, x=x, width=step_px, height=HEIGHT_PX)
    beside = [*spots[max(0, at - 1) : at], *spots[at + 1 : at + 2]]
    is_last = all(later is None for later in spots[at + 1 :])
    kind = "point alone" if is_last or not any(beside) else "point"
    return tag("circle", class_=kind, **told, cx=spot[0], cy=spot[1], r=2)
