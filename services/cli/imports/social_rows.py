"""The row of an export of counts: the event that it becomes, or what is wrong with it.

Promise: a row is checked by the rules of the API itself before it is sent. An empty cell is a
missing count and never 0. A placement is named by its id, its external id, its address, or the id
of the post in its address; a name that several placements have names none.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.cli.imports.event_sender import Event
from services.cli.imports.social_titles import (
    AS_OF,
    PLACEMENT,
    QUALITY,
    SOURCE,
    WATCH_HOURS,
    Export,
)
from services.roi.domain.imports.cells import CellRefused, local_moment, whole_number
from services.roi.domain.imports.csv_table import BadRow, Row
from services.roi.domain.imports.names import PlacementNames
from services.tracking.wire.event_batch import SOCIAL
from services.tracking.wire.social_bodies import SocialIn
from shared.credits import COUNT_NAMES
from shared.http.problems import Problem, field_errors

_HOURS: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_SECONDS_PER_HOUR: Final = 3_600
_WATCH_SECONDS: Final = "watch_seconds"


@dataclass(frozen=True, slots=True)
class CountedRow:
    """A row that is right: its line, its local time, and the event that is sent for it."""

    line: int
    at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Given:
    """What the command says for all rows; a column of the file counts before it."""

    as_of: str | None
    source: str | None
    quality: str


@dataclass(frozen=True, slots=True)
class SocialReader:
    """Reads the rows of one export; with `withdraw` each takes back what it told before."""

    export: Export
    names: PlacementNames
    given: Given
    zone: ZoneInfo
    withdraw: bool = False

    def read(self, row: Row) -> CountedRow | BadRow | None:
        """Return the event of a row, what is wrong with it, or None for a row of totals."""
        if self.export.totals is not None and row.values.get(PLACEMENT) == self.export.totals:
            return None
        flaws: list[tuple[str, str]] = []
        body = {"quality": row.values.get(QUALITY, self.given.quality)}
        named = row.values.get(PLACEMENT, "")
        placement_id = self.names.named(named)
        if placement_id is None:
            flaws.append((PLACEMENT, _UNKNOWN if named else "is empty"))
        source = row.values.get(SOURCE) or self.given.source or self.export.source
        if source is None:
            flaws.append((SOURCE, "is empty: fill the column, or give --source"))
        at = self._moment(row.values.get(AS_OF) or self.given.as_of, flaws)
        counts = _counts(row, flaws)
        if flaws or placement_id is None or source is None or at is None:
            return BadRow(row.line, tuple(flaws))
        body |= {"placement_id": placement_id, "source": source, "as_of": at.isoformat()}
        told = {"withdrawn": True} if self.withdraw else counts
        return _checked(row.line, at.astimezone(self.zone), body | told)

    def _moment(self, text: str | None, flaws: list[tuple[str, str]]) -> datetime | None:
        if text is None:
            flaws.append((AS_OF, "is empty: fill the column, or give --as-of"))
            return None
        try:
            return local_moment(text, self.zone)
        except CellRefused as refused:
            flaws.append((AS_OF, str(refused)))
            return None


_UNKNOWN: Final = (
    "is not the id, external id or address of one placement of this brand: create it, or give it"
    " the address of the post as `url`"
)


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
    return counts


def _checked(line: int, at: datetime, body: dict[str, Any]) -> CountedRow | BadRow:
    try:
        SocialIn.model_validate(body).claim()
    except ValidationError as error:
        found = field_errors(error.errors())
    except Problem as problem:
        found = tuple(problem.errors)
    else:
        return CountedRow(line, at, {"type": SOCIAL, **body})
    return BadRow(line, tuple((column_of(item.field), item.message) for item in found))


def column_of(field: str) -> str:
    """Return the column of a field of the API."""
    return PLACEMENT if field == "placement_id" else field
