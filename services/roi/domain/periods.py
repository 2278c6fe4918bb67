"""Changes to the versions of an entity: correct one, or begin a new one at a given time.

Promise: versions stay in order, never overlap, and no new gap appears. *Dated* facts (the owner of
a link) may differ between versions. Every other fact has one value for the whole entity, so its
correction changes all versions.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.roi.domain.entity import EntityFacts, Version


def row_from(
    versions: Sequence[Version], valid_from: datetime | None
) -> tuple[tuple[Version, ...], int]:
    """Return the versions, and the index of the one that begins at `valid_from`.

    A version that covers the moment without beginning there is split in two. None selects the first
    version. Raises ValueError when no version covers the moment.
    """
    if valid_from is None:
        return tuple(versions), 0
    for place, row in enumerate(versions):
        if row.valid_from == valid_from:
            return tuple(versions), place
        begins_before = row.valid_from is None or row.valid_from < valid_from
        if begins_before and (row.valid_to is None or valid_from < row.valid_to):
            halves = (replace(row, valid_to=valid_from), replace(row, valid_from=valid_from))
            return (*versions[:place], *halves, *versions[place + 1 :]), place + 1
    raise ValueError("no version covers this moment")


def corrected(
    versions: Sequence[Version], place: int, facts: EntityFacts, dated: frozenset[str]
) -> tuple[Version, ...]:
    """Return the versions with `facts` at `place`; the others keep only their own dated facts."""
    return tuple(
        replace(row, facts=facts)
        if index == place
        else replace(row, facts={**facts, **{name: row.facts[name] for name in dated}})
        for index, row in enumerate(versions)
    )
