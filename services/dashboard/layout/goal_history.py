"""How a goal went: its history as a table and a drawing, and its pace as a drawing. Pure.

Promise: the figures are those of `GET /v1/goals/{id}/progress` and of the export of all goals.
"""

from collections.abc import Mapping
from typing import Any

from services.dashboard.charts.line_chart import LineChart, line_chart
from services.dashboard.charts.pacing import Forecast, Mark, Pacing, pacing
from services.dashboard.charts.points import NO_FIGURE, Point, Series
from services.dashboard.layout.goal_table import STATUS_WORDS
from services.dashboard.tables.series import number_of, short_label
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import (
    day_text,
    figure_cell,
    figure_text,
    interval_text,
    tick_text,
)

Json = Mapping[str, Any]


def history_table(name: str, progress: Json, id_: str = "history") -> Table:
    """Return the goal at the end of each day (or week, or month)."""
    metric = progress["metric"]
    columns = (
        Column("on", "At the end of", "date"),
        Column("actual", "So far", "number"),
        Column("expected", "Expected", "number"),
        Column("status", "Status"),
    )
    rows = [
        Row(
            (
                Cell(day_text(one["on"]), one["on"]),
                figure_cell(metric, one["actual"]),
                figure_cell(metric, one["expected"]),
                Cell(STATUS_WORDS.get(one["status"], "–"), one["status"]),
            )
        )
        for one in progress["history"]
    ]
    return Table(id_, f"{name}: from day to day", columns, rows)


def history_chart(name: str, progress: Json, id_: str = "goal-chart") -> str | None:
    """Return the drawing of what was reached and expected; None before the first day."""
    metric, history = progress["metric"], progress["history"]
    if not history:
        return None
    return line_chart(
        LineChart(
            id_,
            f"{name}: so far and expected",
            [Series("So far", [_point(metric, one, "actual") for one in history])],
            tick_text(metric, progress["target"]),
            compared=Series("Expected", [_point(metric, one, "expected") for one in history]),
        )
    )


def pace_chart(goal: Json, id_: str) -> str | None:
    """Return the drawing of one goal of the export: so far, expected, forecast and target."""
    metric = goal["metric"]
    actual, target, expected, forecast, low, high = (
        number_of(goal[name])
        for name in (
            "actual",
            "target",
            "expected_to_date",
            "forecast",
            "forecast_low",
            "forecast_high",
        )
    )
    if actual is None or target is None:
        return None
    ends = interval_text(metric, [goal["forecast_low"], goal["forecast_high"]])
    return pacing(
        Pacing(
            id_,
            f"{goal['name'] or 'The goal'}: its pace",
            Mark(actual, figure_text(metric, goal["actual"])),
            Mark(target, figure_text(metric, goal["target"])),
            None
            if expected is None
            else Mark(expected, figure_text(metric, goal["expected_to_date"])),
            None
            if forecast is None
            else Forecast(forecast, figure_text(metric, goal["forecast"]), low, high, ends),
        )
    )


def _point(metric: str, one: Json, name: str) -> Point:
    number = number_of(one[name])
    text = NO_FIGURE if number is None else figure_text(metric, one[name])
    return Point(day_text(one["on"]), number, text, short_label("day", one["on"]))
