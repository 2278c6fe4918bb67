"""`/app/goals/{id}`: how a goal goes, from its history; correct it or archive it.

Promise: every figure is that of `GET /v1/goals/{id}/progress`, which is that of `GET /v1/roi` over
the days of the goal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, made, together
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, body_of, why_link
from services.dashboard.layout.goal_history import history_chart, history_table
from services.dashboard.layout.goal_table import STATUS_WORDS
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.goals.goal_form import (
    DIRECTIONS,
    FIELDS,
    OTHER_NAMES,
    body_of_form,
    metric_choices,
    scope_choices,
    values_of,
)
from services.dashboard.pages.goals.page import DONE, GOALS
from services.dashboard.tables.texts import (
    day_text,
    figure_cell,
    figure_text,
    interval_text,
)
from services.dashboard.view.view import View

router = PageRouter()
GOAL: Final = GOALS + "/{goal_id}"
OWN: Final = ("done",)
Json = Mapping[str, Any]


@router.get(GOAL)
@router.get(f"{GOAL}.csv")
async def goal(request: Request, goal_id: str) -> Response:
    """Show a goal."""
    return await _page(await Frame.of(request, OWN), goal_id, None)


@router.post(GOAL)
async def correct_goal(request: Request, goal_id: str) -> Response:
    """Correct a goal."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = {"campaign_id": None, "creator_id": None, **body_of_form(frame, fields)}
    answer = await frame.api.send("PATCH", "roi", f"/v1/goals/{goal_id}", json=body)
    if isinstance(answer, Failed):
        form = Form.refused(fields, answer, FIELDS, OTHER_NAMES)
        return await _page(frame, goal_id, form, 422)
    return frame.leave(frame.view.carried(f"{GOALS}/{goal_id}", done="set"))


@router.post(f"{GOAL}/archive")
async def archive_goal(request: Request, goal_id: str) -> Response:
    """Archive a goal."""
    frame = await Frame.of(request, OWN)
    await frame.form()
    body_of(await frame.api.send("DELETE", "roi", f"/v1/goals/{goal_id}"))
    return frame.leave(frame.view.carried(GOALS, done="archived"))


async def _page(frame: Frame, goal_id: str, form: Form | None, status: int = 200) -> Response:
    found, progress, campaigns, creators = await together(
        frame.api.get("roi", f"/v1/goals/{goal_id}"),
        frame.api.get("roi", f"/v1/goals/{goal_id}/progress"),
        frame.api.items("roi", "/v1/campaigns"),
        frame.api.items("roi", "/v1/creators"),
    )
    told = body_of(found)
    name = told["name"] or "The goal"
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "goal/goal.html",
        status=status,
        goal=told,
        tables={"history": made(progress, lambda body: history_table(name, body))},
        chart=None if isinstance(progress, Failed) else history_chart(name, progress.body),
        facts=() if isinstance(progress, Failed) else facts_of(frame, told, progress.body),
        form=form or Form(values_of(told)),
        metrics=metric_choices(frame),
        scopes=scope_choices(campaigns, creators),
        directions=DIRECTIONS,
        toast=None if done is None else (done, None),
        period=None,
    )


def facts_of(frame: Frame, told: Json, progress: Json) -> Sequence[tuple[str, Any]]:
    """Return what the goal is and how it stands; the figure leads to how it came about."""
    metric = told["metric"]
    scope = {name: told[f"{name}_id"] for name in ("campaign", "creator") if told[f"{name}_id"]}
    days = View(GOALS, progress["from"], progress["to"], told["currency"])
    why = why_link(days, metric, scope or {"part": "program"})
    forecast = progress["forecast"]
    ends = interval_text(metric, [forecast["low"], forecast["high"]])
    word = "at least" if told["direction"] == "at_least" else "at most"
    return (
        ("Figure", frame.metrics.name(metric)),
        ("Days", f"{day_text(told['starts_on'])} to {day_text(told['ends_on'])}"),
        ("Status", STATUS_WORDS[progress["status"]]),
        ("So far", figure_cell(metric, progress["actual"], why=why)),
        ("Expected by now", figure_text(metric, progress["expected_to_date"])),
        ("Target", f"{word} {figure_text(metric, progress['target'])}"),
        ("Forecast", figure_cell(metric, forecast["value"], note=ends)),
    )
