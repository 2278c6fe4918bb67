"""Cells: sums as read from the tables, before they are put into rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from services.roi.answers.kinds import Entity, Measure

NO_COLUMNS: Final[Mapping[str, str | None]] = {}


class Cell(msgspec.Struct, frozen=True):
    """One sum of each measure of a batch. A struct, because an answer makes thousands.

    `model`: None belongs to every model alike. `account`: None for a cost that no placement
    carries; its `owner` is then known, or None for overhead. `segment`: first day of the segment.
    `columns`: values of the row's columns that dimensions ask. `currency`: "" without money.
    """

    segment: date
    sums: tuple[int, ...]
    account: UUID | None = None
    model: str | None = None
    currency: str = ""
    columns: Mapping[str, str | None] = NO_COLUMNS
    owner: tuple[Entity, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Cells that sum the same measures."""

    measures: tuple[Measure, ...]
    cells: Sequence[Cell]
