"""The route of the export of orders: all that a search finds, as CSV or JSON.

Promise: each order is in the file once, as it stood when its page was read. The totals are the net
amounts of the orders that count: those that are credited, to content or to nobody.
What can go wrong: as the list of orders; 429 when the brand has too many exports in progress.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Query
from starlette.responses import Response
from typing_extensions import override

from services.attribution.domain.model import Status
from services.attribution.routes.orders import Search, SearchParameters, answers, search_of
from services.attribution.routes.parts import REFUSALS, Parts, PartsHere, Reader
from services.attribution.store import order_rows
from services.attribution.wire.order_shapes import OrderAnswer
from shared.api.csv_text import Cell, Money
from shared.api.exports import RAW_CONTENT, FileFormat, RawFile, Row, SummedTotals, streamed
from shared.api.shapes import MoneyOut
from shared.db.engine import driver
from shared.http.auth import Principal
from shared.http.body import Router

ORDERS: Final = "orders"
# As many orders as take some milliseconds to decode.
PAGE_ROWS: Final = 500
COLUMNS: Final = (
    "order_id",
    "store",
    "kind",
    "occurred_at",
    "status",
    "new_customer",
    "creator_ids",
    "placement_ids",
    "attention",
    "currency",
    "net",
)
_COUNTED: Final = (Status.CREDITED, Status.ORGANIC)

router = Router(prefix="/v1/exports", tags=["exports"], responses=REFUSALS)


async def exporting(caller: Reader, parts: PartsHere) -> AsyncIterator[Principal]:
    """Count an export of the caller's brand until its file is sent; 429 beyond the limit."""
    with parts.exports.admitted(caller.workspace_id):
        yield caller


@router.get(
    "/orders.{file_format}",
    response_class=Response,
    responses=RAW_CONTENT,
    summary="Export orders and other conversions",
)
async def export_orders(
    caller: Annotated[Principal, Depends(exporting)],
    parts: PartsHere,
    file_format: FileFormat,
    asked: Annotated[SearchParameters, Query()],
) -> Response:
    """Send the query of `GET /v1/orders`: every order that matches, newest first, of any number.

    The totals are the net amounts of those with the status `credited` or `organic`.
    """
    workspace_id = caller.workspace_id
    async with parts.database.read([workspace_id]) as connection:
        search = await search_of(await driver(connection), parts, workspace_id, asked)
    meta = asked.model_dump(by_alias=True) | {"time_zone": search.wanted.time_zone}
    pages = _pages(parts, workspace_id, search)
    file = RawFile(ORDERS, COLUMNS, meta, pages, CountedTotals(("net",)))
    return await streamed(file, file_format)


class CountedTotals(SummedTotals):
    """The sums of the orders that count."""

    @override
    def add(self, row: Row) -> None:
        """Add an order, if it counts."""
        if row["status"] in _COUNTED:
            super().add(row)


async def _pages(parts: Parts, workspace_id: str, search: Search) -> AsyncIterator[Sequence[Row]]:
    after: tuple[datetime, bytes] | None = None
    while True:
        async with parts.database.read([workspace_id]) as connection:
            conn = await driver(connection)
            rows = await order_rows.orders(conn, search.among, search.wanted, after, PAGE_ROWS)
            page = await answers(conn, workspace_id, rows)
        yield [_row(order) for order in page]
        if len(rows) < PAGE_ROWS:
            return
        after = rows[-1].occurred_at, rows[-1].own_key


def _row(order: OrderAnswer) -> Row:
    cells: dict[str, Cell] = {
        name: getattr(order, name)
        for name in ("order_id", "store", "kind", "occurred_at", "status", "new_customer")
    }
    creators = (credit.creator_id for credit in order.credits)
    placements = (credit.placement_id for credit in order.credits)
    cells["creator_ids"] = list(dict.fromkeys(filter(None, creators)))
    cells["placement_ids"] = list(filter(None, placements))
    cells["attention"] = order.attention
    cells["currency"] = order.net.currency if order.net else None
    cells["net"] = _money(order.net)
    return cells


def _money(net: MoneyOut | None) -> Money | None:
    return None if net is None else Money(net.amount_minor, net.currency)
