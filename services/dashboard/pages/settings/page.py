"""`/app/settings`: the workspace and the rules in force; the form that corrects the workspace.

Promise: the form is offered to keys that may write.
"""

from typing import Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, made
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame, MenuEntry
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import POLICIES, SETTINGS, sections
from services.dashboard.pages.policies.policy_texts import in_force, policy_facts
from services.dashboard.pages.settings.workspace_form import (
    WORKSPACE_FIELDS,
    currency_choices,
    zone_choices,
)

router = PageRouter()
MENU = MenuEntry(100, "Settings", SETTINGS)
OWN: Final = ("done",)
DONE: Final = {"saved": "The workspace is saved."}


@router.get(SETTINGS)
async def settings(request: Request) -> Response:
    """Show the workspace."""
    return await _page(await Frame.of(request, OWN), Form())


@router.post(SETTINGS)
async def correct_workspace(request: Request) -> Response:
    """Correct the workspace."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    body = {name: fields.get(name, "").strip() for name in WORKSPACE_FIELDS}
    answer = await frame.api.send("PATCH", "roi", "/v1/workspace", json=body)
    if isinstance(answer, Failed):
        return await _page(frame, Form.refused(fields, answer, WORKSPACE_FIELDS), 422)
    return frame.leave(frame.view.carried(SETTINGS, done="saved"))


async def _page(frame: Frame, form: Form, status: int = 200) -> Response:
    policies = await frame.api.items("roi", "/v1/policies")
    now = frame.parts.clock.now()
    zone = frame.workspace.time_zone
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "settings/settings.html",
        status=status,
        sections=sections(frame, SETTINGS),
        facts=(
            ("Name", frame.workspace.name),
            ("Time zone", zone),
            ("Currency", frame.workspace.currency),
        ),
        rules=made(policies, lambda items: policy_facts(in_force(items, now), zone)),
        rules_path=frame.view.carried(POLICIES),
        form=form,
        zones=zone_choices(),
        currencies=currency_choices(),
        toast=None if done is None else (done, None),
        period=None,
    )
