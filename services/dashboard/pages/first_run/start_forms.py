"""What the three forms of the first run do: brand, first creator and link, first goal.

Promise: a form that was refused can be sent again: it makes nothing twice. The creator of a link
that was refused is kept in the form, and corrected by the next one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.client.api import Answer, Failed
from services.dashboard.layout.forms import Form, given
from services.dashboard.layout.frame import Frame
from services.dashboard.pages.goals.goal_form import body_of_form
from services.dashboard.pages.policies.policy_texts import in_force
from services.dashboard.pages.settings.workspace_form import WORKSPACE_FIELDS

CREATOR_ID: Final = "creator_id"
GOAL_FIELDS: Final = ("metric", "target", "ends_on")
GOAL_CHOICES: Final = ("clicks", "conversions", "net_revenue", "profit")
Fields = Mapping[str, str]
Json = Mapping[str, Any]


async def save_brand(frame: Frame, fields: Fields) -> Form | None:
    """Correct the workspace, and its margin where the key may; return the form if refused."""
    body = {name: fields.get(name, "").strip() for name in WORKSPACE_FIELDS}
    answer = await frame.api.send("PATCH", "roi", "/v1/workspace", json=body)
    if not isinstance(answer, Failed) and frame.workspace.may("admin"):
        answer = await _save_margin(frame, fields.get("margin", "").strip())
    if isinstance(answer, Failed):
        return Form.refused(fields, answer, (*WORKSPACE_FIELDS, "margin"))
    return None


async def _save_margin(frame: Frame, margin: str) -> Answer:
    """Put the margin into the rules in force, or make the first rules."""
    listed = await frame.api.items("roi", "/v1/policies")
    if isinstance(listed, Failed):
        return listed
    current = in_force(listed.body, frame.parts.clock.now())
    if "id" in current:
        call = f"/v1/policies/{current['id']}"
        return await frame.api.send("PATCH", "roi", call, json={"margin": margin})
    return await frame.api.send("POST", "roi", "/v1/policies", json={"margin": margin})


async def make_link(frame: Frame, fields: Fields) -> Form | None:
    """Make the first creator and its link; return the form if refused."""
    creator_id = fields.get(CREATOR_ID, "")
    name = {"name": fields.get("creator", "").strip()}
    if creator_id:
        answer = await frame.api.send("PATCH", "roi", f"/v1/creators/{creator_id}", json=name)
    else:
        answer = await frame.api.send("POST", "roi", "/v1/creators", json=name)
    if isinstance(answer, Failed):
        return Form.refused(fields, answer, ("creator",), {"name": "creator"})
    creator_id = answer.body["id"]
    body = {CREATOR_ID: creator_id, "destination": fields.get("destination", "").strip()}
    answer = await frame.api.send("POST", "roi", "/v1/links", json=body)
    if isinstance(answer, Failed):
        return Form.refused({**fields, CREATOR_ID: creator_id}, answer, ("destination",))
    return None


async def set_goal(frame: Frame, fields: Fields) -> Form | None:
    """Set the first goal, from today on; return the form if refused."""
    told = {
        **given(fields, *GOAL_FIELDS),
        "name": "The first goal",
        "starts_on": frame.today.isoformat(),
        "currency": frame.workspace.currency,
        "direction": "at_least",
    }
    body = body_of_form(frame, told)
    answer = await frame.api.send("POST", "roi", "/v1/goals", json=body)
    return Form.refused(fields, answer, GOAL_FIELDS) if isinstance(answer, Failed) else None


def goal_choices(frame: Frame) -> Sequence[tuple[str, str]]:
    """Return the figures that a first goal is about."""
    return [(metric, frame.metrics.name(metric)) for metric in GOAL_CHOICES]
