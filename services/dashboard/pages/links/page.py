"""`/app/links`: links with their clicks, codes with their orders; make one, end a code.

Promise: each link and code of the catalog is listed, also one that brought nothing yet.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, together
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.forms import Form, day_begins, day_ends, given
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.links.tables import FIGURES, codes_table, links_table

router = PageRouter()
LINKS: Final = "/app/links"
MENU = MenuEntry(70, "Links and codes", LINKS)
OWN: Final = ("done", "placement", "creator")
DONE: Final = {
    "code": "The code is made. Orders that name it count from its first day.",
    "ended": "The code has ended.",
    "archived": "The link is archived. Its address is answered 404.",
}
LINK_FIELDS: Final = ("owner", "destination", "code")
CODE_FIELDS: Final = ("code", "owner", "valid_from", "valid_to")
# The API names the owner's kind; the forms have one list of both.
OWNER: Final = {"placement_id": "owner", "creator_id": "owner"}


@router.get(LINKS)
@router.get(f"{LINKS}.csv")
async def links(request: Request) -> Response:
    """Show links and codes with the forms that make one."""
    frame = await Frame.of(request, OWN)
    chosen = next(
        (f"{kind}_id:{one}" for kind in ("placement", "creator") if (one := frame.view.get(kind))),
        "",
    )
    return await _page(frame, Form({"owner": chosen}), Form({"owner": chosen}))


@router.post(f"{LINKS}/new/link")
async def make_link(request: Request) -> Response:
    """Make a link."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = {**given(fields, "destination", "code"), **_owner(fields)}
    answer = await frame.api.send("POST", "roi", "/v1/links", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, LINK_FIELDS, OWNER), Form(), 422)
    return frame.leave(frame.view.carried(f"{LINKS}/{answer.body['id']}", done="made"))


@router.post(f"{LINKS}/new/code")
async def make_code(request: Request) -> Response:
    """Make a discount code known, with its owner."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    catalog = await Catalog.read(frame.api)
    owner = _owner(fields, None if isinstance(catalog, Failed) else catalog)
    body = {**given(fields, "code"), **owner, **_days(frame, fields)}
    answer = await frame.api.send("POST", "roi", "/v1/codes", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, Form(), Form.refused(fields, answer, CODE_FIELDS, OWNER), 422)
    return frame.leave(frame.view.carried(LINKS, done="code"))


@router.post(LINKS + "/codes/{code_id}/end")
async def end_code(request: Request, code_id: str) -> Response:
    """End a code now: orders from this moment on do not count for its owner."""
    frame = await Frame.of(request, OWN)
    await frame.form()
    now = frame.parts.clock.now().isoformat()
    answer = await frame.api.send("PATCH", "roi", f"/v1/codes/{code_id}", json={"valid_to": now})
    if isinstance(answer, Failed):
        return await _page(frame, Form(), Form(sentence=answer.sentence), 422)
    return frame.leave(frame.view.carried(LINKS, done="ended"))


async def _page(frame: Frame, link_form: Form, code_form: Form, status: int = 200) -> Response:
    catalog = await Catalog.read(frame.api)
    asked = ",".join(FIGURES)
    links_found, codes_found, by_link, by_code = await together(
        frame.api.items("roi", "/v1/links"),
        frame.api.items("roi", "/v1/codes"),
        frame.roi(group_by="link", metrics=asked),
        frame.roi(group_by="code", metrics=asked),
    )
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "links/links.html",
        status=status,
        answers=(by_link, by_code),
        tables={
            "links": links_table(frame, links_found, by_link, catalog),
            "codes": codes_table(frame, codes_found, by_code, catalog),
        },
        link_form=link_form,
        code_form=code_form,
        owners=() if isinstance(catalog, Failed) else _owners(catalog),
        open_codes=() if isinstance(codes_found, Failed) else _open(codes_found.body),
        toast=None if done is None else (done, None),
    )


def _owners(catalog: Catalog) -> list[tuple[str, str]]:
    placements = [(f"placement_id:{id_}", name) for id_, name in catalog.placement_choices()]
    creators = [
        (f"creator_id:{id_}", f"{name} (all content)") for id_, name in catalog.creator_choices()
    ]
    return [("", "choose"), *creators, *placements]


def _open(codes: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the codes that have no end yet."""
    return [code for code in codes if code["valid_to"] is None]


def _owner(fields: Mapping[str, str], catalog: Catalog | None = None) -> dict[str, str]:
    """Return the owner as the API names it; with a catalog, the creator of a placement, too."""
    kind, _, id_ = fields.get("owner", "").partition(":")
    if not id_ or kind not in OWNER:
        return {}
    found = {kind: id_}
    creator = None
    if catalog is not None and kind == "placement_id":
        creator = catalog.placements.get(id_, {}).get("creator_id")
    return found if creator is None else {**found, "creator_id": creator}


def _days(frame: Frame, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the first moment and the end of a code: whole local days of the brand."""
    zone = frame.workspace.time_zone
    found = given(fields, "valid_from", "valid_to")
    if "valid_from" in found:
        found["valid_from"] = day_begins(found["valid_from"], zone)
    if "valid_to" in found:
        found["valid_to"] = day_ends(found["valid_to"], zone)
    return found
