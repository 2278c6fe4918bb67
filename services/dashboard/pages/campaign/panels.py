"""The panels of the page of a campaign: its facts, and its goals with pace and history. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dashboard.client.api import Answer, Failed
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.goal_history import history_chart, history_table, pace_chart
from services.dashboard.tables.answers import FootPart
from services.dashboard.tables.table import Cell, Table
from services.dashboard.tables.texts import MISSING, day_text, figure_cell

# Ratios of content of creators and of the brand together are in the headline.
FOOT: Final[Sequence[FootPart]] = (("totals", "Together", "total"),)
Json = Mapping[str, Any]


def facts_of(frame: Frame, campaign: Json) -> Sequence[tuple[str, Any]]:
    """Return what a campaign is; its days lead to the figures of just these days."""
    first, last = campaign["starts_on"], campaign["ends_on"]
    days = " to ".join(day_text(day) for day in (first, last) if day) or MISSING
    today = frame.today.isoformat()
    # Days to come have no figures.
    href = None
    if first and first <= today:
        href = frame.view.link(from_=first, to=min(last or today, today))
    budget = campaign["budget"]
    return (
        ("Objective", campaign["objective"] or MISSING),
        ("Days", Cell(days, days, href=href)),
        ("Budget", MISSING if budget is None else figure_cell("cost", budget)),
    )


def goals_of(goals: Sequence[Json], campaign: str) -> Sequence[Json]:
    """Return the goals of a campaign."""
    return [one for one in goals if one["campaign_id"] == campaign]


@dataclass(frozen=True, slots=True)
class GoalPanel:
    """One goal drawn: its pace, and its history, which is a failure where it could not be asked."""

    name: str
    pace: str | None
    history: str | None
    table: Table | None
    failed: Failed | None


def goal_panels(goals: Sequence[Json], histories: Sequence[Answer]) -> Sequence[GoalPanel]:
    """Return the drawings of goals; ids of drawings and tables are unique on the page."""
    found = []
    for at, (goal, history) in enumerate(zip(goals, histories, strict=True), 1):
        name = goal["name"] or "Goal"
        pace = pace_chart(goal, f"pace-{at}")
        if isinstance(history, Failed):
            found.append(GoalPanel(name, pace, None, None, history))
            continue
        drawing = history_chart(name, history.body, f"goal-chart-{at}")
        table = history_table(name, history.body, f"history-{at}")
        found.append(GoalPanel(name, pace, drawing, table, None))
    return found
