"""The row of an export of counts: the fields of the report that it becomes, or what is wrong. Pure.

Promise: an empty cell is a missing count and never 0. A placement is named by its id, its external
id, its address, or the id of the post in its address; a name that several placements have names
none. What is wrong with a row is told at once, by column.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.roi.domain.imports.cells import CellRefused, local_moment, whole_number
from services.roi.domain.imports.csv_table import BadRow, Row
from services.roi.domain.imports.names import PlacementNames
from services.roi.domain.imports.social_titles import (
    AS_OF,
    PLACEMENT,
    QUALITY,
    SOURCE,
    WATCH_HOURS,
    Export,
)
from shared.credits import COUNT_NAMES

_HOURS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_SECONDS_PER_HOUR: Final = 3_600
_WATCH_SECONDS: Final = "watch_seconds"
_UNKNOWN: Final = (
    "is not the id, external id or address of one placement of this brand: create it, or give it"
    " the address of the post as `url`"
)


@dataclass(frozen=True, slots=True)
class CountedRow:
    """A row that can be read: its line, and the fields of its report."""

    line: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """What is said for all rows; a column of the file counts before it."""

    as_of: datetime | None
    source: str | None
    quality: str


@dataclass(frozen=True, slots=True)
class SocialReader:
    """Reads the rows of one export; `now` is the end of what can be counted."""

    export: Export
    names: PlacementNames
    given: Given
    zone: ZoneInfo
    now: datetime

    def read(self, row: Row) -> CountedRow | BadRow | None:
        """Return the report of a row, what is wrong with it, or None for a row of totals."""
        if self.export.totals is not None and row.values.get(PLACEMENT) == self.export.totals:
            return None
        flaws: list[tuple[str, str]] = []
        named = row.values.get(PLACEMENT, "")
        placement_id = self.names.named(named)
        if placement_id is None:
            flaws.append((PLACEMENT, _UNKNOWN if named else "is empty"))
        source = row.values.get(SOURCE) or self.given.source or self.export.source
        if source is None:
            flaws.append((SOURCE, "is empty: fill the column, or give `source`"))
        at = self._moment(row, flaws)
        counts = _counts(row, flaws)
        if flaws:
            return BadRow(row.line, tuple(flaws))
        quality = row.values.get(QUALITY, self.given.quality)
        told = {"placement_id": placement_id, "as_of": at, "source": source, "quality": quality}
        return CountedRow(row.line, told | counts)

    def _moment(self, row: Row, flaws: list[tuple[str, str]]) -> datetime | None:
        try:
            text = row.values.get(AS_OF)
            at = self.given.as_of if text is None else local_moment(text, self.zone)
        except CellRefused as refused:
            flaws.append((AS_OF, str(refused)))
            return None
        if at is None:
            flaws.append((AS_OF, "is empty: fill the column, or give `as_of`"))
        elif at > self.now:
            flaws.append((AS_OF, "lies in the future: counts are of a time before now"))
        return at


def _counts(row: Row, flaws: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the counts of a row; a cell that is no number is added to the flaws."""
    counts: dict[str, Any] = {}
    for name in COUNT_NAMES:
        if name in row.values:
            try:
                counts[name] = whole_number(row.values[name])
            except CellRefused as refused:
                flaws.append((name, str(refused)))
    if WATCH_HOURS in row.values:
        if _WATCH_SECONDS in row.values:
            flaws.append((WATCH_HOURS, f"give {_WATCH_SECONDS} or {WATCH_HOURS}, not both"))
        elif not _HOURS.fullmatch(row.values[WATCH_HOURS]):
            flaws.append((WATCH_HOURS, "write hours with a decimal point, such as 12.5"))
        else:
            seconds = Decimal(row.values[WATCH_HOURS]) * _SECONDS_PER_HOUR
            counts[_WATCH_SECONDS] = int(seconds.to_integral_value())
    if not counts and not flaws:
        flaws.append(("views", f"give at least one of {', '.join(COUNT_NAMES)}"))
    return counts


def column_of(field: str) -> str:
    """Return the column of a field of the report."""
    return PLACEMENT if field == "placement_id" else field
