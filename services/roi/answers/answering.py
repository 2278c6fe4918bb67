"""One answer: read in one transaction, then assembled and encoded as JSON beside the event loop.

Promise: all figures are of one moment. The answer names that moment as `as_of`, and asking again
with it gives the same figures. The transaction ends before the figures are computed.
What can go wrong: `AnswerTooLarge`, which says what to ask instead.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answer_shapes import encode_answer
from services.roi.answers.assemble import Answer, Layout, assemble
from services.roi.answers.building import Gathered, gathered
from services.roi.answers.cells import Batch
from services.roi.answers.context import AnswerContext, context_of
from services.roi.answers.exchange import Exchange, Gap, Rate, converted, in_parts
from services.roi.answers.kinds import Measure
from services.roi.answers.plan import Wanted
from services.roi.answers.question import Question, RoiParameters, question_of, span_asked
from services.roi.answers.reading import RowsRead, read_rows
from services.roi.answers.sizes import CATALOG_ROWS_MAX, check_cells, check_rates
from services.roi.answers.span import Span, span_of
from services.roi.answers.weaknesses import goals_lacking, rates_lacking, warnings_of
from services.roi.store.rate_rows import exchange_rows


@dataclass(frozen=True, slots=True)
class AnswerInput:
    """All that an answer is computed from: its question, its moment, and the rows.

    `now`: when it was asked for; None where it was asked for as of a moment. `exchange`: the rates
    into the currency that was asked for; None where amounts keep theirs.
    """

    question: Question
    at: AnswerContext
    now: datetime | None
    from_: date | datetime
    to: date | datetime
    read: RowsRead
    exchange: Exchange | None


async def read_input(
    conn: AsyncConnection, workspace_id: str, now: datetime, asked: RoiParameters
) -> AnswerInput:
    """Return what the answer is computed from, read in the transaction of `conn`."""
    question = question_of(asked)
    at = await context_of(conn, workspace_id, now, asked.as_of)
    from_, to = span_asked(asked, at.today, now)
    span = await span_of(conn, at.time_zone, (from_, to))
    exchange = await read_exchange(conn, at, question.currency, span)
    wanted = by_rates(question.wanted, exchange)
    read = await read_rows(conn, at, wanted, span, question.models)
    when = now if asked.as_of is None else None
    return AnswerInput(question, at, when, from_, to, read, exchange)


async def read_exchange(
    conn: AsyncConnection, at: AnswerContext, currency: str | None, span: Span
) -> Exchange | None:
    """Return the exchange rates of an answer in a currency; None without one."""
    if currency is None:
        return None
    asked = at.currency, span.to_on, CATALOG_ROWS_MAX + 1
    rows = await exchange_rows(conn, at.workspace_id, at.as_of, asked)
    check_rates(len(rows))
    rates = (Rate(row["currency"], row["valid_from"], Fraction(row["amount"])) for row in rows)
    return Exchange(currency, at.currency, rates)


def by_rates(wanted: Wanted, exchange: Exchange | None) -> Wanted:
    """Return what is wanted, apart for each stretch of days without a change of a rate."""
    if exchange is None:
        return wanted
    return replace(wanted, dimensions=(*wanted.dimensions, exchange.stretches))


@dataclass(frozen=True, slots=True)
class Built:
    """An answer before it is encoded: its data, the models that it shows, its rows.

    `gaps`: amounts that have no exchange rate.
    """

    found: Gathered
    models: tuple[str, ...]
    answer: Answer
    gaps: Collection[Gap]


def built(given: AnswerInput) -> Built:
    """Return the rows and figures of the answer; raise `AnswerTooLarge`. It runs in a thread."""
    question = given.question
    found = gathered(given.read)
    models = question.models_shown(found.models())
    check_cells(found.additions(len(models)))
    measures, batches, gaps = exchanged(given.exchange, question.wanted.measures, found.batches)
    layout = Layout(
        dimensions=question.dimensions,
        metrics=question.metrics,
        measures=measures,
        models=models,
        currency=question.currency,
        default_currency=given.at.currency,
    )
    return Built(found, models, assemble(layout, found.facts, batches), gaps)


def exchanged(
    exchange: Exchange | None, measures: tuple[Measure, ...], batches: Sequence[Batch]
) -> tuple[tuple[Measure, ...], Sequence[Batch], Collection[Gap]]:
    """Return measures and batches in the currency that was asked for, and what has no rate."""
    if exchange is None:
        return measures, batches, ()
    found, gaps = converted(exchange, batches)
    return in_parts(measures), found, gaps


def warned(given: AnswerInput, made: Built) -> list[dict[str, str]]:
    """Return the warnings of an answer."""
    warnings = warnings_of(given.at, made.found, given.to, given.now)
    warnings += rates_lacking(made.found, given.question.currency, made.gaps)
    return warnings + goals_lacking(made.found, made.answer, given.read.with_goals)


def build_answer(given: AnswerInput) -> bytes:
    """Return the JSON body of the answer; raise `AnswerTooLarge`. It runs in a thread."""
    question, made = given.question, built(given)
    meta: dict[str, Any] = {
        "by": question.by,
        "cost_view": question.cost_view,
        "group_by": [dimension.id for dimension in question.dimensions],
        "from": given.from_,
        "to": given.to,
        "source": made.found.plan.source.value,
        "warnings": warned(given, made),
        **_moment(given.at),
    }
    return encode_answer(
        made.answer, meta, question.metrics, made.models, lists_models=question.lists_models
    )


def _moment(at: AnswerContext) -> dict[str, Any]:
    return {
        "time_zone": at.time_zone,
        "as_of": at.as_of,
        "fresh_to": at.fresh_to,
        "sequence": at.sequence,
    }
