"""`/app/creators/{id}`: what one creator brought and cost; correct or archive the creator.

Promise: headline, chart and the table under it are one answer. Each panel asks for itself, all at
once; a panel that fails says so and leaves the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, Got, made, made_of, together
from services.dashboard.layout.content_table import ASKED as CONTENT_ASKED
from services.dashboard.layout.content_table import content_table
from services.dashboard.layout.creator_table import CREATORS
from services.dashboard.layout.filters import chips
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.stage_table import stages_chart, stages_table
from services.dashboard.layout.trend import ASKED, METRIC, chosen_metric, headline_tabs, trend_of
from services.dashboard.pages.creator.panels import (
    FOOT,
    codes_table,
    costs_table,
    facts_of,
    links_table,
    own_placements,
)
from services.dashboard.pages.creators.creator_form import (
    FIELDS,
    OTHER_NAMES,
    body_of_form,
    values_of,
)
from services.dashboard.tables.series import grain_of

router = PageRouter()
CREATOR: Final = CREATORS + "/{creator_id}"
OWN: Final = (METRIC, "done")
DONE: Final = {"added": "The creator is added.", "corrected": "The creator is corrected."}
LINK_METRICS: Final = "clicks,conversions,net_revenue"
CODE_METRICS: Final = "conversions,net_revenue"
Json = Mapping[str, Any]


@router.get(CREATOR)
@router.get(f"{CREATOR}.csv")
async def creator(request: Request, creator_id: str) -> Response:
    """Show a creator."""
    return await _page(await Frame.of(request, OWN), creator_id, None)


@router.post(CREATOR)
async def correct_creator(request: Request, creator_id: str) -> Response:
    """Correct a creator."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    before = body_of(await frame.api.get("roi", f"/v1/creators/{creator_id}"))
    body = body_of_form(fields, before)
    answer = await frame.api.send("PATCH", "roi", f"/v1/creators/{creator_id}", json=body)
    if isinstance(answer, Failed):
        form = Form.refused(fields, answer, FIELDS, OTHER_NAMES)
        return await _page(frame, creator_id, form, 422)
    return frame.leave(frame.view.carried(f"{CREATORS}/{creator_id}", done="corrected"))


@router.post(f"{CREATOR}/archive")
async def archive_creator(request: Request, creator_id: str) -> Response:
    """Archive a creator."""
    frame = await Frame.of(request, OWN)
    await frame.form()
    body_of(await frame.api.send("DELETE", "roi", f"/v1/creators/{creator_id}"))
    return frame.leave(frame.view.carried(CREATORS, done="archived"))


async def _page(frame: Frame, creator_id: str, form: Form | None, status: int = 200) -> Response:
    metric = chosen_metric(frame)
    grain = grain_of(frame.view.first, frame.view.last, frame.today)
    group = {"creator": creator_id}
    found, trend, funnel, *others = await together(
        frame.api.get("roi", f"/v1/creators/{creator_id}"),
        _roi(frame, creator_id, f"creator,{grain}", ASKED),
        frame.funnel(group_by="creator", filter__creator=creator_id),
        *_calls(frame, creator_id),
    )
    told = body_of(found)
    chart = made(trend, lambda body: trend_of(frame, metric, grain, body, body["program"], group))
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "creator/creator.html",
        status=status,
        answers=(trend, funnel),
        creator=told,
        facts=facts_of(frame, told),
        tables={
            "trend": chart if isinstance(chart, Failed) else chart.table,
            "stages": made(funnel, lambda body: stages_table(frame, body["program"], group)),
            **_tables(frame, told, others),
        },
        tabs=made(trend, lambda body: headline_tabs(frame, metric, body["program"], group)),
        chart=chart,
        stages_drawing=made(funnel, lambda body: stages_chart(frame, body["program"])),
        gaps=made(funnel, lambda body: body["program"]["gaps"]),
        chips=chips(frame.view),
        form=form or Form(values_of(told)),
        toast=None if done is None else (done, None),
    )


async def _roi(frame: Frame, creator_id: str, group_by: str, metrics: str) -> Answer:
    return await frame.roi(group_by=group_by, metrics=metrics, filter__creator=creator_id)


def _calls(frame: Frame, creator_id: str) -> Sequence[Any]:
    """Return the calls of the lists, in the order in which `_tables` takes their answers."""
    days = {"from": frame.view.first, "to": frame.view.last}
    return (
        frame.api.items("roi", "/v1/placements"),
        _roi(frame, creator_id, "placement", CONTENT_ASKED),
        frame.api.get("roi", "/v1/exports/costs.json", days),
        frame.api.items("roi", "/v1/links"),
        _roi(frame, creator_id, "link", LINK_METRICS),
        frame.api.items("roi", "/v1/codes"),
        _roi(frame, creator_id, "code", CODE_METRICS),
    )


def _tables(frame: Frame, told: Json, answers: Sequence[Answer]) -> Mapping[str, Any]:
    placements, content, costs, links, by_link, codes, by_code = answers
    known = placements.body if isinstance(placements, Got) else ()
    own = own_placements(told, known)
    names = {told["id"]: told["name"]}
    now = frame.parts.clock.now()
    return {
        "content": made_of(
            lambda figures, listed: content_table(
                frame, figures, listed, {"creator": told["id"]}, FOOT, names, now
            ),
            content,
            placements,
        ),
        "costs": made_of(
            lambda body, _: costs_table(frame, body["items"], told, own), costs, placements
        ),
        "links": made_of(
            lambda figures, listed, _: links_table(frame, figures, listed, told, own),
            by_link,
            links,
            placements,
        ),
        "codes": made_of(
            lambda figures, listed: codes_table(frame, figures, listed, told), by_code, codes
        ),
    }
