"""One answer: read in one transaction, then assembled and encoded as JSON beside the event loop.

Promise: all figures are of one moment. The answer names that moment as `as_of`, and asking again
with it gives the same figures. The transaction ends before the figures are computed.
What can go wrong: `AnswerRefused`, which says what to ask instead.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answer_shapes import encode_answer, told_of_intervals
from services.roi.answers.assemble import Answer, Layout, Period, assemble
from services.roi.answers.building import Gathered, gathered
from services.roi.answers.cells import Batch
from services.roi.answers.context import AnswerContext, context_of
from services.roi.answers.exchange import Exchange, Gap, Rate, converted, in_parts
from services.roi.answers.kinds import Grain, Measure
from services.roi.answers.period import asked_period, compared_period
from services.roi.answers.plan import Wanted
from services.roi.answers.question import Question, RoiParameters, question_of
from services.roi.answers.reading import RowsRead, read_rows
from services.roi.answers.seasonality import days_by_word, recurring, with_seasons
from services.roi.answers.segments import days_between, segment_starts
from services.roi.answers.sizes import CATALOG_ROWS_MAX, check_cells, check_rates
from services.roi.answers.span import Asked, Span, span_of
from services.roi.answers.weaknesses import goals_lacking, rates_lacking, warnings_of
from services.roi.store.rate_rows import exchange_rows


@dataclass(frozen=True, slots=True)
class ComparedInput:
    """The rows of the period that is compared, and by how much it lies earlier."""

    period: Asked
    shift: timedelta
    read: RowsRead


@dataclass(frozen=True, slots=True)
class AnswerInput:
    """All that an answer is computed from: its question, its moment, and the rows.

    `now`: when it was asked for; None where it was asked for as of a moment. `exchange`: the rates
    into the currency that was asked for; None where amounts keep theirs. `filters`: as sent, by
    dimension.
    """

    question: Question
    at: AnswerContext
    now: datetime | None
    period: Asked
    read: RowsRead
    exchange: Exchange | None
    filters: Mapping[str, str]
    span: Span
    compared: ComparedInput | None = None


# It reads an answer's input for a workspace, at a moment, from parameters.
ReadAnswer = Callable[[AsyncConnection, str, datetime, RoiParameters], Awaitable[AnswerInput]]


@dataclass(frozen=True, slots=True)
class AskedAt:
    """Parameters at a moment: the workspace then, and the days or times that they mean."""

    context: AnswerContext
    now: datetime
    asked: RoiParameters
    period: Asked
    span: Span


async def asked_at(
    conn: AsyncConnection, workspace_id: str, now: datetime, asked: RoiParameters
) -> AskedAt:
    """Return the parameters at their moment."""
    at = await context_of(conn, workspace_id, now, asked.as_of)
    period = await asked_period(conn, at, asked, now)
    return AskedAt(at, now, asked, period, await span_of(conn, at.time_zone, period))


async def read_input(
    conn: AsyncConnection,
    workspace_id: str,
    now: datetime,
    asked: RoiParameters,
    question: Question | None = None,
) -> AnswerInput:
    """Return what the answer is computed from, read in the transaction of `conn`.

    `question` None: that of the parameters, with the intervals of its figures.
    """
    question = question or replace(question_of(asked), with_intervals=True)
    return await read_asked(conn, await asked_at(conn, workspace_id, now, asked), question)


async def read_asked(conn: AsyncConnection, moment: AskedAt, question: Question) -> AnswerInput:
    """Return what the answer to a question is computed from."""
    at, period, span = moment.context, moment.period, moment.span
    exchange = await read_exchange(conn, at, question.currency, span)
    wanted = by_rates(question.wanted, exchange)
    read = await read_rows(conn, at, wanted, span, question.models)
    return AnswerInput(
        question,
        at,
        moment.now if moment.asked.as_of is None else None,
        period,
        read,
        exchange,
        moment.asked.filter_texts(),
        span,
        await _read_compared(conn, at, question, period, read, exchange),
    )


async def _read_compared(
    conn: AsyncConnection,
    at: AnswerContext,
    question: Question,
    period: Asked,
    read: RowsRead,
    exchange: Exchange | None,
) -> ComparedInput | None:
    """Return the period that is compared, cut into segments as the present one is.

    It is also cut where an exchange rate of its own changes.
    """
    if question.compare is None:
        return None
    before, shift = compared_period(question.compare, period, at.time_zone)
    span = await span_of(conn, at.time_zone, before)
    later = (first - shift for first in read.plan.starts[1:])
    starts: set[date] = {span.from_on, *(first for first in later if first > span.from_on)}
    if exchange is not None:
        starts.update(segment_starts([exchange.stretches], span.from_on, span.to_on))
    wanted = by_rates(question.wanted, exchange)
    found = await read_rows(conn, at, wanted, span, question.models, sorted(starts))
    return ComparedInput(before, shift, found)


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
    """An answer before it is encoded: its data before filters, its layout, its rows.

    `gaps`: amounts that have no exchange rate. `source`: the finest grain that was read.
    """

    found: Gathered
    layout: Layout
    answer: Answer
    gaps: Collection[Gap]
    source: Grain


def built(given: AnswerInput) -> Built:
    """Return the rows and figures of the answer; raise `AnswerRefused`. It runs in a thread."""
    question, compared = given.question, given.compared
    everything = gathered(given.read)
    periods = [everything.filtered(question.filters)]
    if compared is not None:
        periods.append(gathered(compared.read).filtered(question.filters, compared.shift))
    models = question.models_shown({name for period in periods for name in period.models()})
    check_cells(sum(period.additions(len(models)) for period in periods))
    gaps: set[Gap] = set()
    shown: list[Sequence[Batch]] = []
    measures = question.wanted.measures
    for period in periods:
        measures, batches, lacking = exchanged(
            given.exchange, question.wanted.measures, period.batches
        )
        shown.append(batches)
        gaps.update(lacking)
    layout = Layout(
        dimensions=question.dimensions,
        metrics=question.metrics,
        measures=measures,
        models=models,
        currency=question.currency,
        default_currency=given.at.currency,
        with_intervals=question.with_intervals,
        ranked_by=question.ranked_by,
    )
    before = None
    if compared is not None:
        before = Period(periods[1].facts, shown[1], compared.shift)
    answer = assemble(layout, periods[0].facts, shown[0], before)
    if (dimension := recurring(question.dimensions)) is not None and given.span.times is None:
        sample = days_by_word(dimension, _begun_days(given), question.filters)
        answer = with_seasons(answer, dimension, question.metrics, sample)
    source = max((period.plan.source for period in periods), key=list(Grain).index)
    return Built(everything, layout, answer, gaps, source)


def _begun_days(given: AnswerInput) -> Sequence[date]:
    """Return the days of the answer that had begun at its moment."""
    today = given.at.as_of.astimezone(ZoneInfo(given.at.time_zone)).date()
    return days_between(given.span.from_on, min(given.span.to_on, today))


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
    question = given.question
    warnings = warnings_of(given.at, made.found, question.wanted, given.period[1], given.now)
    warnings += rates_lacking(made.found, question.currency, made.gaps)
    return warnings + goals_lacking(made.found, made.answer, given.read.with_goals)


def build_answer(given: AnswerInput) -> bytes:
    """Return the JSON body of the answer; raise `AnswerRefused`. It runs in a thread."""
    question, made = given.question, built(given)
    return encode_answer(
        made.answer,
        meta_of(given, made) | told_of_intervals(question.ranked_by),
        question.metrics,
        made.layout.models,
        lists_models=question.lists_models,
    )


def meta_of(given: AnswerInput, made: Built) -> dict[str, Any]:
    """Return what the answer says of its question and its moment."""
    at, (from_, to), compared = given.at, given.period, given.compared
    return {
        "by": given.question.by,
        "cost_view": given.question.cost_view,
        "group_by": [dimension.id for dimension in made.layout.dimensions],
        "filters": given.filters,
        "overlapping": made.layout.overlapping,
        "from": from_,
        "to": to,
        "compared": compared and {"from": compared.period[0], "to": compared.period[1]},
        "source": made.source.value,
        "warnings": warned(given, made),
        "time_zone": at.time_zone,
        "as_of": at.as_of,
        "fresh_to": at.fresh_to,
        "sequence": at.sequence,
    }
