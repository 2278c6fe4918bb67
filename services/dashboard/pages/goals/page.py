"""`/app/goals`: every goal with its pace; the form that sets a goal.

Promise: progress is one call for all goals. The form is offered to keys that may write.
"""

from typing import Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, made, together
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.goal_table import goals_table
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.goals.goal_form import (
    DIRECTIONS,
    FIELDS,
    OTHER_NAMES,
    body_of_form,
    metric_choices,
    scope_choices,
)

router = PageRouter()
GOALS: Final = "/app/goals"
MENU = MenuEntry(80, "Goals", GOALS)
OWN: Final = ("done", "campaign", "creator")
DONE: Final = {"set": "The goal is set.", "archived": "The goal is archived."}


@router.get(GOALS)
@router.get(f"{GOALS}.csv")
async def goals(request: Request) -> Response:
    """Show the goals and the form."""
    frame = await Frame.of(request, OWN)
    scope = next(
        (f"{kind}_id:{one}" for kind in ("campaign", "creator") if (one := frame.view.get(kind))),
        "",
    )
    return await _page(frame, Form({"scope": scope}))


@router.post(GOALS)
async def set_goal(request: Request) -> Response:
    """Set a goal."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    answer = await frame.api.send("POST", "roi", "/v1/goals", json=body_of_form(frame, fields))
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, FIELDS, OTHER_NAMES), 422)
    return frame.leave(frame.view.carried(f"{GOALS}/{answer.body['id']}", done="set"))


async def _page(frame: Frame, form: Form, status: int = 200) -> Response:
    progress, campaigns, creators = await together(
        frame.api.get("roi", "/v1/exports/goals.json"),
        frame.api.items("roi", "/v1/campaigns"),
        frame.api.items("roi", "/v1/creators"),
    )
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "goals/goals.html",
        status=status,
        tables={"goals": made(progress, lambda body: goals_table(frame, body["items"]))},
        form=form,
        metrics=metric_choices(frame),
        scopes=scope_choices(campaigns, creators),
        directions=DIRECTIONS,
        toast=None if done is None else (done, None),
        period=None,
    )
