"""`/app/settings/connections/{id}`: the address for the shop, a test delivery, the secrets.

Promise: a test is read by the steps of a webhook, and nothing of it is kept. No page shows a
secret.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, Got, together
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import CONNECTIONS, STORES, archived, sections
from services.dashboard.pages.stores.page import store_names
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import MISSING, major, moment_text, money_text

router = PageRouter()
CONNECTION: Final = CONNECTIONS + "/{connection_id}"
OWN: Final = ("done",)
DONE: Final = {
    "connected": "The shop is connected. Enter the address at the shop now.",
    "added": "The secret is added.",
    "removed": "The secret is removed.",
}
# The guide of the vendor names the header in the form; no other kind of header is passed on.
_TOPIC_HEADER: Final = re.compile(r"X-[A-Za-z-]{1,40}-Topic")
Json = Mapping[str, Any]


@router.get(CONNECTION)
async def connection(request: Request, connection_id: str) -> Response:
    """Show a connection."""
    return await _page(await Frame.of(request, OWN), connection_id, Form())


@router.post(f"{CONNECTION}/test")
async def test_delivery(request: Request, connection_id: str) -> Response:
    """Show what a delivery would become."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    answer = await frame.api.send(
        "POST",
        "tracking",
        f"/v1/connections/{connection_id}/test",
        content=fields.get("body", ""),
        headers={"Content-Type": "application/json", **_topic_header(fields)},
    )
    status = 200 if isinstance(answer, Got) else 422
    return await _page(frame, connection_id, Form(fields), test=answer, status=status)


@router.post(f"{CONNECTION}/secrets")
async def add_secret(request: Request, connection_id: str) -> Response:
    """Add a second secret."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    answer = await frame.api.send(
        "POST",
        "roi",
        f"/v1/connections/{connection_id}/secrets",
        json={"secret": fields.get("secret", "")},
    )
    if isinstance(answer, Failed):
        form = Form.refused({}, answer, ("secret",))
        return await _page(frame, connection_id, form, status=422)
    return _back(frame, connection_id, "added")


@router.post(f"{CONNECTION}/secrets/{{number}}/remove")
async def remove_secret(request: Request, connection_id: str, number: str) -> Response:
    """Remove one of two secrets."""
    frame = await Frame.of(request, OWN)
    await frame.form()
    call = f"/v1/connections/{connection_id}/secrets/{number}"
    body_of(await frame.api.send("DELETE", "roi", call))
    return _back(frame, connection_id, "removed")


@router.post(f"{CONNECTION}/archive")
async def archive_connection(request: Request, connection_id: str) -> Response:
    """Archive a connection."""
    frame = await Frame.of(request, OWN)
    return await archived(frame, f"/v1/connections/{connection_id}", STORES)


def _topic_header(fields: Mapping[str, str]) -> Mapping[str, str]:
    name, topic = fields.get("topic_header", ""), fields.get("topic", "")
    is_right = _TOPIC_HEADER.fullmatch(name) is not None and topic.isascii() and topic.isprintable()
    return {name: topic} if is_right else {}


def _back(frame: Frame, connection_id: str, done: str) -> Response:
    return frame.leave(frame.view.carried(f"{CONNECTIONS}/{connection_id}", done=done))


async def _page(
    frame: Frame,
    connection_id: str,
    form: Form,
    *,
    test: Answer | None = None,
    status: int = 200,
) -> Response:
    found, listed = await together(
        frame.api.get("roi", f"/v1/connections/{connection_id}"),
        frame.api.items("roi", "/v1/stores", {"include_archived": "true"}),
    )
    told = body_of(found)
    archived_at = told["deleted_at"]
    zone = frame.workspace.time_zone
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "connection/connection.html",
        status=status,
        sections=sections(frame, STORES),
        told=told,
        facts=(
            ("Shop", told["shop_domain"] or "any shop with the secret"),
            ("Store", store_names(listed).get(told["store_id"], MISSING)),
            ("Connected", moment_text(told["created_at"], zone)),
            ("Archived", MISSING if archived_at is None else moment_text(archived_at, zone)),
        ),
        form=form,
        test=test,
        tables={"test": test_table(frame, test.body)} if isinstance(test, Got) else {},
        toast=None if done is None else (done, None),
        period=None,
    )


def test_table(frame: Frame, told: Json) -> Table:
    """Return the events that a delivery would become."""
    columns = (
        Column("type", "Would become"),
        Column("id", "Order or refund"),
        Column("amount", "Amount", "number"),
        Column("occurred_at", "When", "date"),
        Column("keys", "Known by"),
        Column("codes", "Codes"),
        Column("click", "Click"),
        Column("warnings", "To know"),
    )
    rows = [_event_row(frame, event) for event in told["events"]]
    return Table("test-table", "What the delivery would become", columns, rows)


def _event_row(frame: Frame, event: Json) -> Row:
    amount = event["net"] or event["amount"]
    click = event["click"]
    if click is None:
        click_text = MISSING
    elif click["found"]:
        click_text = moment_text(click["clicked_at"], frame.workspace.time_zone)
    else:
        click_text = str(click["reason"])
    warnings = "; ".join(event["warnings"])
    named = event["adjustment_id"] or event["order_id"] or event["topic"]
    return Row(
        (
            Cell(event["type"].replace("_", " "), event["type"]),
            Cell(named or MISSING, named),
            Cell(MISSING) if amount is None else Cell(money_text(amount), major(amount)),
            Cell(moment_text(event["occurred_at"], frame.workspace.time_zone)),
            Cell(", ".join(event["keys"]).replace("_", " ") or MISSING),
            Cell(", ".join(event["codes"]) or MISSING),
            Cell(click_text),
            Cell(warnings or MISSING),
        )
    )
