"""How a link's facts change in time: a correction restates a row, a move from a date on begins one.

Promise: rows stay in order, never overlap and leave no gap that was not there. *Dated* facts (the
owner of a link) differ from row to row; all others are one value for the whole entity, so a
correction of them reaches every row.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.roi.domain.entity import Facts, Version


def row_from(
    versions: Sequence[Version], valid_from: datetime | None
) -> tuple[tuple[Version, ...], int]:
    """The rows with one that begins at `valid_from`, and its place: an existing one, or the second
    half of the row that covers the moment. None means the first row. ValueError when none does."""
    if valid_from is None:
        return tuple(versions), 0
    for place, row in enumerate(versions):
        if row.valid_from == valid_from:
            return tuple(versions), place
        begins_before = row.valid_from is None or row.valid_from < valid_from
        if begins_before and (row.valid_to is None or valid_from < row.valid_to):
            halves = (replace(row, valid_to=valid_from), replace(row, valid_from=valid_from))
            return (*versions[:place], *halves, *versions[place + 1 :]), place + 1
    raise ValueError("no row covers this moment")


def corrected(
    versions: Sequence[Version], place: int, facts: Facts, dated: frozenset[str]
) -> tuple[Version, ...]:
    """The rows with `facts` at `place`; the others keep their own dated facts and take the rest."""
    return tuple(
        replace(row, facts=facts)
        if index == place
        else replace(row, facts={**facts, **{name: row.facts[name] for name in dated}})
        for index, row in enumerate(versions)
    )
