"""`/app/links/{id}`: the short address to copy, what a test of it answers, clicks, sub-sources.

Promise: a test asks tracking with HEAD, which answers as a visitor would be answered and records
nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, made, together
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.forms import Form, given
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.links.page import LINKS
from services.dashboard.pages.links.tables import FIGURES
from services.dashboard.tables.answers import Shown, answer_table
from services.dashboard.tables.table import Table

router = PageRouter()
LINK: Final = LINKS + "/{link_id}"
OWN: Final = ("done", "test")
DONE: Final = {
    "made": "The link is made. Copy its address and give it to the creator.",
    "saved": "The link is saved.",
}
FIELDS: Final = ("destination", "enabled")
# Why an address leads nowhere, by the status of the answer.
REASONS: Final = {
    404: "nobody knows this address yet; try again in a second",
    410: "the link is switched off",
}
Json = Mapping[str, Any]


@router.get(LINK)
@router.get(f"{LINK}.csv")
async def link(request: Request, link_id: str) -> Response:
    """Show a link; with `test=yes` what its address answers now."""
    return await _page(await Frame.of(request, OWN), link_id, None)


@router.post(LINK)
async def correct_link(request: Request, link_id: str) -> Response:
    """Correct where a link leads, or switch it off."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = {**given(fields, "destination"), "enabled": fields.get("enabled") == "yes"}
    answer = await frame.api.send("PATCH", "roi", f"/v1/links/{link_id}", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, link_id, Form.refused(fields, answer, FIELDS), 422)
    return frame.leave(frame.view.carried(f"{LINKS}/{link_id}", done="saved"))


@router.post(f"{LINK}/archive")
async def archive_link(request: Request, link_id: str) -> Response:
    """Archive a link."""
    frame = await Frame.of(request, OWN)
    await frame.form()
    body_of(await frame.api.send("DELETE", "roi", f"/v1/links/{link_id}"))
    return frame.leave(frame.view.carried(LINKS, done="archived"))


async def _page(frame: Frame, link_id: str, form: Form | None, status: int = 200) -> Response:
    found = body_of(await frame.api.get("roi", f"/v1/links/{link_id}"))
    catalog = await Catalog.read(frame.api)
    days, sources = await together(
        frame.roi(group_by="day", metrics=",".join(FIGURES), filter__link=link_id),
        frame.roi(group_by="sub_source", metrics=",".join(FIGURES), filter__link=link_id),
    )
    tested = await _tested(frame, found["code"]) if frame.view.get("test") else None
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "link/link.html",
        status=status,
        answers=(days, sources),
        link=found,
        owner=None if isinstance(catalog, Failed) else catalog.owner(found),
        tested=tested,
        tables={
            "days": made(days, lambda body: _table(frame, "days", "Day", "day", link_id, body)),
            "sources": made(
                sources,
                lambda body: _table(frame, "sources", "Sub-source", "sub_source", link_id, body),
            ),
        },
        form=form or Form({"destination": found["destination"]}),
        toast=None if done is None else (done, None),
    )


def _table(frame: Frame, id_: str, label: str, dimension: str, link_id: str, answer: Json) -> Table:
    """Return what a link brought by one dimension."""

    def why(metric: str, group: Json) -> str:
        return frame.why(metric, link=link_id, **{dimension: group.get(dimension)})

    shown = Shown(FIGURES, frame.metrics.name, link=lambda _: None, why=why)
    return answer_table(id_, f"What the link brought by {label.lower()}", label, answer, shown)


async def _tested(frame: Frame, code: str) -> str:
    """Return in a sentence what the address of a link answers now."""
    answer = await frame.api.redirect_of(code)
    if isinstance(answer, Failed):
        return answer.sentence
    status, target = answer.body["status"], answer.body["location"]
    if target:
        return f"It works: visitors are led to {target}"
    return f"It leads nowhere: {REASONS.get(status, f'tracking answers {status}')}."
