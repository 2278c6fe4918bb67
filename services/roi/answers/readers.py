"""How a sum gets its values of a dimension, and which sums a filter keeps. Pure.

Promise: every sum has at least one value of every dimension, which may be "none". What no placement
is credited with has no value of a placement, creator or campaign.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Final

from services.roi.answers.catalog_facts import CatalogFacts, Part
from services.roi.answers.cells import Cell
from services.roi.answers.filters import Filter
from services.roi.answers.kinds import (
    UNALLOCATED,
    Dimension,
    FromCatalog,
    FromHeadline,
    FromRow,
    FromTime,
    Headline,
)
from services.roi.domain.rollup import ORGANIC_ACCOUNT

NOTHING: Final = Part(UNALLOCATED, None)
_NO_LABELS: Final[Mapping[str, str]] = {}
_NONE: Final = (NOTHING,)
# Overhead is no part of what is earned, so it has no value.
_OF_HEADLINES: Final[Mapping[Headline, tuple[Part, ...]]] = {
    headline: _NONE if headline is Headline.OVERHEAD else (Part(headline.value, headline.value),)
    for headline in Headline
}

Parts = tuple[Part, ...]
Reader = Callable[[Cell, str], Parts]
"""Takes a sum and a model, and returns its values: one, or several where they overlap."""


def reader_of(dimension: Dimension, facts: CatalogFacts, shift: timedelta = timedelta()) -> Reader:
    """Return the function that gives a sum its values of a dimension; it caches the values.

    `shift` is added to days: a period that is compared has the values of the present one.
    """
    source = dimension.source
    match source:
        case FromRow("model"):
            return lambda _cell, model: (Part(model, model),)
        case FromRow():
            return _row_reader(source, facts.labels_of_ids() if source.names else _NO_LABELS)
        case FromTime(_, word):
            parts_of = cache(lambda segment: _parts(word(segment + shift)))
            return lambda cell, _model: parts_of(cell.segment)
        case FromCatalog():
            return _catalog_reader(dimension, source, facts)
        case FromHeadline():
            return lambda cell, _model: _OF_HEADLINES[facts.headline_of(cell.account, cell.owner)]


def _row_reader(source: FromRow, labels: Mapping[str, str]) -> Reader:
    column, read = source.column, source.read
    parts_of = cache(lambda text: _parts(read(text), labels))

    def parts(cell: Cell, _model: str) -> Parts:
        return parts_of(cell.columns[column]) if column in cell.columns else _NONE

    return parts


def _catalog_reader(dimension: Dimension, source: FromCatalog, facts: CatalogFacts) -> Reader:
    known: dict[object, Parts] = {ORGANIC_ACCOUNT: _NONE}

    def parts(cell: Cell, _model: str) -> Parts:
        if cell.account is None:
            if cell.owner is None or cell.owner[0] is not source.entity:
                return _NONE
            return facts.parts_of_entity(dimension, cell.owner[1])
        found = known.get(cell.account)
        if found is None:
            found = known[cell.account] = facts.parts_of_account(dimension, cell.account)
        return found

    return parts


def _parts(value: str | None, labels: Mapping[str, str] = _NO_LABELS) -> Parts:
    return _NONE if value is None else (Part(labels.get(value, value), value),)


def meant_by(
    filters: Sequence[Filter], facts: CatalogFacts, shift: timedelta = timedelta()
) -> Callable[[Cell], bool]:
    """Return the function that tells which sums the filters mean."""
    readers = [(asked, reader_of(asked.dimension, facts, shift)) for asked in filters]

    def is_meant(cell: Cell) -> bool:
        return all(
            asked.passes([part.id for part in reader(cell, cell.model or "")])
            for asked, reader in readers
        )

    return is_meant
