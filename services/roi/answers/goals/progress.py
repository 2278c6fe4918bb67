"""The progress of one goal: read in one transaction, computed beside the event loop.

Promise: the actual is the figure that `GET /v1/roi` gives for the days and the scope: the same code
answers. The history sums the same cells by days, weeks or months, at most `HISTORY_MAX` of them.
What can go wrong: `AnswerRefused`; a coarser grain, or none, is then asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answering import AnswerInput, Built, built, read_input, warned
from services.roi.answers.assemble import Figures
from services.roi.answers.context import context_of
from services.roi.answers.goals.goal_figures import GoalFigures, figures_of, fraction_of
from services.roi.answers.goals.goal_series import Scope, Series, read_series, stretches_of
from services.roi.answers.goals.goal_shapes import (
    GOAL_METRICS,
    GoalForecast,
    GoalPoint,
    GoalProgress,
    money_or_number,
)
from services.roi.answers.kinds import Headline
from services.roi.answers.question import DEFAULT_MODEL, RoiParameters, question_of
from services.roi.domain.entity import EntityFacts
from services.roi.domain.goals import Goal, Stretch, added, forecast
from services.roi.store.goal_rows import goal_at

# Points of a history: the days of a year, or the weeks of ten years and one that is not whole.
HISTORY_MAX: Final = 523
_DAYS_OF_YEAR: Final = 366
_DAY_SECONDS: Final = 86_400
# The grains of a history, the finest first. Without one there is no history and no interval.
GRAINS: Final = ("day", "week", "month", None)
# The program is a headline figure, which is the same under every dimension.
_GROUP_OF_PROGRAM: Final = "quarter"


class Asked(NamedTuple):
    """When a progress is asked for, and as of which moment it is to be answered."""

    now: datetime
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class ProgressInput:
    """All that a progress is computed from. `elapsed`: its days that are over at the moment."""

    goal_id: str
    facts: EntityFacts
    goal: Goal
    figures: GoalFigures
    scope: Scope | None
    elapsed: Fraction
    actual: AnswerInput
    series: Series | None


async def read_progress(
    conn: AsyncConnection, workspace_id: str, goal_id: str, asked: Asked, grain: str | None
) -> ProgressInput | None:
    """Return what the progress is computed from; None when there was no such goal."""
    moment = min(asked.now, asked.as_of or asked.now)
    at = await context_of(conn, workspace_id, moment, asked.as_of)
    facts = await goal_at(conn, at.workspace_id, goal_id, at.as_of)
    if facts is None:
        return None
    metric = GOAL_METRICS[facts["metric"]]
    figures = figures_of(metric, facts["currency"])
    goal = Goal(
        target=figures.target_of(facts["target"]),
        direction=facts["direction"],
        starts_on=date.fromisoformat(facts["starts_on"]),
        ends_on=date.fromisoformat(facts["ends_on"]),
        is_sum=metric.additive,
    )
    local = moment.astimezone(ZoneInfo(at.time_zone))
    seconds = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    elapsed = goal.elapsed(at.today, Fraction(int(seconds.total_seconds()), _DAY_SECONDS))
    days = goal.starts_on, min(max(at.today, goal.starts_on), goal.ends_on)
    scope = _scope_of(facts)
    parameters = RoiParameters.model_validate(
        {
            "group_by": _GROUP_OF_PROGRAM if scope is None else scope.dimension.id,
            "from": days[0],
            "to": days[1],
            "metrics": ",".join(figures.metric_ids),
            "currency": figures.currency,
            "as_of": asked.as_of,
        }
    )
    actual = await read_input(conn, workspace_id, moment, parameters, question_of(parameters))
    grain = _grain(goal, grain)
    series = None
    if grain is not None:
        series = await read_series(conn, actual.at, figures, scope, days, grain)
    return ProgressInput(goal_id, facts, goal, figures, scope, elapsed, actual, series)


def _scope_of(facts: EntityFacts) -> Scope | None:
    for name in ("campaign", "creator"):
        if facts[f"{name}_id"] is not None:
            return Scope.of(name, UUID(facts[f"{name}_id"]))
    return None


def _grain(goal: Goal, grain: str | None) -> str | None:
    """Return the grain, or weeks where days would be too many points."""
    return "week" if grain == "day" and goal.days > _DAYS_OF_YEAR else grain


def build_progress(given: ProgressInput) -> GoalProgress:
    """Return the progress of a goal; raise `AnswerRefused`. It runs in a thread."""
    goal, figures = given.goal, given.figures
    answered = built(given.actual)
    shown = _figures(given, answered)
    actual = figures.actual(shown)
    found = [] if given.series is None else stretches_of(given.series, given.scope, figures)
    over = [one for one in found if one.last_on < given.actual.at.today]
    ahead = forecast(goal, actual, given.elapsed, over, figures.of_sums)
    status = goal.status(actual, given.elapsed, figures.sample(shown))
    rate = None
    if actual is not None and goal.is_sum and given.elapsed:
        rate = actual / given.elapsed
    show = figures.shown
    values = {
        "goal_id": given.goal_id,
        "metric": figures.metric.id,
        "model": DEFAULT_MODEL,
        "by": given.actual.question.by,
        "from": given.actual.period[0],
        "to": given.actual.period[1],
        "time_zone": given.actual.at.time_zone,
        "as_of": given.actual.at.as_of,
        "days": goal.days,
        "days_elapsed": figures.number(given.elapsed),
        "actual": show(actual),
        "target": money_or_number(given.facts),
        "expected_to_date": show(goal.expected(given.elapsed)),
        "run_rate": show(rate),
        "forecast": GoalForecast(
            value=show(ahead.value), low=show(ahead.low), high=show(ahead.high)
        ),
        "status": status,
        "history": _history(goal, figures, over),
        "warnings": warned(given.actual, answered),
    }
    return GoalProgress.model_validate(values)


def _figures(given: ProgressInput, answered: Built) -> Figures | None:
    """Return the figures of the goal's scope in the answer; None where it has no row."""
    if given.scope is None:
        return answered.answer.headlines[Headline.PROGRAM][DEFAULT_MODEL]
    group = {given.scope.dimension.id: str(given.scope.id)}
    rows = (row.figures for row in answered.answer.rows if row.group == group)
    return next(rows, None)


def _history(goal: Goal, figures: GoalFigures, over: Sequence[Stretch]) -> list[GoalPoint]:
    """Return the status at the end of each stretch, by the sums up to it."""
    points: list[GoalPoint] = []
    sums: Sequence[int | None] = ()
    for one in over:
        sums = added([sums, one.sums]) if sums else one.sums
        elapsed = Fraction((one.last_on - goal.starts_on).days + 1)
        actual = fraction_of(figures.rounded(sums))
        points.append(
            GoalPoint(
                on=one.last_on,
                actual=figures.shown(actual),
                expected=figures.shown(goal.expected(elapsed)),
                status=goal.status(actual, elapsed, figures.sample_of_sums(sums)),
            )
        )
    return points
