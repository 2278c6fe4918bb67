"""One answer: read in one transaction, then assembled and encoded as JSON beside the event loop.

Promise: all figures are of one moment. The answer names that moment as `as_of`, and asking again
with it gives the same figures. The transaction ends before the figures are computed.
What can go wrong: `AnswerTooLarge`, which says what to ask instead.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answer_shapes import encode_answer
from services.roi.answers.assemble import Answer, Layout, assemble
from services.roi.answers.building import Gathered, gathered
from services.roi.answers.context import AnswerContext, context_of
from services.roi.answers.question import Question, RoiParameters, question_of, span_asked
from services.roi.answers.reading import RowsRead, read_rows
from services.roi.answers.sizes import check_cells
from services.roi.answers.span import span_of
from services.roi.answers.weaknesses import goals_lacking, warnings_of


@dataclass(frozen=True, slots=True)
class AnswerInput:
    """All that an answer is computed from: its question, its moment, and the rows.

    `now`: when it was asked for; None where it was asked for as of a moment.
    """

    question: Question
    at: AnswerContext
    now: datetime | None
    from_: date | datetime
    to: date | datetime
    read: RowsRead


async def read_input(
    conn: AsyncConnection,
    workspace_id: str,
    now: datetime,
    asked: RoiParameters,
    question: Question | None = None,
) -> AnswerInput:
    """Return what the answer is computed from, read in the transaction of `conn`.

    `question` None: that of the parameters.
    """
    question = question or question_of(asked)
    at = await context_of(conn, workspace_id, now, asked.as_of)
    from_, to = span_asked(asked, at.today, now)
    span = await span_of(conn, at.time_zone, (from_, to))
    read = await read_rows(conn, at, question.wanted, span, question.models)
    return AnswerInput(question, at, now if asked.as_of is None else None, from_, to, read)


@dataclass(frozen=True, slots=True)
class Built:
    """An answer before it is encoded: its data, the models that it shows, its rows."""

    found: Gathered
    models: tuple[str, ...]
    answer: Answer


def built(given: AnswerInput) -> Built:
    """Return the rows and figures of the answer; raise `AnswerTooLarge`. It runs in a thread."""
    question = given.question
    found = gathered(given.read)
    models = question.models_shown(found.models())
    check_cells(found.additions(len(models)))
    layout = Layout(
        dimensions=question.dimensions,
        metrics=question.metrics,
        measures=question.wanted.measures,
        models=models,
        currency=question.currency,
        default_currency=given.at.currency,
    )
    return Built(found, models, assemble(layout, found.facts, found.batches))


def build_answer(given: AnswerInput) -> bytes:
    """Return the JSON body of the answer; raise `AnswerTooLarge`. It runs in a thread."""
    question, made = given.question, built(given)
    return encode_answer(
        made.answer,
        meta_of(given, made),
        question.metrics,
        made.models,
        lists_models=question.lists_models,
    )


def meta_of(given: AnswerInput, made: Built) -> dict[str, Any]:
    """Return what the answer says of its question and its moment."""
    question = given.question
    warnings = warnings_of(given.at, made.found, given.to, given.now)
    return {
        "by": question.by,
        "group_by": [dimension.id for dimension in question.dimensions],
        "from": given.from_,
        "to": given.to,
        "source": made.found.plan.source.value,
        "warnings": warnings + goals_lacking(made.found, made.answer, given.read.with_goals),
        "time_zone": given.at.time_zone,
        "as_of": given.at.as_of,
        "fresh_to": given.at.fresh_to,
        "sequence": given.at.sequence,
    }
