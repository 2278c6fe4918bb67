"""The form of a goal: its fields, its options, and the body that the API gets."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

from services.dashboard.client.api import Answer, Got
from services.dashboard.layout.forms import given
from services.dashboard.layout.frame import Frame
from services.dashboard.tables.texts import major

FIELDS: Final = (
    "name",
    "metric",
    "target",
    "currency",
    "starts_on",
    "ends_on",
    "direction",
    "scope",
)
# The API names the campaign or the creator; the form has one list of both.
OTHER_NAMES: Final = {"campaign_id": "scope", "creator_id": "scope"}
DIRECTIONS: Final = (
    ("at_least", "reach it", "at least the target"),
    ("at_most", "stay below", "at most the target, such as a cost"),
)
Json = Mapping[str, Any]
Choices = Sequence[tuple[str, str]]


def metric_choices(frame: Frame) -> Choices:
    """Return the metrics that a goal may have, by name: those with a figure of one period."""
    found = [
        (metric, str(told["name"]))
        for metric, told in frame.metrics.by_id.items()
        if not metric.startswith(("modelled", "open_leads", "seasonality"))
    ]
    return sorted(found, key=lambda pair: pair[1].casefold())


def scope_choices(campaigns: Answer, creators: Answer) -> Choices:
    """Return whose figure may count: the whole program, a campaign, or a creator."""
    found = [("", "the whole program")]
    for kind, answer in (("campaign", campaigns), ("creator", creators)):
        items = answer.body if isinstance(answer, Got) else ()
        found += [(f"{kind}_id:{one['id']}", f"{kind}: {one['name']}") for one in items]
    return found


def body_of_form(frame: Frame, fields: Mapping[str, str]) -> Json:
    """Return the body of the call. A target of a metric without a currency is a number."""
    body: dict[str, Any] = given(
        fields, "name", "metric", "target", "currency", "starts_on", "ends_on", "direction"
    )
    is_money = frame.metrics.by_id.get(body.get("metric", ""), {}).get("unit") == "money"
    if not is_money:
        body["target"] = _number(body.get("target", ""))
        if not frame.metrics.by_id.get(body.get("metric", ""), {}).get("per_currency"):
            body.pop("currency", None)
    kind, _, id_ = fields.get("scope", "").partition(":")
    if id_ and kind in OTHER_NAMES:
        body[kind] = id_
    return body


def values_of(goal: Json) -> Mapping[str, str]:
    """Return the fields of the form of a goal that exists."""
    from_goal = {name: goal[name] or "" for name in FIELDS if name in goal and name != "target"}
    target = goal["target"]
    scope = next((f"{kind}:{goal[kind]}" for kind in OTHER_NAMES if goal[kind]), "")
    text = f"{major(target):f}" if isinstance(target, Mapping) else str(target)
    return {**from_goal, "target": text, "scope": scope}


def _number(text: str) -> float | str:
    """Return a number of the form; what is none goes to the API as it is, which says so."""
    try:
        number = float(text)
    except ValueError:
        return text
    # JSON has no NaN and no infinity.
    return number if isfinite(number) else text
