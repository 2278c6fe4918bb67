"""`/app/start`: the first steps of a new workspace on one page, each with its small form.

Promise: a step that is done is ticked and its form gone. The page asks again until the first click
is there. A key that may not write sees how far the workspace is, and no form.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import HOME, Frame
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import KEYS, STORES
from services.dashboard.pages.first_run.start_forms import (
    goal_choices,
    make_link,
    save_brand,
    set_goal,
)
from services.dashboard.pages.first_run.steps import START, progress_of, steps_of
from services.dashboard.pages.settings.workspace_form import currency_choices, zone_choices
from shared.http.problems import Problem

router = PageRouter()
OWN: Final = ("done",)
DONE: Final = {
    "brand": "Your brand is saved.",
    "link": "The link is made. Open it, and see your click arrive.",
    "goal": "The goal is set.",
}
GOAL_DAYS: Final = 30
_FORMS: Final[Mapping[str, Callable[[Frame, Mapping[str, str]], Awaitable[Form | None]]]] = (
    MappingProxyType({"brand": save_brand, "link": make_link, "goal": set_goal})
)


@router.get(START)
async def start(request: Request) -> Response:
    """Show the steps."""
    return await _page(await Frame.of(request, OWN), Form(), None)


@router.post(START)
async def take_step(request: Request) -> Response:
    """Take the step of the form."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    step = fields.get("step", "")
    take = _FORMS.get(step)
    if take is None:
        raise Problem(422, "This form has no such step", "Open the page again.")
    refused = await take(frame, fields)
    if refused is not None:
        return await _page(frame, refused, step, 422)
    return frame.leave(frame.view.carried(START, done=step))


async def _page(frame: Frame, form: Form, step: str | None, status: int = 200) -> Response:
    found = await progress_of(frame)
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "first_run/first_run.html",
        status=status,
        progress=found,
        steps=() if isinstance(found, Failed) else steps_of(frame, found),
        form=form,
        step=step,
        zones=zone_choices(),
        currencies=currency_choices(),
        goals=goal_choices(frame),
        ends_on=(frame.today + timedelta(days=GOAL_DAYS)).isoformat(),
        order_call=order_call(frame),
        overview=frame.view.carried(HOME),
        stores=frame.view.carried(STORES),
        keys=frame.view.carried(KEYS),
        toast=None if done is None else (done, None),
        period=None,
    )


def order_call(frame: Frame) -> str:
    """Return the command that sends an order."""
    return (
        f"curl -X POST {frame.parts.short_base}/v1/conversions"
        " -H 'Authorization: Bearer YOUR_KEY' -H 'Content-Type: application/json'"
        ' -d \'{"order_id": "1001", "net": "49.90",'
        f' "currency": "{frame.workspace.currency}", "occurred_at":'
        f' "{frame.parts.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")}"}}\''
    )
