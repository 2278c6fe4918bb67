"""The read plan of an answer: the cheapest tables that have all that the question needs.

Months of a span are read whole where a month lies in one segment and under one margin; the other
days from the daily rollups; parts of days at the ends of a span between two times from raw rows. A
past `as_of` reads the history of the days and the raw rows of its own UTC day. A measure or
dimension that no rollup has is read from raw rows for the whole span.

Promise: every moment of the span is read exactly once for each fact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from services.roi.answers.audience import OF_AUDIENCE
from services.roi.answers.catalog_facts import Margin, margin_starts
from services.roi.answers.cost_views import CostView
from services.roi.answers.filters import Filter
from services.roi.answers.kinds import (
    Dimension,
    Fact,
    FromCatalog,
    FromRow,
    Grain,
    Measure,
    text_itself,
)
from services.roi.answers.segments import days_between, segment_starts, whole_months
from services.roi.answers.span import Moments, Span
from services.roi.answers.tables import Source, columns_of

# A local day lies within this time of its UTC day: the raw rows of days are looked for there.
_DAY_MARGIN: Final = timedelta(days=2)
# Credit that costs are spread by is dated by the conversion, whatever the question's basis is.
WEIGHTS_BASIS: Final = "conversion_time"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The measures to sum, the dimensions to group by, the filters.

    `basis` dates credits, `cost_view` costs. `each_account`: placements are told apart, whatever
    the dimensions are. `with_people`: conversions are read with their people.
    """

    measures: tuple[Measure, ...]
    dimensions: tuple[Dimension, ...]
    basis: str
    filters: tuple[Filter, ...] = ()
    each_account: bool = False
    cost_view: CostView = CostView.INCURRED
    with_people: bool = False

    @property
    def read(self) -> tuple[Dimension, ...]:
        """Return the dimensions whose values are read: of rows, of filters, of audiences."""
        asked = (*self.dimensions, *(one.dimension for one in self.filters))
        if any(measure.fact is Fact.FOLLOWERS for measure in self.measures):
            asked += OF_AUDIENCE
        return tuple({dimension.id: dimension for dimension in asked}.values())

    @property
    def by_account(self) -> bool:
        """Return whether a dimension tells placements apart."""
        has_catalog = any(isinstance(dimension.source, FromCatalog) for dimension in self.read)
        return self.each_account or has_catalog


@dataclass(frozen=True, slots=True)
class Shape:
    """What the SQL text of a planned statement depends on; all else is an argument.

    `moments`: how many stretches of raw rows are read. `columns`: the row's columns that dimensions
    ask. `by_account`: whether rows are told apart by account, or only organic, brand and others.
    `narrowed`: the columns of which only named values are read, in their order. `entries`: raw rows
    are listed, with their moment. `of_records`: only the rows of named records are read.
    """

    fact: Fact
    sources: tuple[Source, ...]
    moments: int
    basis: str
    measures: tuple[Measure, ...]
    columns: tuple[str, ...]
    by_account: bool
    narrowed: tuple[str, ...] = ()
    entries: bool = False
    of_records: bool = False


@dataclass(frozen=True, slots=True)
class FactPlan:
    """One statement: its shape, and the buckets and moments that it reads."""

    shape: Shape
    months: Sequence[date]
    days: Sequence[date]
    moments: Sequence[Moments]

    @property
    def finest(self) -> Grain:
        """Return the finest grain that is read."""
        if self.moments or Source.RECORDED_DAY in self.shape.sources:
            return Grain.ENTRIES
        return Grain.DAYS if self.days else Grain.MONTHS


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements of an answer.

    `starts`: first days of segments. `margins`: first day and millionths of each margin; None where
    none is set.
    """

    starts: Sequence[date]
    margins: Sequence[tuple[date, int | None]]
    facts: Sequence[FactPlan]
    cost_measures: tuple[Measure, ...]

    @property
    def source(self) -> Grain:
        """Return the finest grain that any figure is read from."""
        order = list(Grain)
        return max((plan.finest for plan in self.facts), key=order.index, default=Grain.DAYS)


def plan_answer(
    wanted: Wanted,
    span: Span,
    margins: Sequence[Margin],
    *,
    is_now: bool,
    starts: Sequence[date] | None = None,
) -> Plan:
    """Return the plan of an answer: the tables for each fact that the measures need.

    `starts` are the first days of segments, where they are not those of the span's own days.
    """
    starts = starts or segment_starts(wanted.read, span.from_on, span.to_on)
    spans = margin_starts(margins, span.from_on, span.to_on)
    facts = []
    for fact in (Fact.CREDITS, Fact.TOUCHES, Fact.COUNTS):
        measures = tuple(measure for measure in wanted.measures if measure.fact is fact)
        if measures:
            facts.append(_plan_fact(fact, measures, wanted, span, (starts, spans), is_now=is_now))
    costs = tuple(measure for measure in wanted.measures if measure.fact is Fact.COSTS)
    return Plan(starts, spans, facts, costs)


def plan_entries(fact_plan: FactPlan, span: Span) -> FactPlan:
    """Return the plan that lists the raw rows of a fact of the whole span."""
    shape = replace(fact_plan.shape, sources=(), moments=1, entries=True)
    return FactPlan(shape, (), (), (_all_moments(span),))


def plan_weights(measure: Measure, days: Sequence[date], *, is_now: bool) -> FactPlan:
    """Return the plan of the sums by placement that costs are spread by, in these days."""
    shape = Shape(
        fact=measure.fact,
        sources=_sources((), days, is_now=is_now),
        moments=0,
        basis=WEIGHTS_BASIS,
        measures=(measure,),
        columns=(),
        by_account=True,
    )
    return FactPlan(shape, (), days, ())


def _plan_fact(
    fact: Fact,
    measures: tuple[Measure, ...],
    wanted: Wanted,
    span: Span,
    cuts: tuple[Sequence[date], Sequence[tuple[date, int | None]]],
    *,
    is_now: bool,
) -> FactPlan:
    asked = [d.source.column for d in wanted.read if isinstance(d.source, FromRow)]
    columns = tuple(name for name in asked if name in columns_of(fact, Grain.ENTRIES))
    grain = cheapest_grain(fact, measures, columns)
    months: list[date] = []
    days = days_between(span.first_on, span.last_on)
    moments = tuple(span.ends)
    if grain is Grain.ENTRIES:
        days, moments = [], (_all_moments(span),)
    elif grain is Grain.MONTHS and is_now:
        starts, spans = cuts
        has_margin = any(measure.weighted_by_margin for measure in measures)
        changes = {first for first, _ in spans} if has_margin else set()
        months = whole_months(sorted(changes.union(starts)), span.first_on, span.last_on)
        taken = set(months)
        days = [day for day in days if day.replace(day=1) not in taken]
    shape = Shape(
        fact=fact,
        sources=_sources(months, days, is_now=is_now),
        moments=len(moments),
        basis=wanted.basis,
        measures=measures,
        columns=columns,
        by_account=wanted.by_account,
        narrowed=tuple(name for name in narrowing(wanted.filters) if name in columns),
    )
    return FactPlan(shape, months, days, moments)


def narrowing(filters: Sequence[Filter]) -> dict[str, list[str]]:
    """Return the columns of which a filter names every value to read, with the values.

    It spares reads: the filter itself is applied to the sums.
    """
    found: dict[str, list[str]] = {}
    for asked in filters:
        source = asked.dimension.source
        is_plain = isinstance(source, FromRow) and source.read is text_itself
        if is_plain and not asked.negated and None not in asked.words:
            assert isinstance(source, FromRow)
            found[source.column] = asked.named()
    return found


def cheapest_grain(fact: Fact, measures: Sequence[Measure], columns: Sequence[str]) -> Grain:
    """Return the coarsest grain with every measure and column; LookupError when none has."""
    for grain in Grain:
        has_measures = all(grain in measure.grains for measure in measures)
        if has_measures and columns_of(fact, grain).issuperset(columns):
            return grain
    raise LookupError(f"no table of {fact} has all of {[measure.id for measure in measures]}")


def _sources(months: Sequence[date], days: Sequence[date], *, is_now: bool) -> tuple[Source, ...]:
    if not is_now:
        return (Source.HISTORY, Source.RECORDED_DAY) if days else ()
    chosen = ((Source.MONTHS, months), (Source.DAYS, days))
    return tuple(source for source, buckets in chosen if buckets)


def _all_moments(span: Span) -> Moments:
    """Return all moments of a span, to be read from raw rows."""
    if span.times is not None:
        return Moments(*span.times, span.from_on, span.to_on)
    from_at = datetime.combine(span.from_on, time(), UTC) - _DAY_MARGIN
    to_at = datetime.combine(span.to_on, time(), UTC) + _DAY_MARGIN
    return Moments(from_at, to_at, span.from_on, span.to_on)
