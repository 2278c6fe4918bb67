"""`/app/settings/keys`: the keys of the workspace, and the form that makes one.

Promise: a new key is in the answer to its form and nowhere else; no browser keeps that answer. The
form carries an Idempotency-Key, so a form that is sent twice makes one key and shows it again.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, Got, made
from services.dashboard.layout.forms import Form, given
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import KEYS, sections
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import MISSING, moment_text

router = PageRouter()
OWN: Final = ("done",)
DONE: Final = {"archived": "The key is revoked. It works nowhere from now on."}
FIELDS: Final = ("name", "scopes", "public", "origins")
SCOPE: Final = "scope."
SCOPES: Final = (
    ("track", "Send events", "Orders, clicks, social counts: for a shop's server."),
    ("read", "Read", "All figures and lists: for reports."),
    ("write", "Write", "Creators, links, costs and goals: for the team."),
    ("admin", "Administer", "Everything, also keys, rules and connections."),
)
_ONCE_BYTES: Final = 16
Json = Mapping[str, Any]


@router.get(KEYS)
@router.get(f"{KEYS}.csv")
async def keys(request: Request) -> Response:
    """Show the keys and the form."""
    return await _page(await Frame.of(request, OWN), Form())


@router.post(KEYS)
async def make_key(request: Request) -> Response:
    """Make a key, and show it."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    once = fields.get("once", "")
    answer = await frame.api.send(
        "POST",
        "roi",
        "/v1/keys",
        json=body_of_form(fields),
        headers={"Idempotency-Key": once} if once.isascii() and once else {},
    )
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, FIELDS), status=422)
    return await _page(frame, Form(), made_key=answer.body)


def body_of_form(fields: Mapping[str, str]) -> Json:
    """Return the body of the call: a public key has no scopes of its own."""
    body: dict[str, Any] = {**given(fields, "name"), "public": bool(fields.get("public"))}
    if not body["public"]:
        ticked = [name for name, _, _ in SCOPES if fields.get(f"{SCOPE}{name}")]
        body["scopes"] = ticked or None
    origins = fields.get("origins", "").split()
    return {**body, **({"origins": origins} if origins else {})}


async def _page(
    frame: Frame, form: Form, *, made_key: Json | None = None, status: int = 200
) -> Response:
    found = await _listed(frame)
    done = DONE.get(frame.view.get("done") or "")
    response = frame.page(
        "keys/keys.html",
        status=status,
        sections=sections(frame, KEYS),
        tables={"keys": made(found, lambda items: keys_table(frame, items))},
        form=form,
        made=made_key,
        scopes=SCOPES,
        once=secrets.token_urlsafe(_ONCE_BYTES),
        toast=None if done is None else (done, None),
        period=None,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def _listed(frame: Frame) -> Answer:
    """Return the keys; a key that may not see them asks nothing."""
    return await frame.api.items("roi", "/v1/keys") if frame.workspace.may("admin") else Got([])


def keys_table(frame: Frame, items: Sequence[Json]) -> Table:
    """Return the keys that work."""
    columns = (
        Column("label", "Key"),
        Column("name", "Name"),
        Column("scopes", "May"),
        Column("origins", "Pages"),
        Column("created_at", "Made", "date"),
    )
    return Table("keys-table", "Keys", columns, [_row(frame, one) for one in items])


def _row(frame: Frame, key: Json) -> Row:
    origins = ", ".join(key["origins"])
    every = "all" if key["public"] else MISSING
    return Row(
        (
            Cell(
                f"{key['label']}…",
                key["label"],
                href=frame.view.carried(f"{KEYS}/{key['id']}"),
            ),
            Cell(key["name"] or MISSING, key["name"]),
            Cell(", ".join(key["scopes"]), ",".join(key["scopes"])),
            Cell(origins or every, origins or None),
            Cell(moment_text(key["created_at"], frame.workspace.time_zone), key["created_at"]),
        )
    )
