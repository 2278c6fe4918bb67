"""Headline tabs and the chart of one of them over time, as Overview, creators and campaigns show.

Promise: the chart, the table under it and the headline are of one group of figures. A tab is a
link that chooses what the chart shows; its figure leads to how it came about. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dashboard.charts import points as charts
from services.dashboard.charts.line_chart import LineChart, line_chart
from services.dashboard.charts.points import NO_FIGURE, Series
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.parts import Tab
from services.dashboard.tables.answers import change_of
from services.dashboard.tables.series import Point, points_of, series_table
from services.dashboard.tables.table import Table
from services.dashboard.tables.texts import figure_cell, interval_text, tick_text

# The tabs, in their order. The first is shown where the address names none.
HEADLINE: Final = ("net_revenue", "profit", "roi", "bcr", "cost", "conversions", "clicks")
ASKED: Final = ",".join(HEADLINE)
ADDITIVE: Final = frozenset({"net_revenue", "profit", "cost", "conversions", "clicks"})
# A higher figure is neither good nor bad.
NEUTRAL: Final = frozenset({"cost"})
# The parameter of a page that names the chosen tab.
METRIC: Final = "metric"
PROGRAM: Final[Mapping[str, str]] = {"part": "program"}
Json = Mapping[str, Any]


def chosen_metric(frame: Frame) -> str:
    """Return the tab that the address names, else the first."""
    chosen = frame.view.get(METRIC)
    return chosen if chosen in HEADLINE else HEADLINE[0]


def headline_tabs(
    frame: Frame, chosen: str, whole: Json, group: Mapping[str, str] = PROGRAM
) -> Sequence[Tab]:
    """Return a tab for each headline figure of a group; `whole` has its measures."""
    return [_tab(frame, metric, whole, group, is_current=metric == chosen) for metric in HEADLINE]


def _tab(
    frame: Frame, metric: str, whole: Json, group: Mapping[str, str], *, is_current: bool
) -> Tab:
    then = whole.get("compared")
    change = None
    if then is not None:
        change = change_of(
            metric, whole.get(metric), then.get(metric), is_additive=metric in ADDITIVE
        )
    direction = 0 if change is None else change.direction
    return Tab(
        label=frame.metrics.name(metric),
        cell=figure_cell(metric, whole.get(metric), why=frame.why(metric, **group)),
        href=frame.view.link(metric=metric),
        is_current=is_current,
        change=None if change is None else change.text,
        change_kind="up" if direction > 0 else "down" if direction < 0 else "flat",
        is_good=None if not direction or metric in NEUTRAL else direction > 0,
        note=_range(metric, whole),
    )


def _range(metric: str, whole: Json) -> str | None:
    found = interval_text(metric, (whole.get("intervals") or {}).get(metric))
    return None if found is None else f"90 %: {found}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart and the table of its numbers. `is_empty`: nothing happened in the period."""

    svg: str
    table: Table
    is_empty: bool


def trend_of(
    frame: Frame,
    metric: str,
    grain: str,
    answer: Json,
    whole: Json,
    group: Mapping[str, str] = PROGRAM,
) -> Drawn:
    """Return the chart of a headline figure of a group over the period."""
    points = points_of(
        metric, grain, answer, part=group.get("part"), is_additive=metric in ADDITIVE
    )
    label = frame.metrics.name(metric)
    caption = f"{label} by {grain}"
    table = series_table(
        "trend",
        caption,
        metric,
        label,
        grain,
        points,
        whole.get(metric),
        lambda bucket: frame.why(metric, **{**group, grain: bucket}),
    )
    return Drawn(_chart(caption, metric, points, answer, whole), table, not answer["rows"])


def _chart(caption: str, metric: str, points: Sequence[Point], answer: Json, whole: Json) -> str:
    """Return the drawing of a metric over time, with the compared period as a dashed line."""
    now = [charts.Point(one.label, one.value, one.text, one.short) for one in points]
    before = [
        charts.Point(one.label, one.before, one.before_text or NO_FIGURE, one.short)
        for one in points
    ]
    is_compared = answer["meta"].get("compared") is not None
    return line_chart(
        LineChart(
            "trend-chart",
            caption,
            [Series("This period" if is_compared else caption.partition(" by ")[0], now)],
            tick_text(metric, whole.get(metric)),
            compared=Series("Before", before) if is_compared else None,
            is_whole=metric == "clicks",
        )
    )


def flat(row: Json) -> Json:
    """Return a row of an answer in the shape of a headline: measures and what is beside them."""
    compared = row.get("compared")
    return {**row["measures"], "intervals": row.get("intervals"), "compared": compared}


def row_of(answer: Json, dimension: str, id_: str) -> Json | None:
    """Return the row of one group, or None where it has no figure."""
    return next((row for row in answer["rows"] if row["group"].get(dimension) == id_), None)


def whole_of(answer: Json, dimension: str, id_: str) -> Json:
    """Return the headline figures of one group; without a figure those of an empty program."""
    row = row_of(answer, dimension, id_)
    return answer["program"] if row is None else flat(row)
