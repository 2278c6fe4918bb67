"""`/app/orders`: a search of orders and other conversions, newest first.

Promise: a search and its filters are in the address. The file of the page holds the orders of the
page; the next page has its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, Got, made, together
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.orders.order_words import (
    KINDS,
    MAIN_STORE,
    ORDERS,
    STATUSES,
    order_page,
    word,
)
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import figure_cell, moment_text, plain_words
from services.dashboard.view.view import ALL

router = PageRouter()
MENU = MenuEntry(50, "Orders", ORDERS)
OWN: Final = ("q", "status", "kind", "store", "cursor")
SEARCHED: Final = ("q", "status", "kind", "store")
PAGE_ITEMS: Final = 50
Json = Mapping[str, Any]


@router.get(ORDERS)
@router.get(f"{ORDERS}.csv")
async def orders(request: Request) -> Response:
    """Show the orders that match."""
    frame = await Frame.of(request, OWN)
    found, catalog, stores = await together(
        _asked(frame), Catalog.answer(frame.api), frame.api.items("roi", "/v1/stores")
    )
    return frame.page(
        "orders/orders.html",
        tables={"orders": made(found, lambda body: orders_table(frame, body["items"], catalog))},
        next_page=_next(frame, found),
        is_searched=any(frame.view.get(name) for name in SEARCHED),
        cleared=frame.view.link(**dict.fromkeys((*SEARCHED, "cursor"))),
        all_time=_all_time(frame),
        kept=[pair for pair in frame.view.pairs() if pair[0] not in (*SEARCHED, "cursor")],
        statuses=list(STATUSES.items()),
        kinds=list(KINDS.items()),
        stores=[] if isinstance(stores, Failed) else _stores(frame, stores.body),
        wrong=_wrong(found),
    )


async def _asked(frame: Frame) -> Answer:
    view = frame.view
    first, last = frame.days
    asked = {
        "query": view.get("q"),
        "status": view.get("status"),
        "kind": view.get("kind"),
        "store": view.get("store"),
        "from": first,
        "to": last,
        "cursor": view.get("cursor"),
        "limit": PAGE_ITEMS,
    }
    return await frame.api.get("attribution", "/v1/orders", asked)


def _all_time(frame: Frame) -> str | None:
    """Return the address of this search without bounds of time; None where it has none."""
    is_bounded = any(frame.days)
    return frame.view.link(from_=ALL, to=None, cursor=None) if is_bounded else None


def _stores(frame: Frame, stores: Sequence[Json]) -> Sequence[tuple[str, str]]:
    """Return the stores to choose from; one store alone is no choice."""
    found = {MAIN_STORE if one["is_main"] else one["id"]: one["name"] for one in stores}
    chosen = frame.view.get("store")
    if chosen is not None:
        # An address may name a store by its name or external id.
        found.setdefault(chosen, chosen)
    return list(found.items()) if len(found) > 1 else []


def _wrong(found: Answer) -> str | None:
    """Return what is wrong with the search itself; trying it again would not help."""
    is_refused = isinstance(found, Failed) and found.fields
    return plain_words(found.sentence) if is_refused and isinstance(found, Failed) else None


def _next(frame: Frame, found: Answer) -> str | None:
    if isinstance(found, Failed) or found.body.get("next_cursor") is None:
        return None
    return frame.view.link(cursor=found.body["next_cursor"])


def orders_table(frame: Frame, items: Sequence[Json], catalog: Answer) -> Table:
    """Return the orders of one page."""
    names = catalog.body if isinstance(catalog, Got) else Catalog({}, {}, {})
    columns = (
        Column("occurred_at", "When", "date"),
        Column("order_id", "Order"),
        Column("kind", "Kind"),
        Column("net", "Net", "number"),
        Column("status", "State"),
        Column("new_customer", "Customer"),
        Column("credited", "Credit, model last"),
        Column("attention", "Attention"),
    )
    rows = [_row(frame, order, names) for order in items]
    return Table("orders", "Orders and other conversions, newest first", columns, rows)


def _row(frame: Frame, order: Json, names: Catalog) -> Row:
    zone = frame.workspace.time_zone
    who = "; ".join(_credited(credit, names) for credit in order["credits"])
    customer = {True: "new", False: "returning", None: "unknown"}[order["new_customer"]]
    doubts = ", ".join(kind.replace("_", " ") for kind in order["attention"])
    href = order_page(frame.view, order["order_id"], order["store"], order["kind"])
    return Row(
        (
            Cell(moment_text(order["occurred_at"], zone), order["occurred_at"]),
            Cell(order["order_id"], order["order_id"], href=href),
            Cell(word(KINDS, order["kind"]), order["kind"]),
            figure_cell("net_revenue", order["net"]),
            Cell(word(STATUSES, order["status"]), order["status"]),
            Cell(customer, customer),
            Cell(who or "–", who),
            Cell(doubts or "–", doubts or None),
        )
    )


def _credited(credit: Json, names: Catalog) -> str:
    amount = figure_cell("net_revenue", credit["amount"]).text
    if credit["creator_id"] is not None:
        return f"{names.creator(credit['creator_id'])} {amount}"
    who = "organic" if credit["placement_id"] is None else names.placement(credit["placement_id"])
    return f"{who} {amount}"
