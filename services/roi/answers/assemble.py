"""The rows of an answer made from cells: rows by dimensions, headline figures, totals. Pure.

Promise: for every additive measure and every model, rows + organic = totals and program + brand +
organic + overhead = totals, exactly. Headline figures are of the question and not of its rows: they
are the same for all dimensions. Sums are integers, and parts of a minor unit are rounded by largest
remainder. Rows that sum to nothing are left out, so an answer does not tell in which order its
events arrived. Touches and costs belong to every model: with `model` as a dimension each model has
all of them, and its own totals. A value without a dimension's value is on a row whose group has
null, with the label `unallocated`. Overhead has a row of its own under every dimension but `model`.
Where a dimension overlaps, a sum is in each of its rows: rows then have no total, and headline
figures are summed without them.
What can go wrong: `AnswerTooLarge` before the figures of too many rows are computed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Final

from services.roi.answers.catalog_facts import CatalogFacts, Part
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.kinds import Dimension, FromRow, Headline, Measure, Metric
from services.roi.answers.readers import NOTHING, Reader, reader_of
from services.roi.answers.sizes import check_rows
from services.roi.answers.sums import Ledger, RowSums, Rules
from services.roi.answers.values import Unit, Value, rounded

_OVERHEAD: Final = Part(Headline.OVERHEAD.value, None)
_MODEL: Final = FromRow("model")

Values = tuple[tuple[str, Value], ...]
Figures = Mapping[str, Value | Values]
"""Values by metric id; a metric per currency has (currency, value) for each shown currency."""
Key = tuple[Part, ...]
# A metric as a row needs it: id, unit, formula, and the places of its inputs among the measures.
_Computed = tuple[str, Unit, Callable[..., Value], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What an answer shows. `measures` are those of the metrics; `currency` None: all of them."""

    dimensions: tuple[Dimension, ...]
    metrics: tuple[Metric, ...]
    measures: tuple[Measure, ...]
    models: tuple[str, ...]
    currency: str | None
    default_currency: str

    @property
    def overlapping(self) -> tuple[str, ...]:
        """Return the dimensions whose rows overlap, so that rows have no sum."""
        return tuple(dimension.id for dimension in self.dimensions if dimension.overlapping)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the value of each dimension (None: no value), today's label, its figures.

    `compared`: the figures of the period that is compared; None where none is.
    """

    group: Mapping[str, str | None]
    label: str
    figures: Figures
    compared: Figures | None = None


@dataclass(frozen=True, slots=True)
class Wholes:
    """By model, the headline figures and the totals."""

    headlines: Mapping[Headline, Mapping[str, Figures]]
    totals: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Answer:
    """All rows, and by model the headline figures and the totals.

    `missing_rates`: currencies that would have to be converted into the one asked for.
    """

    rows: tuple[Row, ...]
    headlines: Mapping[Headline, Mapping[str, Figures]]
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

    They are the same, unless rows overlap: then headline figures are summed by themselves.
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
    wholes, is_overlapping = rows, bool(layout.overlapping)
    if is_overlapping:
        wholes = {model: Ledger[Key](layout.measures, layout.currency) for model in layout.models}
    facts = period.facts
    readers = [reader_of(dimension, facts, period.shift) for dimension in layout.dimensions]
    for batch in period.batches:
        places = [layout.measures.index(measure) for measure in batch.measures]
        for cell in batch.cells:
            for model in layout.models if cell.model is None else (cell.model,):
                headline = facts.headline_of(cell.account, cell.owner)
                for key in keys_of(layout, headline, readers, cell, model):
                    rows[model].row(headline, key).add(places, cell.currency, cell.sums)
                if is_overlapping:
                    wholes[model].row(headline, ()).add(places, cell.currency, cell.sums)
    found = _Ledgers(rows, wholes)
    for ledger in found.every():
        ledger.round_parts(_canonical)
    return found


def keys_of(
    layout: Layout,
    headline: Headline,
    readers: Sequence[Reader],
    cell: Cell,
    model: str,
) -> Iterable[Key]:
    """Return the parts of a cell's rows; overhead is one row of each model."""
    match headline:
        case Headline.ORGANIC:
            return ((),)
        case Headline.OVERHEAD:
            of_model = Part(model, model)
            return (
                tuple(
                    of_model if dimension.source == _MODEL else _OVERHEAD
                    for dimension in layout.dimensions
                ),
            )
        case _:
            return product(*[reader(cell, model) for reader in readers])


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
    missing = {code for ledger in every for code in ledger.missing_rates()}
    wholes, *compared = [_wholes(period, figures) for period in periods]
    return Answer(
        rows=tuple(_row(layout, pair, figures) for pair in kept),
        headlines=wholes.headlines,
        totals=wholes.totals,
        currencies=shown,
        missing_rates=tuple(sorted(missing)),
        compared=compared[0] if compared else None,
    )


# A row's key, its sums, and those of the period that is compared.
_Pair = tuple[Key, RowSums, RowSums | None]


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


def _wholes(ledgers: _Ledgers, figures: Callable[[RowSums], Figures]) -> Wholes:
    by_model = {model: ledger.headlines() for model, ledger in ledgers.wholes.items()}
    headlines = {
        headline: {model: figures(found[headline]) for model, found in by_model.items()}
        for headline in Headline
    }
    totals = {model: figures(ledger.total()) for model, ledger in ledgers.wholes.items()}
    return Wholes(headlines, totals)


def _order(layout: Layout, item: _Pair, currency: str) -> tuple[object, ...]:
    """Return the sort key of a row: natural order, then the greatest sums; overhead last."""
    key, sums, _ = item
    natural = [
        (part.id is None, dimension.order(part.id) if part.id is not None else "")
        for dimension, part in zip(layout.dimensions, key, strict=True)
        if dimension.order is not None
    ]
    is_last = _OVERHEAD in key, NOTHING in key
    return (natural, is_last, *sums.ranking(currency), _canonical(key))


def _row(layout: Layout, pair: _Pair, figures: Callable[[RowSums], Figures]) -> Row:
    key, now, before = pair
    ids = (part.id for part in key)
    group = dict(zip((dimension.id for dimension in layout.dimensions), ids, strict=True))
    return Row(group, label_of(key), figures(now), None if before is None else figures(before))


def label_of(key: Key) -> str:
    """Return the name of a row for people."""
    if len(set(key)) == 1:
        return key[0].label
    return " · ".join(part.label for part in key)


class _Calculator:
    """Computes the metrics of a row in each currency that the answer shows."""

    def __init__(self, layout: Layout, currencies: Sequence[str]) -> None:
        places = {measure.id: place for place, measure in enumerate(layout.measures)}
        self._currencies = currencies
        self._overall: list[_Computed] = []
        self._per_currency: list[_Computed] = []
        for metric in layout.metrics:
            of_kind = self._per_currency if metric.per_currency else self._overall
            inputs = [places[name] for name in metric.inputs]
            of_kind.append((metric.id, metric.unit, metric.compute, inputs))

    def figures(self, sums: RowSums) -> Figures:
        """Return the metrics of one row's sums."""
        views = [(currency, sums.in_currency(currency)) for currency in self._currencies]
        found: dict[str, Value | Values] = {}
        first = views[0][1]
        for name, unit, compute, places in self._overall:
            found[name] = rounded(unit, compute(*[first[place] for place in places]))
        for name, unit, compute, places in self._per_currency:
            found[name] = tuple(
                [
                    (currency, rounded(unit, compute(*[view[place] for place in places])))
                    for currency, view in views
                ]
            )
        return found
