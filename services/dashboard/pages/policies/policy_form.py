"""The form of new rules: its fields and the body that the API gets. Pure.

Promise: what the form does not show, the KPIs of stages, stays as it is in the rules in force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.dashboard.layout.forms import given
from services.dashboard.pages.policies.policy_texts import WINDOWS, Json
from shared.models import CREDIT_MODELS

MODEL: Final = "model."
WINDOW: Final = "window."
# Groups of fields that the API names as one; their messages stand above the group.
GROUPS: Final = ("windows_days", "models")
FIELDS: Final = (
    "valid_from",
    "margin",
    "precedence",
    "retention_days",
    "survey",
    "zero_value_orders",
    "stages",
    *GROUPS,
)


@dataclass(frozen=True, slots=True)
class ModelField:
    """A credit model as a box to tick, with the fields of its parameters."""

    name: str
    label: str
    sentence: str
    parameters: Sequence[tuple[str, str, str]]


def model_fields() -> Sequence[ModelField]:
    """Return a field for each credit model; a parameter has its field, label and help."""
    return [
        ModelField(
            f"{MODEL}{model.name}",
            model.name.replace("_", " ").capitalize(),
            f"{model.sentence[0].upper()}{model.sentence[1:]}.",
            [
                (
                    f"{MODEL}{model.name}.{one.name}",
                    f"{model.name}: {one.name}".replace("_", " ").capitalize(),
                    f"{one.meaning} {one.minimum} to {one.maximum}; usually {one.default}.",
                )
                for one in model.parameters
            ],
        )
        for model in CREDIT_MODELS.values()
    ]


def values_of(policy: Json) -> Mapping[str, str]:
    """Return the fields of the form that proposes rules as they are now."""
    windows = {f"{WINDOW}{kind}": str(policy["windows_days"][kind]) for kind, _, _ in WINDOWS}
    models: dict[str, str] = {}
    for ref in policy["models"]:
        named = {"name": ref} if isinstance(ref, str) else ref
        field = f"{MODEL}{named['name']}"
        models[field] = "yes"
        models |= {f"{field}.{key}": str(value) for key, value in named.items() if key != "name"}
    return {
        "margin": "" if policy["margin"] is None else str(policy["margin"]),
        "precedence": policy["precedence"],
        "retention_days": str(policy["retention_days"]),
        "survey": policy["survey"],
        "zero_value_orders": policy["zero_value_orders"],
        "stages": "\n".join(f"{kind}: {stage}" for kind, stage in policy["stages"].items()),
        **windows,
        **models,
    }


def body_of_form(fields: Mapping[str, str], current: Json, zone: str) -> Json:
    """Return the body of the call. What cannot be read goes to the API as it is, which says so."""
    body: dict[str, Any] = given(fields, "precedence", "survey", "zero_value_orders", "margin")
    since = fields.get("valid_from", "").strip()
    body["valid_from"] = local_midnight(since, zone) if since else None
    body["retention_days"] = _number(fields.get("retention_days", ""))
    body["windows_days"] = {
        kind: _number(fields.get(f"{WINDOW}{kind}", "")) for kind, _, _ in WINDOWS
    }
    body["models"] = _models(fields)
    body["stages"] = _stages(fields.get("stages", ""))
    return {**body, **({"kpis": current["kpis"]} if current.get("kpis") else {})}


def group_errors(failed: Mapping[str, str]) -> Mapping[str, str]:
    """Return the messages at fields of a group, which the API names such as `windows_days.click`.

    A message about a model is at the box of its group, because the API counts the models.
    """
    found = {}
    for name, said in failed.items():
        group, _, rest = name.partition(".")
        if group == "windows_days" and rest:
            found[f"{WINDOW}{rest}"] = said
        elif group == "models" and "." in rest:
            parameter = rest.rpartition(".")[2]
            found |= {
                f"{MODEL}{model.name}.{parameter}": said
                for model in CREDIT_MODELS.values()
                if parameter in model.defaults
            }
    return found


def local_midnight(day: str, zone: str) -> str:
    """Return the moment when a local day begins."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return datetime.combine(found, time.min, ZoneInfo(zone)).isoformat()


def _models(fields: Mapping[str, str]) -> list[Any]:
    found: list[Any] = []
    for model in CREDIT_MODELS.values():
        if not fields.get(f"{MODEL}{model.name}"):
            continue
        values = {
            key: _number(text)
            for key in model.defaults
            if (text := fields.get(f"{MODEL}{model.name}.{key}", "").strip())
        }
        found.append({"name": model.name, **values} if values else model.name)
    return found


def _stages(text: str) -> Any:
    """Return lines such as `later_purchase: purchase` as an object."""
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    return {kind.strip(): stage.strip() for kind, _, stage in pairs}


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text
