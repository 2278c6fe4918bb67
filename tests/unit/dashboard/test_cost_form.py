"""The form of a cost: what is sent for a new one, a corrected one, and one that is restored."""

from typing import Any, Final

from services.dashboard.pages.costs.cost_form import (
    body_again,
    corrected_body,
    new_body,
    values_of,
)
from services.dashboard.pages.costs.panels import in_period

HOURS: Final[dict[str, Any]] = {
    "kind": "staff_hours",
    "amount": {"amount_minor": 30_000, "currency": "EUR"},
    "hours": 7.5,
    "rate": {"amount_minor": 4_000, "currency": "EUR"},
    "currency": "EUR",
    "placement_id": None,
    "creator_id": "c",
    "campaign_id": None,
    "agent_id": None,
    "boosts_placement_id": None,
    "incurred_on": "2026-03-10",
    "from": "2026-03-01",
    "to": "2026-04-30",
    "spread": "clicks",
    "paid_on": "2026-04-02",
    "retail_value": None,
    "note": None,
}


def test_a_cost_of_hours_is_restored_by_hours_and_rate() -> None:
    assert body_again(HOURS) == {
        "kind": "staff_hours",
        "hours": "7.5",
        "rate": "40.00",
        "currency": "EUR",
        "creator_id": "c",
        "incurred_on": "2026-03-10",
        "from": "2026-03-01",
        "to": "2026-04-30",
        "spread": "clicks",
        "paid_on": "2026-04-02",
    }


def test_an_amount_has_the_decimals_of_its_currency() -> None:
    yen = {**HOURS, "hours": None, "rate": None, "amount": {"amount_minor": 5, "currency": "JPY"}}
    assert values_of(yen)["amount"] == "5"


def test_a_correction_clears_what_is_empty_and_the_other_owners() -> None:
    body = corrected_body({"amount": "1.00", "owner": "campaign_id:k", "kind": "fee"})
    assert (body["campaign_id"], body["creator_id"], body["placement_id"]) == ("k", None, None)
    assert body["paid_on"] is None
    assert "hours" not in body


def test_a_correction_without_money_is_never_silent() -> None:
    assert corrected_body({"kind": "fee"})["amount"] == ""


def test_an_owner_of_another_kind_is_no_field() -> None:
    assert new_body({"owner": "note:x"}) == {}


def test_a_cost_is_in_the_period_by_the_day_it_counts() -> None:
    def listed(view: str, first: str, last: str) -> bool:
        return in_period([HOURS], view, first, last) == [HOURS]

    assert listed("incurred", "2026-03-10", "2026-03-10")
    assert not listed("incurred", "2026-03-11", "2026-04-30")
    assert listed("accrual", "2026-04-30", "2026-05-05")
    assert not listed("accrual", "2026-05-01", "2026-05-05")
    assert listed("cash", "2026-04-01", "2026-04-02")
    assert in_period([{**HOURS, "paid_on": None}], "cash", "2000-01-01", "2030-01-01") == []
