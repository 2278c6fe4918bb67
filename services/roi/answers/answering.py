"""One answer: read in one transaction, assembled, and encoded as JSON.

Promise: all figures are of one moment. The answer names that moment as `as_of`, and asking again
with it gives the same figures. What can go wrong: more rows than `ROWS_MAX` is a 422 that says what
to do.
"""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answer_shapes import encode_answer
from services.roi.answers.assemble import Answer, Layout, assemble
from services.roi.answers.context import AnswerContext, WorkspaceStop, context_of
from services.roi.answers.question import RoiParameters, question_of, span_asked
from services.roi.answers.reading import gather
from services.roi.answers.span import span_of
from shared.http.problems import field_problem

# About 10 MB of JSON: more is an export, not an answer.
ROWS_MAX: Final = 20_000
# The warning that a workspace takes no new credits.
STOPPED: Final = "stopped"


async def answer_question(
    conn: AsyncConnection, workspace_id: str, now: datetime, asked: RoiParameters
) -> bytes:
    """Return the JSON body of the answer; 422 when it has more than `ROWS_MAX` rows."""
    question = question_of(asked)
    at = await context_of(conn, workspace_id, now, asked.as_of)
    from_, to = span_asked(asked, at.today, now)
    span = await span_of(conn, at.time_zone, (from_, to))
    found = await gather(conn, at, question.wanted, span, question.models)
    models = question.models_shown(found.models())
    layout = Layout(
        dimensions=question.dimensions,
        metrics=question.metrics,
        measures=question.wanted.measures,
        models=models,
        currency=question.currency,
        default_currency=at.currency,
    )
    answer = assemble(layout, found.facts, found.batches)
    _check_rows(answer)
    meta: dict[str, Any] = {
        "by": question.by,
        "group_by": [dimension.id for dimension in question.dimensions],
        "from": from_,
        "to": to,
        "source": found.plan.source.value,
        **_moment(at),
    }
    return encode_answer(answer, meta, question.metrics, models, lists_models=question.lists_models)


def _check_rows(answer: Answer) -> None:
    if len(answer.rows) > ROWS_MAX:
        message = f"gives {len(answer.rows)} rows, more than {ROWS_MAX}: ask for fewer days"
        raise field_problem("group_by", message)


def _moment(at: AnswerContext) -> dict[str, Any]:
    return {
        "time_zone": at.time_zone,
        "as_of": at.as_of,
        "fresh_to": at.fresh_to,
        "sequence": at.sequence,
        "warnings": _warnings(at),
    }


def _warnings(at: AnswerContext) -> list[dict[str, str]]:
    """Return what weakens the figures of an answer, each as a sentence."""
    if at.stop is None:
        return []
    since = at.stop.stopped_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    sentence = (
        f"The figures of this workspace stand still since {since}: credits record"
        f" {at.stop.sequence} {_cause(at.stop)}. `laurel replay --publish` publishes it again."
    )
    return [{"id": STOPPED, "sentence": sentence}]


def _cause(stop: WorkspaceStop) -> str:
    return f"cannot be used ({stop.problem})" if stop.problem else "has not come"
