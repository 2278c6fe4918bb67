"""The rows of an answer made from cells: rows by dimensions, headline figures, totals. Pure.

Promise: for every additive measure and every model, rows + organic = totals and program + brand +
organic + overhead = totals, exactly. Headline figures are of the question and not of its rows: they
are the same for all dimensions. Sums are integers, and parts of a minor unit are rounded by largest
remainder. Rows that sum to nothing are left out, so an answer does not tell in which order its
events arrived. Touches and costs belong to every model: with `model` as a dimension each model has
all of them, and its own totals. A value without a dimension's value is on a row whose group has
null, with the label `unallocated`. Overhead has a row of its own under every dimension but `model`.
Where a dimension overlaps, a sum is in each of its rows: rows then have no total, and headline
figures are summed without them. So they are where a measure counts each placement once in a sum.
Rows that are ranked by the lower end of a metric's interval are sorted by it alone, and those
without one come last.
What can go wrong: `AnswerTooLarge` before the figures of too many rows are computed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from itertools import product
from typing import Final
from uuid import UUID

from services.roi.answers.catalog_facts import CatalogFacts, Part
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.doubt import Doubt, doubter, lower_end
from services.roi.answers.kinds import Dimension, FromRow, Headline, Measure, Metric
from services.roi.answers.readers import NOTHING, Reader, reader_of
from services.roi.answers.sizes import check_rows
from services.roi.answers.sums import Ledger, RowSums, Rules
from services.roi.answers.values import Value, rounded

_OVERHEAD: Final = Part(Headline.OVERHEAD.value, None)
_MODEL: Final = FromRow("model")
# The headline figures whose cells have rows of their own.
_BY_DIMENSIONS: Final = frozenset((Headline.PROGRAM, Headline.BRAND))

Values = tuple[tuple[str, Value], ...]
Figures = Mapping[str, Value | Values]
"""Values by metric id; a metric per currency has (currency, value) for each shown currency."""
Key = tuple[Part, ...]
# The sums of every row, measure by measure.
_View = Sequence[Sequence[int | None]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What an answer shows. `measures` are those of the metrics; `currency` None: all of them.

    `ranked_by`: the metric by the lower end of whose interval rows are sorted; None: by their sums.
    """

    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    measures: tuple[Measure, ...]
    models: tuple[str, ...]
    currency: str | None
    default_currency: str
    with_intervals: bool = False
    ranked_by: str | None = None

    @property
    def overlapping(self) -> tuple[str, ...]:
        """Return the dimensions whose rows overlap, so that rows have no sum."""
        return tuple(dimension.id for dimension in self.dimensions if dimension.overlapping)


@dataclass(frozen=True, slots=True)
class Season:
    """The seasonality index of each additive metric of a row, and the days that it is a mean of."""

    days: int
    index: Figures


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the value of each dimension (None: no value), today's label, its figures.

    `compared`: the figures of the period that is compared; None where none is. `doubt`: that of the
    present period's figures. `season`: None where rows are not by a stretch of days that comes
    again.
    """

    group: Mapping[str, str | None]
    label: str
    figures: Figures
    doubt: Doubt
    compared: Figures | None = None
    season: Season | None = None


@dataclass(frozen=True, slots=True)
class Wholes:
    """By model, the headline figures with their doubt, and the totals."""

    headlines: Mapping[Headline, Mapping[str, Figures]]
    totals: Mapping[str, Figures]
    doubts: Mapping[Headline, Mapping[str, Doubt]]


@dataclass(frozen=True, slots=True)
class Answer:
    """All rows, and by model the headline figures and the totals.

    `missing_rates`: currencies that would have to be converted into the one asked for.
    """

    rows: tuple[Row, ...]
    headlines: Mapping[Headline, Mapping[str, Figures]]
    doubts: Mapping[Headline, Mapping[str, Doubt]]
    totals: Mapping[str, Figures]
    currencies: tuple[str, ...]
    missing_rates: tuple[str, ...]
    compared: Wholes | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """The sums of one period; `shift` is added to its days, so that periods have the same rows."""

    facts: CatalogFacts
    batches: Iterable[Batch]
    shift: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class _Ledgers:
    """The sums of one period, by model: of rows, and of headline figures and totals.

    They are the same, unless rows overlap or a measure does not add up: then headline figures are
    summed by themselves.
    """

    rows: Mapping[str, Ledger[Key]]
    wholes: Mapping[str, Ledger[Key]]

    def every(self) -> set[Ledger[Key]]:
        return {*self.rows.values(), *self.wholes.values()}


def assemble(
    layout: Layout,
    facts: CatalogFacts,
    batches: Iterable[Batch],
    compared: Period | None = None,
) -> Answer:
    """Return the answer that the layout describes, made from cells."""
    now = _ledgers(layout, Period(facts, batches))
    before = None if compared is None else _ledgers(layout, compared)
    return _closed(layout, now, before)


def _ledgers(layout: Layout, period: Period) -> _Ledgers:
    """Return the sums of a period, rounded."""
    rows = {model: Ledger[Key](layout.measures, layout.currency) for model in layout.models}
    wholes = rows
    is_apart = bool(layout.overlapping) or not _adds_up(layout.measures)
    if is_apart:
        wholes = {model: Ledger[Key](layout.measures, layout.currency) for model in layout.models}
    found = _Ledgers(rows, wholes)
    readers = [reader_of(dimension, period.facts, period.shift) for dimension in layout.dimensions]
    headline_of = cache(period.facts.headline_of)
    for batch in period.batches:
        _add(found, layout, batch, readers, headline_of)
    for ledger in found.every():
        ledger.round_parts(_canonical)
    return found


def _adds_up(measures: Sequence[Measure]) -> bool:
    return all(measure.additive for measure in measures)


# A row of a model and an account; the key None is the headline figure.
_Place = tuple[UUID | None, str, Key | None]


def _add(
    found: _Ledgers,
    layout: Layout,
    batch: Batch,
    readers: Sequence[Reader],
    headline_of: Callable[[UUID | None, object | None], Headline],
) -> None:
    """Add the cells of a batch to the ledgers."""
    place_of = {measure.id: place for place, measure in enumerate(layout.measures)}
    places = [place_of[measure.id] for measure in batch.measures]
    is_apart = found.rows is not found.wholes
    seen: set[_Place] | None = None if _adds_up(batch.measures) else set()
    for cell in batch.cells:
        for model in layout.models if cell.model is None else (cell.model,):
            headline = headline_of(cell.account, cell.owner)
            keys = keys_of(layout, headline, readers, cell, model)
            if seen is not None:
                keys = [key for key in keys if _is_first(seen, (cell.account, model, key))]
            for key in keys:
                found.rows[model].row(headline, key).add(places, cell.currency, cell.sums)
            if is_apart and (seen is None or _is_first(seen, (cell.account, model, None))):
                found.wholes[model].row(headline, ()).add(places, cell.currency, cell.sums)


def _is_first(seen: set[_Place], place: _Place) -> bool:
    """Return whether an account was not in a row yet; now it is."""
    count = len(seen)
    seen.add(place)
    return len(seen) > count


def keys_of(
    layout: Layout,
    headline: Headline,
    readers: Sequence[Reader],
    cell: Cell,
    model: str,
) -> Iterable[Key]:
    """Return the parts of a cell's rows; overhead is one row of each model."""
    if headline in _BY_DIMENSIONS:
        return product(*[reader(cell, model) for reader in readers])
    if headline is Headline.ORGANIC:
        return ((),)
    of_model = Part(model, model)
    return (
        tuple(
            of_model if dimension.source == _MODEL else _OVERHEAD for dimension in layout.dimensions
        ),
    )


def _canonical(key: Key) -> tuple[tuple[str, str], ...]:
    """Return a sort key without labels; it decides which row gets a left-over minor unit."""
    return tuple((part.id, "") if part.id is not None else ("", part.label) for part in key)


def _closed(layout: Layout, now: _Ledgers, before: _Ledgers | None) -> Answer:
    """Drop rows that are zero, and compute the figures."""
    periods = [now] if before is None else [now, before]
    every = set[Ledger[Key]]().union(*(period.every() for period in periods))
    kept = _pairs(layout, now, before)
    found = {code for ledger in every for code in ledger.currencies_found()}
    shown = (layout.currency,) if layout.currency else tuple(sorted(found))
    shown = shown or (layout.default_currency,)
    check_rows(len(kept))
    kept.sort(key=lambda item: _order(layout, item, shown[0]))
    figures = _Calculator(layout, shown).figures
    doubt = doubter(layout.metrics if layout.with_intervals else (), layout.measures, shown)
    missing = {code for ledger in every for code in ledger.missing_rates()}
    wholes, *compared = [_wholes(period, figures, doubt) for period in periods]
    return Answer(
        rows=_rows(layout, kept, figures, doubt, is_compared=before is not None),
        headlines=wholes.headlines,
        doubts=wholes.doubts,
        totals=wholes.totals,
        currencies=shown,
        missing_rates=tuple(sorted(missing)),
        compared=compared[0] if compared else None,
    )


# A row's key, its sums, and those of the period that is compared.
_Pair = tuple[Key, RowSums, RowSums | None]
# It gives the metrics of each row's sums.
_Figures = Callable[[Sequence[RowSums]], list[Figures]]


def _pairs(layout: Layout, now: _Ledgers, before: _Ledgers | None) -> list[_Pair]:
    """Return the rows that are not zero in each period."""
    found: list[_Pair] = []
    rules = Rules.of(layout.measures, layout.currency)
    for model, ledger in now.rows.items():
        here = ledger.rows()
        if before is None:
            found += [(key, sums, None) for key, sums in here.items() if not sums.is_zero()]
            continue
        there = before.rows[model].rows()
        for key in dict.fromkeys((*here, *there)):
            pair = tuple(rows.get(key) or RowSums(rules) for rows in (here, there))
            if not all(sums.is_zero() for sums in pair):
                found.append((key, pair[0], pair[1]))
    return found


def _wholes(ledgers: _Ledgers, figures: _Figures, doubt: Callable[[RowSums], Doubt]) -> Wholes:
    sums = {model: ledger.headlines() for model, ledger in ledgers.wholes.items()}
    by_model = {
        model: figures([*sums[model].values(), ledger.total()])
        for model, ledger in ledgers.wholes.items()
    }
    return Wholes(
        {
            headline: {model: found[place] for model, found in by_model.items()}
            for place, headline in enumerate(Headline)
        },
        {model: found[-1] for model, found in by_model.items()},
        {
            headline: {model: doubt(found[headline]) for model, found in sums.items()}
            for headline in Headline
        },
    )


def _order(layout: Layout, item: _Pair, currency: str) -> tuple[object, ...]:
    """Return the sort key of a row: natural order, then the greatest sums; overhead last."""
    key, sums, _ = item
    natural = [
        (True, "") if part.id is None else (False, dimension.order(part.id))
        for dimension, part in zip(layout.dimensions, key, strict=True)
        if dimension.order is not None
    ]
    is_last = _OVERHEAD in key, NOTHING in key
    return (natural, is_last, sums.ranking(currency), _canonical(key))


def _by_lower_end(metric_id: str, row: Row) -> tuple[bool, int]:
    """Return the sort key of a row: the greatest lower end first, rows without one last."""
    low = lower_end(row.doubt, metric_id)
    return (True, 0) if low is None else (False, -low)


def _rows(
    layout: Layout,
    kept: Sequence[_Pair],
    figures: _Figures,
    doubt: Callable[[RowSums], Doubt],
    *,
    is_compared: bool,
) -> tuple[Row, ...]:
    """Return the rows of these sums."""
    names = [dimension.id for dimension in layout.dimensions]
    now = figures([sums for _, sums, _ in kept])
    before: Sequence[Figures | None] = [None] * len(kept)
    if is_compared:
        before = figures([sums for _, _, sums in kept if sums is not None])
    rows = [
        Row(
            dict(zip(names, [part.id for part in key], strict=True)),
            label_of(key),
            now[place],
            doubt(sums),
            before[place],
        )
        for place, (key, sums, _) in enumerate(kept)
    ]
    if layout.ranked_by is not None:
        rows.sort(key=partial(_by_lower_end, layout.ranked_by))
    return tuple(rows)


def label_of(key: Key) -> str:
    """Return the name of a row for people."""
    if len(set(key)) == 1:
        return key[0].label
    return " · ".join(part.label for part in key)


class _Calculator:
    """Computes the metrics of rows, one metric at a time, in each currency that is shown."""

    def __init__(self, layout: Layout, currencies: Sequence[str]) -> None:
        places = {measure.id: place for place, measure in enumerate(layout.measures)}
        self._currencies = currencies
        self._names = [metric.id for metric in layout.metrics]
        self._formulas = [
            (metric, [places[name] for name in metric.inputs]) for metric in layout.metrics
        ]

    def figures(self, rows: Sequence[RowSums]) -> list[Figures]:
        """Return the metrics of each row's sums."""
        if not rows:
            return []
        views = [
            (currency, list(zip(*[sums.in_currency(currency) for sums in rows], strict=True)))
            for currency in self._currencies
        ]
        columns = [self._column(metric, places, views) for metric, places in self._formulas]
        return [dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True)]

    def _column(
        self, metric: Metric, places: Sequence[int], views: Sequence[tuple[str, _View]]
    ) -> Iterable[Value | Values]:
        """Return a metric's value in each row."""
        if not metric.per_currency:
            return _computed(metric, places, views[0][1])
        of_currencies = [
            [(currency, value) for value in _computed(metric, places, view)]
            for currency, view in views
        ]
        return zip(*of_currencies, strict=True)


def _computed(metric: Metric, places: Sequence[int], view: _View) -> list[Value]:
    values = map(metric.compute, *[view[place] for place in places])
    return list(map(partial(rounded, metric.unit), values))
