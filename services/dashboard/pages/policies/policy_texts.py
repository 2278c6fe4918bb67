"""What rules say in sentences, which ones are in force, and what holds without any. Pure.

Promise: each choice of a form has the sentence that the page of a rule has. A test compares the
choices and defaults with those of the API.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from services.dashboard.tables.texts import MISSING, moment_text, percent_text
from shared.models import CREDIT_MODELS, DEFAULT_MODELS

Json = Mapping[str, Any]
Choices = Sequence[tuple[str, str, str]]
# Value, label, and what the choice means.
PRECEDENCES: Final[Choices] = (
    ("code_wins", "The code", "The creator of the typed code earns the order."),
    ("link_wins", "The link", "The creators of the clicked links earn the order."),
    ("both_share", "Both", "The code and the clicked links share the order."),
    (
        "unique_code_wins",
        "The code, if one creator owned it",
        "A code that several creators have had does not beat a clicked link.",
    ),
)
SURVEYS: Final[Choices] = (
    ("off", "Never", "Answers to “how did you hear of us?” are kept and earn nothing."),
    ("fallback", "Without other evidence", "An answer earns where no click and no code does."),
    ("touch", "Always", "An answer is a touch like a click."),
)
ZERO_VALUES: Final[Choices] = (
    ("ignore", "It does not count", "An order of net 0 is kept and is no conversion."),
    ("count", "It counts", "An order of net 0 is a conversion without money."),
)
# Kind of touch, label, and what the days mean.
WINDOWS: Final[Choices] = (
    ("click", "Clicks", "Days before an order in which a click on a link earns."),
    ("view", "Views", "Days in which seen content earns. 0: never."),
    ("referral", "Referrals", "Days in which the referral by a customer earns."),
    ("survey", "Survey answers", "Days in which a survey answer earns."),
)
# What the API assumes where a brand has no rules.
DEFAULTS: Final[Json] = MappingProxyType(
    {
        "valid_from": None,
        "margin": None,
        "windows_days": {"click": 30, "view": 0, "referral": 30, "survey": 30},
        "precedence": "code_wins",
        "models": list(DEFAULT_MODELS),
        "stages": {},
        "kpis": {},
        "retention_days": 365,
        "survey": "fallback",
        "zero_value_orders": "ignore",
    }
)
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def in_force(policies: Sequence[Json], now: datetime) -> Json:
    """Return the rules of an order that occurs now, as attribution chooses them."""
    binding = [
        one for one in policies if one["deleted_at"] is None and _since(one["valid_from"]) <= now
    ]
    if not binding:
        return DEFAULTS
    return max(binding, key=lambda one: (_since(one["valid_from"]), one["created_at"]))


def policy_facts(policy: Json, zone: str) -> Sequence[tuple[str, str]]:
    """Return what rules say: a term and a sentence for each field."""
    windows = policy["windows_days"]
    return (
        ("For orders", since_text(policy, zone)),
        ("Margin", margin_text(policy)),
        (
            "Look-back",
            "; ".join(f"{label} {days_text(windows[kind])}" for kind, label, _ in WINDOWS),
        ),
        ("Code and link of two creators", _sentence(PRECEDENCES, policy["precedence"])),
        ("Credit models", "; ".join(map(model_text, policy["models"]))),
        ("Later orders of a customer", _retention_text(policy["retention_days"])),
        ("Survey answers", _sentence(SURVEYS, policy["survey"])),
        ("Orders of net 0", _sentence(ZERO_VALUES, policy["zero_value_orders"])),
        ("Stages of its own", _map_text(policy["stages"])),
        ("More figures of a stage", _map_text(policy.get("kpis", {}))),
    )


def since_text(policy: Json, zone: str) -> str:
    """Return from when on rules hold."""
    since = policy["valid_from"]
    return "of all time" if since is None else f"from {moment_text(since, zone)} on"


def margin_text(policy: Json) -> str:
    """Return the margin as a percentage, or what holds without one."""
    margin = policy["margin"]
    if margin is None:
        return "none: profit counts the whole net revenue"
    return f"{percent_text(margin)} of net revenue is kept"


def model_text(ref: Any) -> str:
    """Return a credit model with its parameters and what it does."""
    name = ref if isinstance(ref, str) else ref["name"]
    given = {} if isinstance(ref, str) else {key: ref[key] for key in ref if key != "name"}
    values = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in given.items())
    label = name.replace("_", " ")
    model = CREDIT_MODELS.get(name)
    sentence = "" if model is None else f": {model.sentence}"
    return f"{label} ({values}){sentence}" if values else f"{label}{sentence}"


def days_text(days: int) -> str:
    """Return a look-back in words."""
    return "never" if not days else "1 day" if days == 1 else f"{days} days"


def _retention_text(days: int) -> str:
    if not days:
        return "Those who won a customer earn the first order only."
    return f"Those who won a customer earn orders without a touch for {days_text(days)}."


def _sentence(choices: Choices, value: str) -> str:
    return next((sentence for one, _, sentence in choices if one == value), value)


def _map_text(given: Json) -> str:
    parts = [
        f"{name.replace('_', ' ')}: {', '.join(told) if isinstance(told, list) else told}"
        for name, told in given.items()
    ]
    return "; ".join(parts) or MISSING


def _since(moment: str | None) -> datetime:
    return _BEGINNING if moment is None else datetime.fromisoformat(moment)
