"""GET /v1/exports/goals.{csv|json}: every goal in use with its progress.

Promise: each line has the goal as it was set at one moment, and the figures of
`GET /v1/goals/{object_id}/progress` as of that moment. A goal at a time is computed, in the turn of
an answer.
What can go wrong: a goal whose figures are too large for an answer (422) has the reason in
`problem`; 429 when the brand has too many answers in progress, after the first page the file ends
without its totals.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final

from fastapi import Query, Request
from starlette.responses import Response

from services.roi.answers.context import AnswerContext, context_of
from services.roi.answers.goals.goal_shapes import (
    GoalFigure,
    GoalProgress,
    ProgressParameters,
    money_or_number,
)
from services.roi.routes.exports import Exporter
from services.roi.routes.goals import progress_of
from services.roi.routes.parts import Parts, parts_of
from services.roi.store.goal_rows import BEFORE_ANY, GoalThen, goals_at
from shared.api.csv_text import Cell, Money
from shared.api.exports import RAW_CONTENT, FileFormat, KnownTotals, RawFile, Row, streamed
from shared.api.openapi import problems
from shared.api.shapes import MoneyOut
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import Problem

# Goals that are computed before their lines are sent.
PAGE_ROWS: Final = 20
_FACTS: Final = ("name", "metric", "creator_id", "campaign_id", "starts_on", "ends_on")
COLUMNS: Final = (
    "goal_id",
    *_FACTS,
    "direction",
    "currency",
    "target",
    "actual",
    "expected_to_date",
    "forecast",
    "forecast_low",
    "forecast_high",
    "status",
    "problem",
)

router = Router(prefix="/v1/exports", tags=["exports"], responses=problems(429))


@router.get(
    "/goals.{file_format}",
    response_class=Response,
    responses=RAW_CONTENT,
    summary="Export the goals with their progress",
)
async def export_goals(
    request: Request,
    caller: Exporter,
    file_format: FileFormat,
    asked: Annotated[ProgressParameters, Query()],
) -> Response:
    """Every goal that is in use at the moment, the newest first: target, actual, forecast, status.

    Goals do not add up, so the totals are empty; they say that the file is whole.
    """
    parts = parts_of(request)
    async with parts.database.read([caller.workspace_id]) as conn:
        at = await context_of(conn, caller.workspace_id, parts.clock.now(), asked.as_of)
    pages = _pages(parts, caller, at)
    meta = {"as_of": at.as_of, "time_zone": at.time_zone}
    return await streamed(RawFile("goals", COLUMNS, meta, pages, KnownTotals([{}])), file_format)


async def _pages(
    parts: Parts, caller: Principal, at: AnswerContext
) -> AsyncIterator[Sequence[Row]]:
    after = BEFORE_ANY
    while True:
        async with parts.database.read([caller.workspace_id]) as conn:
            goals = await goals_at(conn, at.workspace_id, at.as_of, after, PAGE_ROWS)
        # An empty page is the end of a file.
        if not goals:
            return
        yield [
            await _row(parts, caller, goal, ProgressParameters(as_of=at.as_of)) for goal in goals
        ]
        after = goals[-1].created_at, goals[-1].id


async def _row(parts: Parts, caller: Principal, goal: GoalThen, asked: ProgressParameters) -> Row:
    """Return the line of a goal."""
    facts = goal.facts
    target = money_or_number(facts)
    cells: dict[str, Cell] = {"goal_id": goal.id, **{name: facts.get(name) for name in _FACTS}}
    cells["direction"] = facts.get("direction") or "at_least"
    cells["currency"] = facts.get("currency")
    cells["target"] = Money(**target) if isinstance(target, dict) else target
    try:
        async with parts.brand_answers.turn(caller.workspace_id, caller.key_id):
            told = await progress_of(parts, caller.workspace_id, goal.id, asked)
    except Problem as problem:
        if problem.status != 422:
            raise
        return {**cells, "problem": str(problem.detail)}
    return {**cells, **_figures(told)}


def _figures(told: GoalProgress) -> dict[str, Cell]:
    figures: dict[str, GoalFigure] = {
        "actual": told.actual,
        "expected_to_date": told.expected_to_date,
        "forecast": told.forecast.value,
        "forecast_low": told.forecast.low,
        "forecast_high": told.forecast.high,
    }
    return {**{name: _cell(value) for name, value in figures.items()}, "status": told.status}


def _cell(value: Any) -> Cell:
    if isinstance(value, MoneyOut):
        return Money(value.amount_minor, value.currency)
    found: Cell = value
    return found
