"""Raw files: the ledger entries and the costs that answers sum.

Promise: a file is of one moment, which its `meta` names, though each of its pages is read in a
transaction of its own: entries and versions are only appended, and a page reads what was known at
that moment. The totals are those of `GET /v1/roi` for the same days, moment and model.
What can go wrong: a 422 names the parameter that is no span.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from services.roi.answers.context import AnswerContext, context_of
from services.roi.answers.period import asked_period
from services.roi.answers.question import DEFAULT_MODEL, FromDayOrTime, RoiParameters
from services.roi.answers.span import Asked
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from services.roi.store import export_rows as store
from services.roi.wire.fields import DayOrTime
from shared.api.csv_text import Cell, Money
from shared.api.exports import RawFile, Row, SummedTotals
from shared.api.shapes import Moment, StrictModel
from shared.credits import ORGANIC, UNITS_PER_CONVERSION
from shared.db.engine import Database
from shared.http.problems import field_problem
from shared.models import ModelName
from shared.moments import MOMENT_END

CREDITS: Final = "credits"
COSTS: Final = "costs"
CREDITS_COLUMNS: Final = (*store.CREDIT_COLUMNS, "currency", "amount", "conversions")
# The columns of a cost that are facts with the same name.
_COST_FACTS: Final = (
    "kind",
    "incurred_on",
    "paid_on",
    "spread",
    "placement_id",
    "creator_id",
    "campaign_id",
    "agent_id",
    "boosts_placement_id",
    "hours",
    "note",
)
COSTS_COLUMNS: Final = (
    "cost_id",
    *_COST_FACTS,
    "from",
    "to",
    "recorded_at",
    "currency",
    "amount",
    "retail_value",
)
_DAY: Final = timedelta(days=1)
_FIRST_BEFORE: Final = (MOMENT_END, 2**63 - 1, 2**31 - 1)
_PLACES: Final = len(str(UNITS_PER_CONVERSION)) - 1


class CostsParameters(StrictModel):
    """The parameters of an export of costs: local days of the workspace, both included."""

    from_: Annotated[FromDayOrTime | None, Field(alias="from")] = None
    """The first local day, or `all`: since the first event; 30 days before the end when left out.
    Ledger entries take a moment, too."""
    to: DayOrTime | None = None
    """The last local day (included), or the end as a moment (excluded); today when left out."""
    as_of: Moment | None = None
    """The rows as they were known at this moment; now when left out."""


class CreditsParameters(CostsParameters):
    """The parameters of an export of ledger entries: those of `GET /v1/roi`."""

    model: ModelName = DEFAULT_MODEL
    """The credit model."""
    by: Literal["conversion_time", "touch_time"] = "conversion_time"
    """The time that dates a credit: the conversion's or the touch's."""


async def credits_file(
    database: Database, workspace_id: str, now: datetime, asked: CreditsParameters
) -> RawFile:
    """Return the ledger entries of a model in a span, newest first."""
    at, period = await _period(database, workspace_id, now, asked)
    start, end = period
    days: tuple[date, date] | None = None
    if isinstance(start, datetime) and isinstance(end, datetime):
        from_at, to_at = start, end
    else:
        days = start, end
        # The widest offsets of zones are less than a day.
        from_at = datetime.combine(start, time.min, UTC) - _DAY
        to_at = datetime.combine(end, time.min, UTC) + 2 * _DAY
    span = store.CreditSpan(
        at.workspace_id, at.as_of, asked.model, asked.by, from_at, to_at, days, at.time_zone
    )
    return RawFile(
        CREDITS,
        CREDITS_COLUMNS,
        {**_meta(at, period), "model": asked.model, "by": asked.by},
        _credit_pages(database, span),
        SummedTotals(("amount",), ("conversions",)),
    )


async def costs_file(
    database: Database, workspace_id: str, now: datetime, asked: CostsParameters
) -> RawFile:
    """Return the costs that were incurred on some local days, newest first."""
    for name in ("from", "to"):
        if isinstance(asked.from_ if name == "from" else asked.to, datetime):
            raise field_problem(name, "costs have days: send a date")
    at, period = await _period(database, workspace_id, now, asked)
    return RawFile(
        COSTS,
        COSTS_COLUMNS,
        _meta(at, period),
        _cost_pages(database, at, period),
        SummedTotals(("amount",)),
    )


async def _period(
    database: Database, workspace_id: str, now: datetime, asked: CostsParameters
) -> tuple[AnswerContext, Asked]:
    async with database.read([workspace_id]) as conn:
        at = await context_of(conn, workspace_id, now, asked.as_of)
        question = RoiParameters.model_construct(from_=asked.from_, to=asked.to)
        return at, await asked_period(conn, at, question, now)


def _meta(at: AnswerContext, period: Asked) -> dict[str, object]:
    return {
        "from": period[0],
        "to": period[1],
        "time_zone": at.time_zone,
        "as_of": at.as_of,
        "fresh_to": at.fresh_to,
        "sequence": at.sequence,
    }


async def _credit_pages(database: Database, span: store.CreditSpan) -> AsyncIterator[Sequence[Row]]:
    before = _FIRST_BEFORE
    while True:
        async with database.read([span.workspace_id]) as conn:
            rows = await store.credit_page(conn, span, before)
        yield [_credit(row) for row in rows]
        if len(rows) < store.PAGE_ROWS:
            return
        before = rows[-1]["moment"], rows[-1]["sequence"], rows[-1]["position"]


def _credit(row: Mapping[str, Any]) -> Row:
    currency = row["currency"]
    cells: dict[str, Cell] = {name: row[name] for name in store.CREDIT_COLUMNS}
    if row["account"] == ORGANIC_ACCOUNT:
        cells["account"] = ORGANIC
    cells["currency"] = currency
    cells["amount"] = None if currency is None else Money(row["amount_minor"], currency)
    cells["conversions"] = Decimal(row["units"]).scaleb(-_PLACES)
    return cells


async def _cost_pages(
    database: Database, at: AnswerContext, days: tuple[Any, Any]
) -> AsyncIterator[Sequence[Row]]:
    before: tuple[date, UUID] | None = None
    while True:
        async with database.read([at.workspace_id]) as conn:
            rows = await store.cost_page(conn, at.workspace_id, at.as_of, days, before)
        yield [_cost(row) for row in rows]
        if len(rows) < store.PAGE_ROWS:
            return
        before = rows[-1]["incurred_on"], rows[-1]["entity_id"]


def _cost(row: Mapping[str, Any]) -> Row:
    facts: dict[str, Any] = json.loads(row["facts"])
    amount, gift = Money(**facts["amount"]), facts.get("retail_value")
    cells: dict[str, Cell] = {"cost_id": row["entity_id"]}
    cells |= {name: facts.get(name) for name in _COST_FACTS}
    cells["spread"] = facts.get("spread", "equal")
    cells["from"], cells["to"] = facts["serves_from"], facts["serves_to"]
    cells["recorded_at"] = row["recorded_at"]
    cells["currency"], cells["amount"] = amount.currency, amount
    cells["retail_value"] = None if gift is None else Money(**gift)
    return cells
