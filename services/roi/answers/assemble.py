"""The rows of an answer made from cells: rows by dimensions, headline figures, totals. Pure.

Promise: for every additive measure and every model, rows + organic = totals and program + brand +
organic + overhead = totals, exactly. Headline figures are of the question and not of its rows: they
are the same for all dimensions. Sums are integers, and parts of a minor unit are rounded by largest
remainder. Rows that sum to nothing are left out, so an answer does not tell in which order its
events arrived. Touches and costs belong to every model: with `model` as a dimension each model has
all of them, and its own totals. A value without a dimension's value is on a row whose group has
null, with the label `unallocated`. Overhead has a row of its own under every dimension but `model`.
What can go wrong: `AnswerTooLarge` before the figures of too many rows are computed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.roi.answers.catalog_facts import CatalogFacts, Part
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.kinds import (
    UNALLOCATED,
    Dimension,
    FromCatalog,
    FromRow,
    FromTime,
    Headline,
    Measure,
    Metric,
)
from services.roi.answers.sizes import check_rows
from services.roi.answers.sums import Ledger, RowSums
from services.roi.answers.values import Unit, Value, rounded

_NOTHING: Final = Part(UNALLOCATED, None)
_OVERHEAD: Final = Part(Headline.OVERHEAD.value, None)
_MODEL: Final = FromRow("model")
_NO_LABELS: Final[Mapping[str, str]] = {}

Values = tuple[tuple[str, Value], ...]
Figures = Mapping[str, Value | Values]
"""Values by metric id; a metric per currency has (currency, value) for each shown currency."""
Key = tuple[Part, ...]
Reader = Callable[[Cell, str], Part]
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


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the value of each dimension (None: no value), today's label, its figures."""

    group: Mapping[str, str | None]
    label: str
    figures: Figures


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


def assemble(layout: Layout, facts: CatalogFacts, batches: Iterable[Batch]) -> Answer:
    """Return the answer that the layout describes, made from cells."""
    ledgers = {model: Ledger[Key](layout.measures, layout.currency) for model in layout.models}
    readers = [_reader(dimension, facts) for dimension in layout.dimensions]
    for batch in batches:
        places = [layout.measures.index(measure) for measure in batch.measures]
        for cell in batch.cells:
            for model in layout.models if cell.model is None else (cell.model,):
                headline = facts.headline_of(cell.account, cell.owner)
                key = _key(layout, headline, readers, cell, model)
                sums = ledgers[model].row(headline, key)
                sums.add(places, cell.currency, cell.sums)
    return _closed(layout, ledgers)


def _key(
    layout: Layout,
    headline: Headline,
    readers: Sequence[Reader],
    cell: Cell,
    model: str,
) -> Key:
    """Return the parts of a cell's row; overhead is one row of each model."""
    match headline:
        case Headline.ORGANIC:
            return ()
        case Headline.OVERHEAD:
            of_model = Part(model, model)
            return tuple(
                of_model if dimension.source == _MODEL else _OVERHEAD
                for dimension in layout.dimensions
            )
        case _:
            return tuple([reader(cell, model) for reader in readers])


def _reader(dimension: Dimension, facts: CatalogFacts) -> Reader:
    """Return the function that gives a cell its value of a dimension; it caches the values."""
    source = dimension.source
    match source:
        case FromRow("model"):
            return lambda _cell, model: Part(model, model)
        case FromRow(column, names):
            labels = facts.labels_of_ids() if names else {}
            return lambda cell, _model: _word(cell.columns.get(column), labels)
        case FromTime(_, word):
            part_of = cache(lambda segment: _word(word(segment)))
            return lambda cell, _model: part_of(cell.segment)
        case FromCatalog():
            return _catalog_reader(dimension, source, facts)


def _catalog_reader(dimension: Dimension, source: FromCatalog, facts: CatalogFacts) -> Reader:
    known: dict[object, Part] = {}

    def part(cell: Cell, _model: str) -> Part:
        if cell.account is None:
            if cell.owner is None or cell.owner[0] is not source.entity:
                return _NOTHING
            return facts.part_of_entity(dimension, cell.owner[1])
        found = known.get(cell.account)
        if found is None:
            found = known[cell.account] = facts.part_of_account(dimension, cell.account)
        return found

    return part


def _word(value: str | None, labels: Mapping[str, str] = _NO_LABELS) -> Part:
    return _NOTHING if value is None else Part(labels.get(value, value), value)


def _canonical(key: Key) -> tuple[tuple[str, str], ...]:
    """Return a sort key without labels; it decides which row gets a left-over minor unit."""
    return tuple((part.id, "") if part.id is not None else ("", part.label) for part in key)


def _closed(layout: Layout, ledgers: Mapping[str, Ledger[Key]]) -> Answer:
    """Round the sums, drop rows that are zero, and compute the figures."""
    kept: list[tuple[Key, RowSums]] = []
    for ledger in ledgers.values():
        ledger.round_parts(_canonical)
        kept += [(key, sums) for key, sums in ledger.rows().items() if not sums.is_zero()]
    found = {code for ledger in ledgers.values() for code in ledger.currencies_found()}
    shown = (layout.currency,) if layout.currency else tuple(sorted(found))
    shown = shown or (layout.default_currency,)
    check_rows(len(kept))
    kept.sort(key=lambda item: _order(layout, item, shown[0]))
    figures = _Calculator(layout, shown).figures
    missing = {code for ledger in ledgers.values() for code in ledger.missing_rates()}
    return Answer(
        rows=tuple(_row(layout, key, figures(sums)) for key, sums in kept),
        headlines=_headlines(ledgers, figures),
        totals={model: figures(ledger.total()) for model, ledger in ledgers.items()},
        currencies=shown,
        missing_rates=tuple(sorted(missing)),
    )


def _headlines(
    ledgers: Mapping[str, Ledger[Key]], figures: Callable[[RowSums], Figures]
) -> Mapping[Headline, Mapping[str, Figures]]:
    by_model = {model: ledger.headlines() for model, ledger in ledgers.items()}
    return {
        headline: {model: figures(found[headline]) for model, found in by_model.items()}
        for headline in Headline
    }


def _order(layout: Layout, item: tuple[Key, RowSums], currency: str) -> tuple[object, ...]:
    """Return the sort key of a row: natural order, then the greatest sums; overhead last."""
    key, sums = item
    natural = [
        (part.id is None, dimension.order(part.id) if part.id is not None else "")
        for dimension, part in zip(layout.dimensions, key, strict=True)
        if dimension.order is not None
    ]
    is_last = _OVERHEAD in key, _NOTHING in key
    return (natural, is_last, *sums.ranking(currency), _canonical(key))


def _row(layout: Layout, key: Key, figures: Figures) -> Row:
    ids = (part.id for part in key)
    group = dict(zip((dimension.id for dimension in layout.dimensions), ids, strict=True))
    is_one = len(set(key)) == 1
    label = key[0].label if is_one else " · ".join(part.label for part in key)
    return Row(group, label, figures)


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
