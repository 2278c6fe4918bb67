"""The table of goals with their progress, as Overview and the page of goals show it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.layout.frame import Frame
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import day_text, figure_cell, interval_text

Json = Mapping[str, Any]
STATUS_WORDS: Final = {
    "ahead": "ahead",
    "on_track": "on track",
    "behind": "behind",
    "reached": "reached",
    "missed": "missed",
    "too_early": "too early to tell",
}


def goals_table(frame: Frame, items: Sequence[Json]) -> Table:
    """Return the goals with their progress."""
    columns = (
        Column("goal", "Goal"),
        Column("status", "Status"),
        Column("actual", "So far", "number"),
        Column("expected", "Expected by now", "number"),
        Column("target", "Target", "number"),
        Column("forecast", "Forecast", "number"),
        Column("ends_on", "Ends", "date"),
    )
    return Table(
        "goals", "Goals with their pace", columns, [_goal_row(frame, one) for one in items]
    )


def _goal_row(frame: Frame, goal: Json) -> Row:
    metric = goal["metric"]
    ends = [goal["forecast_low"], goal["forecast_high"]]
    word = "at least" if goal["direction"] == "at_least" else "at most"
    return Row(
        (
            Cell(
                goal["name"],
                goal["name"],
                href=frame.view.carried(f"/app/goals/{goal['goal_id']}"),
                note=frame.metrics.name(metric),
            ),
            Cell(STATUS_WORDS[goal["status"]], goal["status"]),
            figure_cell(metric, goal["actual"]),
            figure_cell(metric, goal["expected_to_date"]),
            figure_cell(metric, goal["target"], note=word),
            figure_cell(metric, goal["forecast"], note=interval_text(metric, ends)),
            Cell(day_text(goal["ends_on"]), goal["ends_on"]),
        )
    )
