"""One answer: read in one transaction, then assembled and encoded as JSON beside the event loop.

Promise: all figures are of one moment. The answer names that moment as `as_of`, and asking again
with it gives the same figures. The transaction ends before the figures are computed.
What can go wrong: `AnswerRefused`, which says what to ask instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answer_shapes import encode_answer
from services.roi.answers.assemble import Layout, Period, assemble
from services.roi.answers.building import Gathered, gathered
from services.roi.answers.context import AnswerContext, context_of
from services.roi.answers.kinds import Grain
from services.roi.answers.period import asked_period, compared_period
from services.roi.answers.question import Question, RoiParameters, question_of
from services.roi.answers.reading import RowsRead, read_rows
from services.roi.answers.sizes import check_cells
from services.roi.answers.span import Asked, Span, span_of
from services.roi.answers.weaknesses import warnings_of


@dataclass(frozen=True, slots=True)
class ComparedInput:
    """The rows of the period that is compared, and by how much it lies earlier."""

    period: Asked
    shift: timedelta
    read: RowsRead


@dataclass(frozen=True, slots=True)
class AnswerInput:
    """All that an answer is computed from: its question, its moment, and the rows.

    `now`: when it was asked for; None where it was asked for as of a moment. `filters`: as sent, by
    dimension.
    """

    question: Question
    at: AnswerContext
    now: datetime | None
    period: Asked
    read: RowsRead
    filters: Mapping[str, str]
    span: Span
    compared: ComparedInput | None = None


async def read_input(
    conn: AsyncConnection,
    workspace_id: str,
    now: datetime,
    asked: RoiParameters,
    question: Question | None = None,
) -> AnswerInput:
    """Return what the answer is computed from, read in the transaction of `conn`.

    `question` is that of the parameters, where it is known already.
    """
    question = question or question_of(asked)
    at = await context_of(conn, workspace_id, now, asked.as_of)
    period = await asked_period(conn, at, asked, now)
    span = await span_of(conn, at.time_zone, period)
    read = await read_rows(conn, at, question.wanted, span, question.models)
    return AnswerInput(
        question,
        at,
        now if asked.as_of is None else None,
        period,
        read,
        asked.filter_texts(),
        span,
        await _read_compared(conn, at, question, period, read),
    )


async def _read_compared(
    conn: AsyncConnection,
    at: AnswerContext,
    question: Question,
    period: Asked,
    read: RowsRead,
) -> ComparedInput | None:
    """Return the period that is compared, cut into segments as the present one is."""
    if question.compare is None:
        return None
    before, shift = compared_period(question.compare, period, at.time_zone)
    span = await span_of(conn, at.time_zone, before)
    later = [first - shift for first in read.plan.starts[1:]]
    starts = [span.from_on, *(first for first in later if first > span.from_on)]
    found = await read_rows(conn, at, question.wanted, span, question.models, starts)
    return ComparedInput(before, shift, found)


def build_answer(given: AnswerInput) -> bytes:
    """Return the JSON body of the answer; raise `AnswerRefused`. It runs in a thread."""
    question = given.question
    everything = gathered(given.read)
    found = everything.filtered(question.filters)
    before = None
    if given.compared is not None:
        shift = given.compared.shift
        before = gathered(given.compared.read).filtered(question.filters, shift)
    periods = [found] if before is None else [found, before]
    models = question.models_shown({name for period in periods for name in period.models()})
    check_cells(sum(period.additions(len(models)) for period in periods))
    layout = Layout(
        dimensions=question.dimensions,
        metrics=question.metrics,
        measures=question.wanted.measures,
        models=models,
        currency=question.currency,
        default_currency=given.at.currency,
    )
    compared = None
    if before is not None and given.compared is not None:
        compared = Period(before.facts, before.batches, given.compared.shift)
    answer = assemble(layout, found.facts, found.batches, compared)
    meta = _meta(given, layout, everything, [period.plan.source for period in periods])
    return encode_answer(answer, meta, question.metrics, models, lists_models=question.lists_models)


def _meta(
    given: AnswerInput, layout: Layout, everything: Gathered, sources: Sequence[Grain]
) -> dict[str, Any]:
    at, (from_, to) = given.at, given.period
    compared = None
    if given.compared is not None:
        compared = {"from": given.compared.period[0], "to": given.compared.period[1]}
    return {
        "by": given.question.by,
        "group_by": [dimension.id for dimension in layout.dimensions],
        "filters": given.filters,
        "overlapping": layout.overlapping,
        "from": from_,
        "to": to,
        "compared": compared,
        "source": max(sources, key=list(Grain).index).value,
        "warnings": warnings_of(at, everything, given.question.wanted, to, given.now),
        "time_zone": at.time_zone,
        "as_of": at.as_of,
        "fresh_to": at.fresh_to,
        "sequence": at.sequence,
    }
