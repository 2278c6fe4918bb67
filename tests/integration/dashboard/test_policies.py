"""The rules of a brand: a form sets what the API then has, and a wrong one says where."""

import html
from typing import Final

import pytest

from tests.e2e.installation import Brand
from tests.integration.dashboard.site import Visitor, field_error, items

pytestmark = [pytest.mark.xdist_group("installation")]

SETTINGS: Final = "/app/settings"
RULES: Final = {
    "valid_from": "2026-07-01",
    "margin": "0.45",
    "precedence": "both_share",
    "window.click": "14",
    "window.view": "0",
    "window.referral": "30",
    "window.survey": "30",
    "model.last": "yes",
    "model.time_decay": "yes",
    "model.time_decay.half_life_days": "10",
    "retention_days": "90",
    "survey": "off",
    "zero_value_orders": "count",
    "stages": "later_purchase: purchase",
}


def test_rules_are_set_shown_and_archived(brand: Brand, owner: Visitor) -> None:
    page = f"{SETTINGS}/policies"
    brand.roi.patch("/v1/workspace", json={"time_zone": "Europe/Berlin"}).raise_for_status()
    kpis = {"engagement": ["engagement_rate_by_views"]}
    brand.create("policies", kpis=kpis, margin="0.3")
    answer = owner.send(page, page, **RULES)
    assert answer.status_code == 303, answer.text
    stored = items(brand, "policies")[0]
    assert stored["margin"] == 0.45
    assert stored["windows_days"]["click"] == 14
    assert stored["models"] == ["last", {"name": "time_decay", "half_life_days": 10}]
    assert stored["stages"] == {"later_purchase": "purchase"}
    assert stored["kpis"] == kpis, "what the form does not show stays as it is"
    assert stored["valid_from"].startswith("2026-06-30T22:00:00"), "a local day begins"
    text = owner.get(answer.headers["location"])
    assert "The rules are set." in text
    assert "The code and the clicked links share the order." in text
    lines = owner.csv(f"{page}.csv")
    assert [(line["margin"], line["state"]) for line in lines] == [
        ("0.45", "in force"),
        ("0.3", "at its time"),
    ]
    one = f"{page}/{stored['id']}"
    assert "45.0 % of net revenue is kept" in owner.get(one)
    gone = owner.send(f"{one}/archive", one)
    assert gone.status_code == 303, gone.text
    assert len(items(brand, "policies")) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"margin": "40"}, "margin"),
        ({"window.click": "many"}, "window.click"),
        ({"model.time_decay.half_life_days": "0"}, "model.time_decay.half_life_days"),
        ({"stages": "later_purchase: nowhere"}, "stages"),
        ({"valid_from": "soon"}, "valid_from"),
    ],
)
def test_wrong_rules_are_refused_at_their_field(
    brand: Brand, owner: Visitor, wrong: dict[str, str], field: str
) -> None:
    before = len(items(brand, "policies"))
    page = f"{SETTINGS}/policies"
    answer = owner.send(page, page, **{**RULES, **wrong})
    assert answer.status_code == 422
    assert field_error(answer.text, field)
    assert html.escape(wrong[field]) in answer.text
    assert len(items(brand, "policies")) == before


def test_rules_need_a_model(owner: Visitor) -> None:
    page = f"{SETTINGS}/policies"
    models = [name for name in RULES if name.startswith("model.")]
    answer = owner.send(page, page, **{k: v for k, v in RULES.items() if k not in models})
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
