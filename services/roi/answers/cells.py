"""Cells: sums as read from the tables, before they are put into rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.roi.answers.kinds import Entity, Measure


@dataclass(frozen=True, slots=True)
class Cell:
    """One sum of each measure of a batch.

    `model`: None belongs to every model alike. `account`: None for a cost that no placement
    carries; its `owner` is then known, or None for overhead. `segment`: first day of the segment.
    `columns`: values of the row's columns that dimensions ask. `currency`: "" without money.
    """

    segment: date
    sums: tuple[int, ...]
    account: UUID | None = None
    model: str | None = None
    currency: str = ""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    owner: tuple[Entity, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Cells that sum the same measures."""

    measures: tuple[Measure, ...]
    cells: Sequence[Cell]
