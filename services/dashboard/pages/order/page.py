"""`/app/orders/{order_id}`: an order from its touches to its entries, and why not somebody else.

Promise: one call tells all of it, as the books have it. `store` and `kind` pick among orders that
share an id; `creator` asks why this creator earned nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Got, together
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.order.journey import journey_chart, journey_table
from services.dashboard.pages.order.order_tables import (
    adjustments_table,
    credits_table,
    ledger_table,
    revisions_table,
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
from services.dashboard.tables.texts import figure_cell, plain_words

router = PageRouter()
ORDER: Final = ORDERS + "/{order_id}"
OWN: Final = ("store", "kind", "creator")
Json = Mapping[str, Any]


@router.get(ORDER)
@router.get(f"{ORDER}.csv")
async def order(request: Request, order_id: str) -> Response:
    """Show an order."""
    frame = await Frame.of(request, OWN)
    kind = frame.view.get("kind")
    id_name = "order_id" if kind in (None, PURCHASE, "renewal") else "conversion_id"
    asked = {
        id_name: order_id,
        "kind": kind,
        "store": frame.view.get("store"),
        "creator_id": frame.view.get("creator"),
    }
    found, catalog = await together(
        frame.api.get("attribution", "/v1/explanations", asked), Catalog.answer(frame.api)
    )
    told = body_of(found)
    names = catalog.body if isinstance(catalog, Got) else Catalog({}, {}, {})
    last = told["revisions"][-1] if told["revisions"] else None
    acquired = None if last is None else last["acquired_from"]
    return frame.page(
        "order/order.html",
        order=told,
        facts=_facts(told),
        sentence=who_gets_it(frame, told, last, names),
        won_by=None if acquired is None else _won_by(frame, told, acquired),
        attention=[_doubt(one) for one in told["attention"]],
        journey=None if last is None else journey_chart(frame, told, last),
        tables={
            "touches": journey_table(frame, last, names),
            "credits": credits_table(last, names),
            "adjustments": adjustments_table(frame, told["adjustments"]),
            "revisions": revisions_table(frame, told["revisions"]),
            "ledger": ledger_table(frame, told["ledger"], names),
        },
        why_not=told["creator"],
        asked_creator=names.creator(frame.view.get("creator")),
        creators=names.creator_choices(),
        kept=[pair for pair in frame.view.pairs() if pair[0] != "creator"],
        period=None,
    )


def _facts(told: Json) -> Sequence[tuple[str, Any]]:
    store = "the main one" if told["store"] == MAIN_STORE else told["store"]
    return (
        ("Kind", word(KINDS, told["kind"])),
        ("State", word(STATUSES, told["status"])),
        ("Net", figure_cell("net_revenue", told["net"])),
        ("Store", store),
        ("Decisions", str(len(told["revisions"]))),
    )


def who_gets_it(frame: Frame, told: Json, last: Json | None, names: Catalog) -> str:
    """Return in a sentence who gets the order under the model of the page."""
    if last is None or told["status"] not in ("credited", "organic"):
        return f"It is in no figure: {word(STATUSES, told['status'])}."
    shares: dict[str, list[str]] = {}
    for credit in last["credits"]:
        if credit["model"] == frame.model:
            name = (
                "nobody" if credit["account"] == "organic" else names.placement(credit["account"])
            )
            shares.setdefault(name, []).append(credit["share"])
    if not shares:
        return f"The model “{frame.model}” was not counted for this order."
    if set(shares) == {"nobody"}:
        return "No creator gets it: no touch of the buyer counts."
    who = " and ".join(f"{name} gets {_share(parts)}" for name, parts in shares.items())
    kept = [one for one in last["candidates"] if one["verdict"] == "kept"]
    aside = len(last["candidates"]) - len(kept)
    told_aside = f" {aside} other touches were set aside." if aside else ""
    count = f"{len(kept)} touch counts" if len(kept) == 1 else f"{len(kept)} touches count"
    return f"Under the model “{frame.model}”, {who}: {count}.{told_aside}"


def _share(parts: Sequence[str]) -> str:
    return "all of it" if parts == ["1"] else " + ".join(parts) + " of it"


def _won_by(frame: Frame, told: Json, acquired: Json) -> tuple[str, str]:
    """Return text and address of the first order of the customer, which won this one."""
    text = f"{word(KINDS, acquired['kind'])} {acquired['order_id']}"
    return text, order_page(frame.view, acquired["order_id"], told["store"], acquired["kind"])


def _doubt(one: Json) -> str:
    return f"{plain_words(one['sentence'])} {plain_words(one['what_to_do'])}"
