"""`/app/orders/{order_id}`: an order from its touches to its entries, and why not somebody else.

Promise: one call tells all of it, as the books have it. `store` and `kind` pick among orders that
share an id; `creator` asks why this creator earned nothing; `cursor` leads to older decisions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response

from services.dashboard.client.api import Failed, Got, together
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.order.journey import journey_chart, journey_table
from services.dashboard.pages.order.order_tables import (
    adjustments_table,
    credits_table,
    ledger_table,
    revisions_table,
    versions_table,
)
from services.dashboard.pages.order.sentences import (
    content_name,
    touch_text,
    what_happened,
    who_gets_it,
)
from services.dashboard.pages.orders.order_words import (
    KINDS,
    MAIN_STORE,
    ORDERS,
    PURCHASE,
    STATUSES,
    order_page,
    word,
)
from services.dashboard.tables.table import Table
from services.dashboard.tables.texts import figure_cell, plain_words

router = PageRouter()
# The id of an order may have a slash.
ORDER: Final = ORDERS + "/{order_id:path}"
OWN: Final = ("store", "kind", "creator", "cursor")
Json = Mapping[str, Any]


@router.get(ORDER)
@router.get(f"{ORDER}.csv")
async def order(request: Request, order_id: str) -> Response:
    """Show an order."""
    asked_frame = await Frame.of(request, OWN)
    path = f"{ORDERS}/{quote(order_id, safe='')}"
    frame = replace(asked_frame, view=replace(asked_frame.view, path=path))
    found, catalog, stores = await together(
        frame.api.get("attribution", "/v1/explanations", _asked(frame, order_id)),
        Catalog.answer(frame.api),
        frame.api.items("roi", "/v1/stores", {"include_archived": "true"}),
    )
    if isinstance(found, Failed) and found.status == 404:
        return _missing(frame, order_id, found)
    told = body_of(found)
    names = catalog.body if isinstance(catalog, Got) else Catalog({}, {}, {})
    last = told["revisions"][-1] if told["revisions"] else None
    acquired = None if last is None else last["acquired_from"]
    return frame.page(
        "order/order.html",
        order=told,
        facts=_facts(told, stores.body if isinstance(stores, Got) else ()),
        # Older decisions stand no more: their page tells only of them.
        is_older=frame.view.get("cursor") is not None,
        sentences=(what_happened(told), who_gets_it(told, frame.model, names)),
        won_by=None if acquired is None else _won_by(frame, told, acquired),
        attention=[_doubt(one) for one in told["attention"]],
        journey=None if last is None else journey_chart(frame, told, last, names),
        tables=_tables(frame, told, names),
        left_out=_left_out(told),
        next_page=told["next_cursor"] and frame.view.link(cursor=told["next_cursor"], creator=None),
        newest=frame.view.link(cursor=None),
        why_not=told["creator"],
        why_not_touches=[
            _why_not(one, names) for one in (told["creator"] or {}).get("candidates", ())
        ],
        asked_creator=names.creator(frame.view.get("creator")),
        creators=names.creator_choices(),
        kept=[pair for pair in frame.view.pairs() if pair[0] != "creator"],
        period=None,
    )


def _asked(frame: Frame, order_id: str) -> Json:
    kind = frame.view.get("kind")
    id_name = "order_id" if kind in (None, PURCHASE, "renewal") else "conversion_id"
    return {
        id_name: order_id,
        "kind": kind,
        "store": frame.view.get("store"),
        "creator_id": frame.view.get("creator"),
        "cursor": frame.view.get("cursor"),
    }


def _missing(frame: Frame, order_id: str, found: Failed) -> Response:
    """Return the page of an order that is unknown, or that several stores have."""
    return frame.page(
        "order/missing.html",
        status=404,
        order_id=order_id,
        sentence=plain_words(found.sentence),
        search=frame.view.carried(ORDERS, from_="all", to=None, q=order_id),
        period=None,
    )


def _tables(frame: Frame, told: Json, names: Catalog) -> Mapping[str, Table]:
    last = told["revisions"][-1] if told["revisions"] else None
    return {
        "touches": journey_table(frame, last, names),
        "credits": credits_table(frame, last, names),
        "adjustments": adjustments_table(frame, told["adjustments"]),
        "versions": versions_table(frame, told["versions"]),
        "revisions": revisions_table(frame, told["revisions"]),
        "ledger": ledger_table(frame, told["ledger"], names),
    }


def _facts(told: Json, stores: Sequence[Json]) -> Sequence[tuple[str, Any]]:
    by_id = {one["id"]: one["name"] for one in stores}
    main = next((one["name"] for one in stores if one["is_main"]), "the main one")
    store = main if told["store"] == MAIN_STORE else by_id.get(told["store"], told["store"])
    return (
        ("Kind", word(KINDS, told["kind"])),
        ("State", word(STATUSES, told["status"])),
        ("Net", figure_cell("net_revenue", told["net"])),
        ("Store", store),
    )


def _left_out(told: Json) -> Mapping[str, str]:
    """Return for each table how many older lines the answer leaves out."""
    return {
        name: f"{count:,} older lines are not shown."
        for name in ("versions", "adjustments", "ledger")
        if (count := told[f"{name}_left_out"])
    }


def _won_by(frame: Frame, told: Json, acquired: Json) -> tuple[str, str]:
    """Return text and address of the first order of the customer, which won this one."""
    text = f"{word(KINDS, acquired['kind'])} {acquired['order_id']}"
    return text, order_page(frame.view, acquired["order_id"], told["store"], acquired["kind"])


def _why_not(touch: Json, names: Catalog) -> str:
    what = f"The buyer {touch_text(touch)} of {content_name(touch, names)}"
    if touch["verdict"] == "kept":
        return f"{what}: it counts."
    return f"{what}: {touch['failed_test']}; {plain_words(touch['would_count_if'])}."


def _doubt(one: Json) -> str:
    return f"{plain_words(one['sentence'])} {plain_words(one['what_to_do'])}"
