"""The read of one planned statement: its arguments, and the rows of its sums.

Promise: a statement gets every argument that it may name; those of its own plan are the buckets and
moments that it reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from services.roi.answers import sql
from services.roi.answers.catalog_facts import MARGIN_ONE_MILLIONTHS
from services.roi.answers.context import AnswerContext
from services.roi.answers.plan import FactPlan, Plan

DatabaseRows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class FactRows:
    """The sums of one fact; its measures begin at column `first_sum`."""

    plan: FactPlan
    first_sum: int
    rows: DatabaseRows


def common_arguments(at: AnswerContext) -> dict[str, Any]:
    """Return the arguments that most statements have."""
    return {"workspace_id": at.workspace_id, "as_of": at.as_of, "time_zone": at.time_zone}


def arguments_of(at: AnswerContext, plan: Plan, fact_plan: FactPlan) -> dict[str, Any]:
    """Return every argument that a planned statement may name."""
    starts = [first for first, _ in plan.margins]
    given: dict[str, Any] = {
        **of_rollups(at),
        "days": fact_plan.days,
        "months": fact_plan.months,
        "starts": plan.starts,
        "margin_starts": starts,
        # The last margin needs no real end: no row of the span is after the last day.
        "margin_ends": [*starts[1:], date.max],
        "margins": [
            MARGIN_ONE_MILLIONTHS if millionths is None else millionths
            for _, millionths in plan.margins
        ],
    }
    for number, part in enumerate(fact_plan.moments):
        given |= {
            f"from_at_{number}": part.from_at,
            f"to_at_{number}": part.to_at,
            f"first_on_{number}": part.first_on,
            f"last_on_{number}": part.last_on,
        }
    return given


def of_rollups(at: AnswerContext) -> dict[str, Any]:
    """Return the arguments of rollups: their generation, and the UTC day of the answer."""
    return {"generation": at.generation, "recorded_day": at.as_of.astimezone(UTC).date()}


async def read_fact(connection: Any, fact_plan: FactPlan, given: Mapping[str, Any]) -> FactRows:
    """Return the sums of one fact."""
    shape = fact_plan.shape
    if not shape.sources and not shape.moments:
        return FactRows(fact_plan, 0, ())
    statement = sql.sums(shape)
    rows = await connection.fetch(statement.text, *statement.arguments(**given))
    return FactRows(fact_plan, statement.keys, rows)
