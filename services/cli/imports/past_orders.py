"""The row of a past order: the event that it becomes, or what is wrong with it.

Promise: a row is checked by the rules of the API itself before it is sent, so `--dry-run` finds
what tracking would refuse, except for a store that it does not know. A time without an offset, or a
date, is in the time zone of the workspace.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.cli.imports.event_sender import Event
from services.roi.domain.imports.cells import CellRefused, local_moment
from services.roi.domain.imports.csv_table import BadRow, Columns, Row
from services.tracking.domain.claims import Caller
from services.tracking.domain.past_orders import check_past_order
from services.tracking.wire.event_bodies import ConversionIn
from shared.events import Source
from shared.http.problems import Problem, field_errors

COLUMNS: Final = Columns(
    needed=("order_id", "occurred_at", "net", "currency"),
    one_of=("customer_id", "email"),
    optional=("store",),
)
_PERSON: Final = ("customer_id", "email")


@dataclass(frozen=True, slots=True)
class PastOrder:
    """A row that is right: its line, its local time, and the event that is sent for it."""

    line: int
    at: datetime
    event: Event


def past_order(row: Row, zone: ZoneInfo, now: datetime) -> PastOrder | BadRow:
    """Return the past order of a row, or what is wrong with the row."""
    body: dict[str, Any] = {
        name: value for name, value in row.values.items() if name not in _PERSON
    }
    body["history"] = True
    body["person"] = {name: row.values[name] for name in _PERSON if name in row.values}
    if "occurred_at" in body:
        try:
            body["occurred_at"] = local_moment(body["occurred_at"], zone).isoformat()
        except CellRefused as refused:
            return BadRow(row.line, (("occurred_at", str(refused)),))
    try:
        claim = ConversionIn.model_validate(body).claim()
    except ValidationError as error:
        return _bad(row.line, field_errors(error.errors()))
    except Problem as problem:
        return _bad(row.line, problem.errors)
    rejected = check_past_order(claim, _caller(now))
    if rejected is not None:
        return _bad(row.line, rejected.flaws)
    return PastOrder(row.line, claim.occurred_at.astimezone(zone), {"type": "ordered", **body})


def _caller(now: datetime) -> Caller:
    """Return a caller with a secret key, as the command is."""
    return Caller("", Source("secret", ""), "secret", now, "")


def _bad(line: int, found: Any) -> BadRow:
    return BadRow(line, tuple((column_of(item.field), item.message) for item in found))


def column_of(field: str) -> str:
    """Return the column of a field of the API."""
    return " or ".join(_PERSON) if field == "person" else field.removeprefix("person.")
