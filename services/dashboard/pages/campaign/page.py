"""`/app/campaigns/{id}`: what one campaign is for, brought and cost; correct or archive it.

Promise: its figures are the row of the campaign: content of creators and of the brand alike. The
campaign and its goals are asked for first, because the budget names the currency of what is spent,
and each goal has a history. A panel that fails says so and leaves the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, Got, made, made_of, together
from services.dashboard.layout.content_table import ASKED as CONTENT_ASKED
from services.dashboard.layout.content_table import content_table, late_count
from services.dashboard.layout.filters import chips
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.goal_table import goals_table
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.stage_table import stages_chart, stages_table
from services.dashboard.layout.trend import (
    ASKED,
    METRIC,
    chosen_metric,
    headline_tabs,
    row_of,
    trend_of,
    whole_of,
)
from services.dashboard.pages.campaign.panels import FOOT, facts_of, goal_panels, goals_of
from services.dashboard.pages.campaigns.campaign_form import (
    FIELDS,
    body_of_correction,
    values_of,
)
from services.dashboard.pages.campaigns.page import CAMPAIGNS
from services.dashboard.pages.campaigns.spend import (
    asked_spend,
    kind_metrics,
    spend_chart,
    spend_table,
)
from services.dashboard.tables.series import grain_of

router = PageRouter()
CAMPAIGN: Final = CAMPAIGNS + "/{campaign_id}"
OWN: Final = (METRIC, "done")
DONE: Final = {"added": "The campaign is added.", "corrected": "The campaign is corrected."}
# Each history is a call of its own; the page of a goal has it, too.
HISTORIES_MAX: Final = 3
Json = Mapping[str, Any]


@router.get(CAMPAIGN)
@router.get(f"{CAMPAIGN}.csv")
async def campaign(request: Request, campaign_id: str) -> Response:
    """Show a campaign."""
    return await _page(await Frame.of(request, OWN), campaign_id, None)


@router.post(CAMPAIGN)
async def correct_campaign(request: Request, campaign_id: str) -> Response:
    """Correct a campaign."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = body_of_correction(fields)
    answer = await frame.api.send("PATCH", "roi", f"/v1/campaigns/{campaign_id}", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, campaign_id, Form.refused(fields, answer, FIELDS), 422)
    return frame.leave(frame.view.carried(f"{CAMPAIGNS}/{campaign_id}", done="corrected"))


@router.post(f"{CAMPAIGN}/archive")
async def archive_campaign(request: Request, campaign_id: str) -> Response:
    """Archive a campaign."""
    frame = await Frame.of(request, OWN)
    await frame.form()
    body_of(await frame.api.send("DELETE", "roi", f"/v1/campaigns/{campaign_id}"))
    return frame.leave(frame.view.carried(CAMPAIGNS, done="archived"))


async def _page(frame: Frame, campaign_id: str, form: Form | None, status: int = 200) -> Response:
    found, all_goals = await together(
        frame.api.get("roi", f"/v1/campaigns/{campaign_id}"),
        frame.api.get("roi", "/v1/exports/goals.json"),
    )
    told = body_of(found)
    goals = made(all_goals, lambda body: goals_of(body["items"], campaign_id))
    drawn = () if isinstance(goals, Failed) else goals[:HISTORIES_MAX]
    answers = await together(
        *_figures(frame, told), *_lists(frame, told), *_histories(frame, drawn)
    )
    figures, (spend, *content), histories = answers[:3], answers[3:7], answers[7:]
    panels = goal_panels(drawn, histories)
    done = DONE.get(frame.view.get("done") or "")
    shown, tables = _shown(frame, told, figures)
    return frame.page(
        "campaign/campaign.html",
        status=status,
        answers=figures,
        campaign=told,
        facts=facts_of(frame, told),
        tables={
            **tables,
            "goals": goals if isinstance(goals, Failed) else goals_table(frame, goals),
            **{one.table.id: one.table for one in panels if one.table is not None},
            "spend": made(spend, lambda body: spend_table(frame, told, body)),
            "content": _content(frame, told, content),
        },
        goals=panels,
        spend_drawing=made(spend, lambda body: spend_chart(told, body)),
        late=_late(frame, told, content[0]),
        chips=chips(frame.view),
        form=form or Form(values_of(told)),
        toast=None if done is None else (done, None),
        **shown,
    )


def _figures(frame: Frame, told: Json) -> Sequence[Any]:
    """Return the calls of trend, headline and stages."""
    grain = grain_of(frame.view.first, frame.view.last, frame.today)
    return (
        frame.roi(group_by=f"campaign,{grain}", metrics=ASKED, filter__campaign=told["id"]),
        frame.roi(group_by="campaign", metrics=ASKED, filter__campaign=told["id"]),
        frame.funnel(group_by="campaign", filter__campaign=told["id"]),
    )


def _lists(frame: Frame, told: Json) -> Sequence[Any]:
    """Return the calls of spend and content."""
    currency = frame.currency if told["budget"] is None else told["budget"]["currency"]
    asked = asked_spend(frame, currency, kind_metrics(frame), told["id"])
    return (
        frame.api.get("roi", "/v1/roi", asked),
        frame.api.items("roi", "/v1/placements"),
        frame.roi(group_by="placement", metrics=CONTENT_ASKED, filter__campaign=told["id"]),
        frame.api.items("roi", "/v1/creators"),
    )


def _histories(frame: Frame, goals: Sequence[Json]) -> Sequence[Any]:
    return [frame.api.get("roi", f"/v1/goals/{one['goal_id']}/progress") for one in goals]


def _shown(
    frame: Frame, told: Json, figures: Sequence[Answer]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what the panels of trend and stages show, and their tables."""
    trend, headline, funnel = figures
    metric = chosen_metric(frame)
    grain = grain_of(frame.view.first, frame.view.last, frame.today)
    group = {"campaign": told["id"]}
    whole = made(headline, lambda body: whole_of(body, "campaign", told["id"]))
    chart = made_of(
        lambda body, head: trend_of(
            frame, metric, grain, body, whole_of(head, "campaign", told["id"]), group
        ),
        trend,
        headline,
    )
    stages = made(funnel, lambda body: row_of(body, "campaign", told["id"]) or body["program"])
    shown = {
        "tabs": whole if isinstance(whole, Failed) else headline_tabs(frame, metric, whole, group),
        "chart": chart,
        "stages_drawing": stages if isinstance(stages, Failed) else stages_chart(frame, stages),
        "gaps": () if isinstance(stages, Failed) else stages["gaps"],
    }
    tables = {
        "trend": chart if isinstance(chart, Failed) else chart.table,
        "stages": stages if isinstance(stages, Failed) else stages_table(frame, stages, group),
    }
    return shown, tables


def _content(frame: Frame, told: Json, answers: Sequence[Answer]) -> Any:
    placements, figures, creators = answers
    people = creators.body if isinstance(creators, Got) else ()
    names = {one["id"]: one["name"] for one in people}
    now = frame.parts.clock.now()
    return made_of(
        lambda body, listed: content_table(
            frame, body, listed, {"campaign": told["id"]}, FOOT, names, now
        ),
        figures,
        placements,
    )


def _late(frame: Frame, told: Json, placements: Answer) -> int:
    known = placements.body if isinstance(placements, Got) else ()
    return late_count(known, told["id"], frame.parts.clock.now())
