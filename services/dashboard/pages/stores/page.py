"""`/app/settings/stores`: stores and connections, and the forms that add one.

Promise: a secret is sent once and never shown again, also not in a form that was refused.
Connections are offered to admin keys, stores to keys that may write.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, Got, made, together
from services.dashboard.layout.forms import Form, given
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import CONNECTIONS, STORES, sections
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import MISSING, moment_text
from shared.extensions import VENDOR_PACKAGE, folder_names

router = PageRouter()
OWN: Final = ("done",)
DONE: Final = {"added": "The store is added.", "archived": "The connection is archived."}
STORE_FIELDS: Final = ("name",)
CONNECTION_FIELDS: Final = ("kind", "secret", "shop_domain", "store_id")
# The vendors that tracking reads; each has a guide `connection/<name>.html`.
VENDORS: Final = folder_names(VENDOR_PACKAGE)
Json = Mapping[str, Any]


@router.get(STORES)
@router.get(f"{STORES}.csv")
async def stores(request: Request) -> Response:
    """Show stores, connections and the forms."""
    return await _page(await Frame.of(request, OWN), Form(), None)


@router.post(STORES)
async def add(request: Request) -> Response:
    """Add a store or a connection, as the form says."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    if fields.get("what") == "connection":
        return await _connect(frame, fields)
    body = {"name": fields.get("name", "")}
    answer = await frame.api.send("POST", "roi", "/v1/stores", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, STORE_FIELDS), "store", 422)
    return frame.leave(frame.view.carried(STORES, done="added"))


async def _connect(frame: Frame, fields: Mapping[str, str]) -> Response:
    body = given(fields, *CONNECTION_FIELDS)
    answer = await frame.api.send("POST", "roi", "/v1/connections", json=body)
    if isinstance(answer, Failed):
        form = Form.refused(fields, answer, CONNECTION_FIELDS)
        return await _page(frame, form, "connection", 422)
    return frame.leave(frame.view.carried(f"{CONNECTIONS}/{answer.body['id']}", done="connected"))


async def _page(frame: Frame, form: Form, what: str | None, status: int = 200) -> Response:
    connections, listed = await together(
        frame.api.items("roi", "/v1/connections"), frame.api.items("roi", "/v1/stores")
    )
    names = store_names(listed)
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "stores/stores.html",
        status=status,
        sections=sections(frame, STORES),
        tables={
            "connections": made(connections, lambda items: connections_table(frame, items, names)),
            "stores": made(listed, lambda items: stores_table(frame, items)),
        },
        form=form,
        what=what,
        vendors=[(vendor, vendor.capitalize()) for vendor in VENDORS],
        stores=[("", "the one that fits, or a new one"), *names.items()],
        toast=None if done is None else (done, None),
        period=None,
    )


def store_names(listed: Answer) -> Mapping[str, str]:
    """Return the names of stores by id; empty when they could not be read."""
    return {one["id"]: one["name"] for one in listed.body} if isinstance(listed, Got) else {}


def connections_table(frame: Frame, items: Sequence[Json], names: Mapping[str, str]) -> Table:
    """Return the connections."""
    columns = (
        Column("shop", "Shop"),
        Column("kind", "Kind"),
        Column("store", "Store"),
        Column("created_at", "Connected", "date"),
    )
    zone = frame.workspace.time_zone
    rows = [
        Row(
            (
                Cell(
                    one["shop_domain"] or "any shop with the secret",
                    one["shop_domain"],
                    href=frame.view.carried(f"{CONNECTIONS}/{one['id']}"),
                ),
                Cell(one["kind"].capitalize(), one["kind"]),
                Cell(names.get(one["store_id"], MISSING), names.get(one["store_id"])),
                Cell(moment_text(one["created_at"], zone), one["created_at"]),
            )
        )
        for one in items
    ]
    return Table("connections-table", "Connections", columns, rows)


def stores_table(frame: Frame, items: Sequence[Json]) -> Table:
    """Return the stores."""
    columns = (
        Column("name", "Store"),
        Column("external_id", "Your id"),
        Column("created_at", "Made", "date"),
    )
    zone = frame.workspace.time_zone
    rows = [
        Row(
            (
                Cell(one["name"], one["name"], note="the first one" if one["is_main"] else None),
                Cell(one["external_id"] or MISSING, one["external_id"]),
                Cell(moment_text(one["created_at"], zone), one["created_at"]),
            )
        )
        for one in items
    ]
    return Table("stores-table", "Stores", columns, rows)
