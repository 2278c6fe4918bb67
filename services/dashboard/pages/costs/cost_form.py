"""The form of a cost: its fields, its options, and the body that the API gets. Pure.

Promise: a field that is left empty in a correction clears what it said before; money and the day
stay, because a cost has both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.client.api import Answer, Got
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.forms import given
from services.dashboard.layout.frame import Frame
from services.dashboard.tables.texts import major

KINDS: Final = (
    "fee",
    "commission",
    "product",
    "discount",
    "shipping",
    "production",
    "travel",
    "lodging",
    "agent",
    "tools",
    "staff_hours",
    "paid_boost",
)
SPREADS: Final = (
    ("equal", "equally", "each placement carries the same part"),
    ("clicks", "by clicks", "a placement with more clicks in these days carries more"),
    ("views", "by views", "by the views that were reported for these days"),
    ("credit", "by sales", "by the net revenue that the model “last” credits in these days"),
)
SPREAD_WORDS: Final = {value: label for value, label, _ in SPREADS}
# The API names the owner's kind; the form has one list of all owners.
OWNERS: Final = ("placement_id", "creator_id", "campaign_id")
OTHER_NAMES: Final = {**dict.fromkeys(OWNERS, "owner"), "amount_minor": "amount"}
_MONEY: Final = ("amount", "hours", "rate")
_CLEARED: Final = ("from", "to", "paid_on", "retail_value", "note", "agent_id")
_BOOSTS: Final = "boosts_placement_id"
FIELDS: Final = (
    "kind",
    *_MONEY,
    "currency",
    "owner",
    "incurred_on",
    "spread",
    *_CLEARED,
    _BOOSTS,
)
Json = Mapping[str, Any]
Choices = Sequence[tuple[str, str]]


def kind_choices(frame: Frame) -> Choices:
    """Return the kinds of costs by the names of their metrics."""
    return [(kind, frame.metrics.name(f"cost_of_{kind}")) for kind in KINDS]


def owner_choices(catalog: Catalog) -> Choices:
    """Return who may own a cost."""
    campaigns = [(f"campaign_id:{id_}", f"campaign: {n}") for id_, n in catalog.campaign_choices()]
    creators = [(f"creator_id:{id_}", f"creator: {n}") for id_, n in catalog.creator_choices()]
    placements = [
        (f"placement_id:{id_}", f"content: {name}") for id_, name in catalog.placement_choices()
    ]
    return [("", "nobody: overhead"), *campaigns, *creators, *placements]


def agent_choices(agents: Answer) -> Choices:
    """Return the agents that may have been paid; only the first where there are none."""
    items = agents.body if isinstance(agents, Got) else ()
    return [("", "nobody"), *((one["id"], one["name"]) for one in items)]


def new_body(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the body that enters a cost."""
    body: dict[str, Any] = given(
        fields, "kind", *_MONEY, "currency", "incurred_on", "spread", *_CLEARED, _BOOSTS
    )
    kind, _, id_ = fields.get("owner", "").partition(":")
    return {**body, kind: id_} if id_ and kind in OWNERS else body


def corrected_body(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the body that corrects a cost. Without any money the API asks for an amount."""
    body = dict.fromkeys((*_CLEARED, *OWNERS, _BOOSTS)) | new_body(fields)
    return body if any(name in body for name in _MONEY) else {**body, "amount": ""}


def values_of(cost: Json) -> Mapping[str, str]:
    """Return the fields of the form of a cost that exists."""
    names = ("kind", "currency", "incurred_on", "spread", *_CLEARED, _BOOSTS)
    found = {name: cost[name] or "" for name in names if name != "retail_value"}
    money = ("rate",) if cost["hours"] is not None else ("amount",)
    for name in (*money, "retail_value"):
        found[name] = "" if cost[name] is None else f"{major(cost[name]):f}"
    if cost["hours"] is not None:
        found["hours"] = f"{cost['hours']:g}"
    owner = next((f"{name}:{cost[name]}" for name in OWNERS if cost[name]), "")
    return {**found, "owner": owner}


def body_again(cost: Json) -> dict[str, Any]:
    """Return the body that enters a cost again, as it was."""
    return new_body(values_of(cost))
