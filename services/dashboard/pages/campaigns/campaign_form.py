"""The form of a campaign: its fields, and the fields of one that exists."""

from collections.abc import Mapping
from typing import Any, Final

from services.dashboard.tables.texts import major

FIELDS: Final = ("name", "objective", "starts_on", "ends_on", "budget", "currency")
Json = Mapping[str, Any]


def body_of_correction(fields: Mapping[str, str]) -> Json:
    """Return the body that corrects a campaign: an empty field takes its fact away."""
    text = {name: fields.get(name, "").strip() for name in FIELDS}
    body: dict[str, Any] = {name: value or None for name, value in text.items()}
    body["name"] = text["name"]
    if body["budget"] is None:
        del body["currency"]
    return body


def values_of(campaign: Json) -> Mapping[str, str]:
    """Return the fields of the form of a campaign that exists."""
    budget = campaign["budget"]
    found = {name: campaign[name] or "" for name in FIELDS if name in campaign}
    if budget is None:
        return {**found, "budget": ""}
    return {**found, "budget": f"{major(budget):f}", "currency": budget["currency"]}
