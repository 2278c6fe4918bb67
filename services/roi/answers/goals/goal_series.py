"""The sums behind a goal's figure by days, weeks or months: its history, and how much they differ.

Promise: the sums are made from the same cells as the answers, by the same code; only those of the
goal's scope are added up.
What can go wrong: `AnswerRefused`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answering import by_rates, exchanged, read_exchange
from services.roi.answers.assemble import Layout, assemble
from services.roi.answers.building import gathered
from services.roi.answers.catalog_facts import CatalogFacts
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.context import AnswerContext
from services.roi.answers.dictionary import DIMENSIONS
from services.roi.answers.exchange import Exchange
from services.roi.answers.goals.goal_figures import GoalFigures
from services.roi.answers.kinds import (
    Dimension,
    Entity,
    Example,
    FromTime,
    Headline,
    Measure,
    Metric,
)
from services.roi.answers.plan import Wanted
from services.roi.answers.question import BASES, DEFAULT_MODEL
from services.roi.answers.reading import RowsRead, read_rows
from services.roi.answers.segments import segment_starts
from services.roi.answers.span import span_of
from services.roi.domain.goals import Stretch


@dataclass(frozen=True, slots=True)
class Scope:
    """A campaign or a creator, and the dimension that tells its figures apart."""

    dimension: Dimension
    entity: Entity
    id: UUID

    @classmethod
    def of(cls, name: str, scope_id: UUID) -> "Scope":
        """Return the scope of a campaign or creator."""
        return cls(DIMENSIONS[name], Entity(name), scope_id)

    def holds(self, facts: CatalogFacts, cell: Cell) -> bool:
        """Return whether a cell belongs to the campaign or creator."""
        if cell.account is None:
            return cell.owner == (self.entity, self.id)
        parts = facts.parts_of_account(self.dimension, cell.account)
        return any(part.id == str(self.id) for part in parts)


@dataclass(frozen=True, slots=True)
class Series:
    """The rows behind a series. `grain`: the dimension of time that divides its days."""

    at: AnswerContext
    grain: Dimension
    days: tuple[date, date]
    read: RowsRead
    exchange: Exchange | None


async def read_series(
    conn: AsyncConnection,
    at: AnswerContext,
    figures: GoalFigures,
    scope: Scope | None,
    days: tuple[date, date],
    grain: str,
) -> Series:
    """Return the rows of the goal's measures by grain, read in the transaction of `conn`."""
    by_time = DIMENSIONS[grain]
    dimensions = (by_time,) if scope is None else (scope.dimension, by_time)
    wanted = Wanted(figures.measures, dimensions, BASES[0])
    span = await span_of(conn, at.time_zone, days)
    exchange = await read_exchange(conn, at, figures.currency, span)
    read = await read_rows(conn, at, by_rates(wanted, exchange), span, (DEFAULT_MODEL,))
    return Series(at, by_time, days, read, exchange)


def stretches_of(series: Series, scope: Scope | None, figures: GoalFigures) -> list[Stretch]:
    """Return the sums of each day, week or month, in order; the last one may go on."""
    found = gathered(series.read)
    batches = [_within(batch, scope, found.facts) for batch in found.batches]
    measures, batches_shown, _ = exchanged(series.exchange, figures.measures, batches)
    layout = Layout(
        dimensions=(series.grain,),
        metrics=tuple(_itself(measure) for measure in figures.measures),
        measures=measures,
        models=(DEFAULT_MODEL,),
        currency=figures.currency,
        default_currency=series.at.currency,
    )
    answer = assemble(layout, found.facts, batches_shown)
    by_word = {row.group[series.grain.id]: row.figures for row in answer.rows}
    source = series.grain.source
    assert isinstance(source, FromTime)
    starts = segment_starts((series.grain,), *series.days)
    ends = [*(start - timedelta(days=1) for start in starts[1:]), series.days[1]]
    return [
        Stretch(last_on, (last_on - first_on).days + 1, _sums(by_word.get(word), figures.measures))
        for first_on, last_on in zip(starts, ends, strict=True)
        for word in (source.word(first_on),)
    ]


def _within(batch: Batch, scope: Scope | None, facts: CatalogFacts) -> Batch:
    """Return the cells of a batch that belong to the scope; without one, to the program."""
    if scope is not None:
        return Batch(batch.measures, [one for one in batch.cells if scope.holds(facts, one)])
    cells = [
        one for one in batch.cells if facts.headline_of(one.account, one.owner) is Headline.PROGRAM
    ]
    return Batch(batch.measures, cells)


def _sums(figures: Any, measures: Sequence[Measure]) -> tuple[int | None, ...]:
    if figures is None:
        return (0,) * len(measures)
    values = (figures[measure.id] for measure in measures)
    return tuple(value[0][1] if isinstance(value, tuple) else value for value in values)


def _itself(measure: Measure) -> Metric:
    """Return the metric that is a measure itself, so that an answer has its sums."""
    return Metric(
        id=measure.id,
        version=1,
        name=measure.id,
        formula=measure.id,
        inputs=(measure.id,),
        basis="",
        unit=measure.unit,
        per_currency=measure.per_currency,
        additive=measure.additive,
        empty_value="",
        source="",
        compute=lambda value: value,
        example=Example({measure.id: 1}, 1),
    )
