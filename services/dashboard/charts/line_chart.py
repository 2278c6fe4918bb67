"""A line over days, weeks or months: one to three series, a compared one, and an interval band.

Promise: places are equally far apart, so a day of 23 or 25 hours is a day. The axis includes 0.
Lines differ by dash and by the label at their end. A missing value breaks the line, and its place
is shaded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.dashboard.charts.end_labels import end_labels
from services.dashboard.charts.place_labels import place_labels
from services.dashboard.charts.points import Number, Point, Series
from services.dashboard.charts.svg import (
    drawing,
    item,
    number,
    percent,
    tag,
    text_at,
    texts,
    values,
)
from services.dashboard.charts.ticks import ticks

SERIES_MOST: Final = 3
TOP_PX: Final = 20
PLOT_PX: Final = 172
HEIGHT_PX: Final = TOP_PX + PLOT_PX + 22
# Room for half a dot at both ends.
MARGIN: Final = 0.015
# More dots than this hide the line.
DOTS_MOST: Final = 45
_ACROSS: Final = 1000


@dataclass(frozen=True, slots=True)
class LineChart:
    """What a line chart shows; `tick_text` gives the text of a number on the axis.

    The series and `compared` have equally many points: the places on the axis are those of the
    first series. `is_whole` is for counts, whose axis has no halves.
    """

    chart_id: str
    title: str
    series: Sequence[Series]
    tick_text: Callable[[Decimal], str]
    compared: Series | None = None
    is_whole: bool = False
    description: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.series) <= SERIES_MOST:
            raise ValueError(f"{self.chart_id}: one to {SERIES_MOST} series, {len(self.series)}")
        if len({len(one.points) for one in self.lines}) > 1:
            raise ValueError(f"{self.chart_id}: the series differ in their number of points")

    @property
    def lines(self) -> Sequence[Series]:
        """Return all series, with the compared one last."""
        return [*self.series, *([self.compared] if self.compared else [])]


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where a point lies: a share of the width, and pixels from the top."""

    point_count: int
    low: Decimal
    high: Decimal

    def x(self, index: int) -> float:
        if self.point_count == 1:
            return 0.5
        return MARGIN + (1 - 2 * MARGIN) * index / (self.point_count - 1)

    def y(self, value: Number) -> float:
        return TOP_PX + PLOT_PX * float((self.high - value) / (self.high - self.low))


def line_chart(chart: LineChart) -> str:
    """Return the drawing."""
    plotted = _plotted(chart)
    marks = ticks(plotted, whole=chart.is_whole)
    plane = _Plane(len(chart.series[0].points), marks[0], marks[-1])
    lines = list(zip(chart.lines, _kinds(chart), strict=True))
    if not plotted:
        nothing = text_at(0.5, HEIGHT_PX / 2, "No figure in this period", "words", "middle")
        content, description = [texts(nothing)], "No figure in this period."
    else:
        # A line hides a part of a text of the axis, and never the other way round.
        content = [
            texts(*_axis_texts(chart, marks, plane)),
            _paths(marks, lines, plane),
            *(_dots(one, kind, plane) for one, kind in lines),
            texts(*_names(lines, plane)),
        ]
        description = chart.description or ". ".join(map(_sentence, chart.lines)) + "."
    return drawing(chart.chart_id, "line-chart", chart.title, description, HEIGHT_PX, *content)


def _plotted(chart: LineChart) -> list[Number]:
    return [
        value
        for one in chart.lines
        for point in one.points
        if point.value is not None
        for value in (point.value, point.low, point.high)
        if value is not None
    ]


def _axis_texts(chart: LineChart, marks: Sequence[Decimal], plane: _Plane) -> list[str]:
    points = chart.series[0].points
    places = [(plane.x(at), point.short or point.label) for at, point in enumerate(points)]
    return [
        *(text_at(0, plane.y(mark) - 4, chart.tick_text(mark)) for mark in marks),
        *place_labels(places, HEIGHT_PX - 5),
    ]


def _names(lines: Sequence[tuple[Series, str]], plane: _Plane) -> Sequence[str]:
    spots = [[(plane.x(at), plane.y(value)) for at, value in _known(one)] for one, _ in lines]
    return end_labels([(one.label, kind) for one, kind in lines], spots, TOP_PX + PLOT_PX)


def _kinds(chart: LineChart) -> list[str]:
    own = [f"series-{at}" for at in range(1, len(chart.series) + 1)]
    return [*own, "series-1 compared"][: len(chart.lines)]


def _sentence(one: Series) -> str:
    first, last = one.points[0], one.points[-1]
    return f"{one.label}: {first.label} {first.said}, to {last.label} {last.said}"


def _known(one: Series) -> list[tuple[int, Number]]:
    return [(at, point.value) for at, point in enumerate(one.points) if point.value is not None]


def _paths(marks: Sequence[Decimal], lines: Sequence[tuple[Series, str]], plane: _Plane) -> str:
    """Return grid, bands and lines in a drawing that is stretched; a stroke keeps its width."""
    grid = "".join(f"M0 {number(plane.y(mark))}H{_ACROSS}" for mark in marks if mark)
    return tag(
        "svg",
        tag("path", class_="grid", d=grid),
        tag("path", class_="axis", d=f"M0 {number(plane.y(0))}H{_ACROSS}"),
        *(
            tag("path", class_=f"{name} {kind}", d=d)
            for name, path in (("band", _band), ("line", _line))
            for one, kind in lines
            if (d := path(one.points, plane))
        ),
        viewBox=f"0 0 {_ACROSS} {HEIGHT_PX}",
        preserveAspectRatio="none",
        width="100%",
        height=HEIGHT_PX,
        aria_hidden="true",
    )


def _line(points: Sequence[Point], plane: _Plane) -> str:
    runs = _runs([point.value is not None for point in points])
    return "".join(
        "M" + " ".join(_place(at, points[at].value, plane) for at in run)
        for run in runs
        if len(run) > 1
    )


def _band(points: Sequence[Point], plane: _Plane) -> str:
    runs = _runs([None not in (point.value, point.low, point.high) for point in points])
    return "".join(
        "M"
        + " ".join(_place(at, points[at].high, plane) for at in run)
        + " "
        + " ".join(_place(at, points[at].low, plane) for at in reversed(run))
        + "Z"
        for run in runs
    )


def _runs(known: Sequence[bool]) -> list[list[int]]:
    """Return the places without a gap between them, run by run."""
    found: list[list[int]] = [[]]
    for at, is_known in enumerate(known):
        if is_known:
            found[-1].append(at)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def _place(at: int, value: Number | None, plane: _Plane) -> str:
    return f"{plane.x(at) * _ACROSS:.0f} {number(plane.y(value or 0))}"


def _dots(one: Series, kind: str, plane: _Plane) -> str:
    dense = " dense" if len(one.points) > DOTS_MOST else ""
    alone = {run[0] for run in _runs([p.value is not None for p in one.points]) if len(run) == 1}
    return values(
        one.label,
        kind + dense,
        *(
            _gap(at, point, plane)
            if point.value is None
            else tag(
                "circle",
                class_="point alone" if at in alone else "point",
                **item(point.label, point.said),
                cx=percent(plane.x(at)),
                cy=plane.y(point.value),
                r=3,
            )
            for at, point in enumerate(one.points)
        ),
    )


def _gap(at: int, point: Point, plane: _Plane) -> str:
    """Return the shaded place of a missing value: half a step to both sides."""
    half = (plane.x(1) - plane.x(0)) / 2 if plane.point_count > 1 else 0.02
    left, right = max(0.0, plane.x(at) - half), min(1.0, plane.x(at) + half)
    return tag(
        "rect",
        class_="gap",
        **item(point.label, point.said),
        x=percent(left),
        y=TOP_PX,
        width=percent(right - left),
        height=PLOT_PX,
    )
