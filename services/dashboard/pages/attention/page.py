"""`/app/attention`: what was accepted and is in no figure, or makes one doubtful, with examples.

Promise: what the API lists is shown, kind by kind, with the number and what to do. Records that
could not be read stand below, with a button that tries them again for keys that may.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response

from services.dashboard.client.api import Failed, made, together
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import moment_text

router = PageRouter()
ATTENTION: Final = "/app/attention"
MENU = MenuEntry(90, "Attention", ATTENTION)
OWN: Final = ("retried", "failed", "cursor")
# Trying again needs every scope, because it changes the books.
RETRY_SCOPE: Final = "admin"
Json = Mapping[str, Any]


@router.get(ATTENTION)
@router.get(f"{ATTENTION}.csv")
async def attention(request: Request) -> Response:
    """Show what needs attention."""
    return await _page(await Frame.of(request, OWN), None)


@router.post(f"{ATTENTION}/retry")
async def retry(request: Request) -> Response:
    """Try the records again that the form names."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    ids = fields.get("ids", "").split()
    answer = await frame.api.send(
        "POST", "attribution", "/v1/dead-letters/retry", json={"ids": ids}
    )
    if isinstance(answer, Failed):
        return await _page(frame, answer.sentence, answer.status or 503)
    told = answer.body
    return frame.leave(
        frame.view.carried(
            ATTENTION,
            retried=str(told["resolved"]),
            failed=str(told["retried"] - told["resolved"]),
        )
    )


async def _page(frame: Frame, trouble: str | None, status: int = 200) -> Response:
    kinds, letters = await together(
        frame.api.get("attribution", "/v1/attention"),
        frame.api.get(
            "attribution", "/v1/dead-letters", {"limit": 50, "cursor": frame.view.get("cursor")}
        ),
    )
    retried = frame.view.get("retried")
    toast = None
    if retried is not None:
        toast = f"{retried} could be used now, {frame.view.get('failed') or 0} still could not."
    return frame.page(
        "attention/attention.html",
        status=status,
        trouble=trouble,
        kinds=made(kinds, lambda body: [_kind(frame, one) for one in body["items"]]),
        tables={
            "attention": made(kinds, lambda body: summary_table(body["items"])),
            "letters": made(letters, lambda body: letters_table(frame, body["items"])),
        },
        ids="" if isinstance(letters, Failed) else " ".join(x["id"] for x in letters.body["items"]),
        next_page=None if isinstance(letters, Failed) else _next(frame, letters.body),
        toast=None if toast is None else (toast, None),
        may_retry=frame.workspace.may(RETRY_SCOPE),
        period=None,
    )


def _next(frame: Frame, body: Json) -> str | None:
    cursor = body.get("next_cursor")
    return None if cursor is None else frame.view.link(cursor=cursor)


def _kind(frame: Frame, item: Json) -> Json:
    """Return a kind with the table of its examples."""
    newest = item.get("newest_at")
    return {
        **item,
        "newest": None if newest is None else moment_text(newest, frame.workspace.time_zone),
        "examples_table": examples_table(frame, item),
    }


def summary_table(items: Sequence[Json]) -> Table:
    """Return the kinds with their numbers."""
    columns = (
        Column("kind", "Kind"),
        Column("count", "How many", "number"),
        Column("sentence", "What it is"),
        Column("what_to_do", "What to do"),
    )
    rows = [
        Row(
            (
                Cell(item["kind"], item["kind"]),
                Cell(str(item["count"]), item["count"]),
                Cell(item["sentence"], item["sentence"]),
                Cell(item["what_to_do"], item["what_to_do"]),
            )
        )
        for item in items
    ]
    return Table("attention", "What needs attention", columns, rows)


def examples_table(frame: Frame, item: Json) -> Table:
    """Return the examples of a kind; an order leads to its page."""
    zone = frame.workspace.time_zone
    columns = (
        Column("at", "When", "date"),
        Column("order", "Order or event"),
        Column("detail", "Detail"),
    )
    rows = []
    for one in item["examples"]:
        order_id = one.get("order_id")
        moment = one.get("occurred_at")
        named = order_id or one.get("event_id") or "–"
        href = None
        if order_id:
            href = frame.view.carried(f"/app/orders/{quote(order_id, safe='')}")
        rows.append(
            Row(
                (
                    Cell("–") if moment is None else Cell(moment_text(moment, zone), moment),
                    Cell(named, named, href=href),
                    Cell(one.get("detail") or "–", one.get("detail")),
                )
            )
        )
    return Table(f"examples-{item['kind']}", f"Examples: {item['sentence']}", columns, rows)


def letters_table(frame: Frame, items: Sequence[Json]) -> Table:
    """Return the records that could not be used."""
    zone = frame.workspace.time_zone
    columns = (
        Column("recorded_at", "Since", "date"),
        Column("reason", "Reason"),
        Column("detail", "Why"),
        Column("value", "Its text"),
    )
    rows = [
        Row(
            (
                Cell(moment_text(one["recorded_at"], zone), one["recorded_at"]),
                Cell(one["reason"].replace("_", " "), one["reason"]),
                Cell(one["detail"], one["detail"]),
                Cell(_short(one["value"]), one["value"]),
            )
        )
        for one in items
    ]
    return Table("letters", "Records that could not be used", columns, rows)


def _short(text: str, most: int = 120) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
