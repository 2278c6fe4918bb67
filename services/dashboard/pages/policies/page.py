"""`/app/settings/policies`: the rules in force, all rules, and the form that sets new ones.

Promise: new rules are one more object; those before them stay. The form is offered to admin keys.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import Request, Response

from services.dashboard.client.api import Answer, Failed, made
from services.dashboard.layout.forms import Form
from services.dashboard.layout.frame import Frame
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.layout.settings_parts import POLICIES, sections
from services.dashboard.pages.policies.policy_form import (
    FIELDS,
    GROUPS,
    body_of_form,
    group_errors,
    model_fields,
    values_of,
)
from services.dashboard.pages.policies.policy_texts import (
    DEFAULTS,
    PRECEDENCES,
    SURVEYS,
    WINDOWS,
    ZERO_VALUES,
    Json,
    in_force,
    policy_facts,
    since_text,
)
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import MISSING, percent_text

router = PageRouter()
OWN: Final = ("done",)
DONE: Final = {"set": "The rules are set.", "archived": "The rules are archived."}


@router.get(POLICIES)
@router.get(f"{POLICIES}.csv")
async def policies(request: Request) -> Response:
    """Show the rules and the form."""
    frame = await Frame.of(request, OWN)
    return _page(frame, await _listed(frame), None)


@router.post(POLICIES)
async def set_policy(request: Request) -> Response:
    """Set new rules."""
    frame = await Frame.of(request, OWN)
    fields = await frame.form()
    listed = await _listed(frame)
    if isinstance(listed, Failed):
        return _page(frame, listed, Form(fields, {}, listed.sentence), listed.status or 503)
    current = in_force(listed.body, frame.parts.clock.now())
    body = body_of_form(fields, current, frame.workspace.time_zone)
    answer = await frame.api.send("POST", "roi", "/v1/policies", json=body)
    if isinstance(answer, Failed):
        return _page(frame, listed, _refused(fields, answer), 422)
    return frame.leave(frame.view.carried(POLICIES, done="set"))


def _refused(fields: Json, failed: Failed) -> Form:
    form = Form.refused(fields, failed, FIELDS)
    at_parts = group_errors(failed.fields)
    others = {
        name: said for name, said in form.errors.items() if not at_parts or name not in GROUPS
    }
    return Form(form.values, {**others, **at_parts}, form.sentence)


async def _listed(frame: Frame) -> Answer:
    return await frame.api.items("roi", "/v1/policies")


def _page(frame: Frame, listed: Answer, form: Form | None, status: int = 200) -> Response:
    now, zone = frame.parts.clock.now(), frame.workspace.time_zone
    current = DEFAULTS if isinstance(listed, Failed) else in_force(listed.body, now)
    done = DONE.get(frame.view.get("done") or "")
    return frame.page(
        "policies/policies.html",
        status=status,
        sections=sections(frame, POLICIES),
        facts=made(listed, lambda _: policy_facts(current, zone)),
        tables={"policies": made(listed, lambda items: policies_table(frame, items, current))},
        form=form or Form({**values_of(current), "valid_from": frame.today.isoformat()}),
        models=model_fields(),
        windows=WINDOWS,
        precedences=PRECEDENCES,
        surveys=SURVEYS,
        zero_values=ZERO_VALUES,
        toast=None if done is None else (done, None),
        period=None,
    )


def policies_table(frame: Frame, items: Sequence[Json], current: Json) -> Table:
    """Return the rules, newest first."""
    columns = (
        Column("since", "For orders"),
        Column("margin", "Margin", "number"),
        Column("precedence", "Code and link"),
        Column("models", "Credit models"),
        Column("state", "State"),
    )
    return Table("policies", "Rules", columns, [_row(frame, one, current) for one in items])


def _row(frame: Frame, policy: Json, current: Json) -> Row:
    margin = policy["margin"]
    precedence = policy["precedence"]
    label = next((told for value, told, _ in PRECEDENCES if value == precedence), precedence)
    names = ", ".join(one if isinstance(one, str) else one["name"] for one in policy["models"])
    is_current = policy["id"] == current.get("id")
    state = "in force" if is_current else "at its time"
    return Row(
        (
            Cell(
                since_text(policy, frame.workspace.time_zone),
                policy["valid_from"],
                href=frame.view.carried(f"{POLICIES}/{policy['id']}"),
            ),
            Cell(MISSING, None) if margin is None else Cell(percent_text(margin), str(margin)),
            Cell(label, precedence),
            Cell(names.replace("_", " "), names),
            Cell(state, state),
        )
    )
