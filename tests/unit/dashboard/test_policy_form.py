"""The form of rules: the body that it makes, and that its words are those of the API."""

from datetime import UTC, datetime
from typing import Any, Final, get_args

import pytest

from services.dashboard.pages.policies.policy_form import (
    body_of_form,
    group_errors,
    local_midnight,
    model_fields,
    values_of,
)
from services.dashboard.pages.policies.policy_texts import (
    DEFAULTS,
    PRECEDENCES,
    SURVEYS,
    WINDOWS,
    ZERO_VALUES,
    in_force,
    policy_facts,
)
from services.dashboard.pages.rates.rate_form import UNITS
from services.roi.wire.policy_shapes import SHAPES
from services.roi.wire.rate_shapes import ValuedUnit
from shared.catalog import Precedence, Surveys, ZeroValueOrders
from shared.credits import WINDOWS_DAYS
from shared.models import CREDIT_MODELS

NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
OWN: Final[dict[str, Any]] = {
    **DEFAULTS,
    "margin": 0.35,
    "models": ["last", {"name": "time_decay", "half_life_days": 14}],
    "stages": {"later_purchase": "purchase"},
    "kpis": {"engagement": ["engagement_rate_by_views"]},
}


def rules(since: str | None, created_at: str, **more: Any) -> dict[str, Any]:
    return {
        **DEFAULTS,
        "id": created_at,
        "valid_from": since,
        "created_at": created_at,
        "deleted_at": None,
        **more,
    }


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (PRECEDENCES, list(Precedence)),
        (SURVEYS, list(Surveys)),
        (ZERO_VALUES, list(ZeroValueOrders)),
        (WINDOWS, list(WINDOWS_DAYS)),
    ],
)
def test_each_choice_of_the_api_has_a_sentence(choices: Any, words: list[str]) -> None:
    assert [value for value, _, _ in choices] == words
    assert all(label and sentence for _, label, sentence in choices)


def test_the_units_are_those_of_the_api() -> None:
    assert get_args(ValuedUnit) == UNITS


def test_without_rules_the_page_shows_the_defaults_of_the_api() -> None:
    assert {**SHAPES.shown({}), "valid_from": None} == DEFAULTS
    assert in_force([], NOW) == DEFAULTS


def test_the_latest_begun_rules_are_in_force() -> None:
    always, past = rules(None, "2026-11-01"), rules("2026-06-01T00:00:00Z", "2026-10-01")
    future = rules("2026-12-02T00:00:00Z", "2026-10-02")
    archived = rules("2026-11-30T00:00:00Z", "2026-10-03", deleted_at="2026-11-30")
    corrected = rules("2026-06-01T00:00:00Z", "2026-10-04")
    assert in_force([always, past, future, archived], NOW) == past
    assert in_force([corrected, past], NOW) == corrected


def test_the_form_of_rules_makes_the_same_rules() -> None:
    body = body_of_form(values_of(OWN), OWN, "Europe/Berlin")
    assert body == {**OWN, "margin": "0.35"}
    parsed = SHAPES.body.model_validate(body)
    assert SHAPES.shown(SHAPES.facts(parsed)) == {
        name: value for name, value in OWN.items() if name != "valid_from"
    }


def test_what_cannot_be_read_is_sent_as_it_is() -> None:
    body = body_of_form({**values_of(OWN), "window.click": "many"}, OWN, "UTC")
    assert body["windows_days"]["click"] == "many"
    assert local_midnight("soon", "UTC") == "soon"


def test_a_day_begins_at_local_midnight() -> None:
    assert local_midnight("2026-07-01", "America/New_York") == "2026-07-01T00:00:00-04:00"


def test_a_message_is_at_its_field() -> None:
    told = {"windows_days.click": "too long", "models.1.half_life_days": "too many", "margin": "?"}
    assert group_errors(told) == {
        "window.click": "too long",
        "model.time_decay.half_life_days": "too many",
    }


def test_each_model_and_parameter_has_a_field() -> None:
    fields = {field.name.partition(".")[2]: field.parameters for field in model_fields()}
    assert set(fields) == set(CREDIT_MODELS)
    for name, model in CREDIT_MODELS.items():
        assert [one[0].rpartition(".")[2] for one in fields[name]] == list(model.defaults)


def test_rules_are_told_in_sentences() -> None:
    facts = dict(policy_facts(OWN, "UTC"))
    assert facts["Margin"] == "35.0 % of net revenue is kept"
    assert "half life days 14" in facts["Credit models"]
    assert facts["More figures of a stage"] == "engagement: engagement_rate_by_views"
