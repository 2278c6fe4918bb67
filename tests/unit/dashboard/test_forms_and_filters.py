"""Filters, forms and states of content: what an address, a form and a placement mean."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.dashboard.client.api import Failed
from services.dashboard.layout.content_table import late_count, state_of
from services.dashboard.layout.filters import chips, exactly, filter_link
from services.dashboard.layout.forms import Form
from services.dashboard.pages.campaigns.campaign_form import body_of_correction
from services.dashboard.pages.campaigns.campaign_form import values_of as values_of_campaign
from services.dashboard.pages.campaigns.spend import share_of
from services.dashboard.pages.creators.creator_form import FIELDS, OTHER_NAMES, body_of_form
from services.dashboard.pages.creators.creator_form import values_of as values_of_creator
from services.dashboard.tables.answers import Shown, answer_table
from services.dashboard.tables.table import Cell, Column
from services.dashboard.view.view import View
from shared.http.problems import Problem

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
MIA: dict[str, Any] = {
    "name": "Mia",
    "handle": "@mia",
    "country": "SE",
    "topics": ["coffee", "home"],
    "platform_accounts": [
        {"platform": "instagram", "handle": "@mia", "followers": 8400},
        {"platform": "youtube", "handle": "mia-films", "followers": None},
    ],
}


def test_a_chip_takes_out_its_filter_alone() -> None:
    view = View.parse("/app/creators", [("filter.platform", "tiktok"), ("filter.tier", "nano")])
    assert chips(view) == [
        ("platform: tiktok", "/app/creators?filter.tier=nano"),
        ("tier: nano", "/app/creators?filter.platform=tiktok"),
    ]


def test_a_filter_means_its_value_whatever_signs_it_has() -> None:
    assert exactly("a,b") == "a\\,b"
    assert exactly("-a") == "\\-a"
    view = View.parse("/app/creators", [("filter.topic", "old")])
    link = filter_link(view, "topic", "food, drinks")
    assert View.parse("/app/creators", [("filter.topic", "food\\, drinks")]).link() == link


def test_a_message_stands_at_the_field_it_is_of() -> None:
    failed = Failed(
        422,
        "two fields",
        {"platform_accounts.0.followers": "no number", "topics.1": "too long"},
    )
    form = Form.refused({"name": "Mia"}, failed, FIELDS, OTHER_NAMES)
    assert form.errors == {"followers": "no number", "topics": "too long"}
    assert form.sentence is None


def test_a_form_that_the_key_may_not_send_is_refused_as_a_whole() -> None:
    with pytest.raises(Problem) as refused:
        Form.refused({}, Failed(403, "Your key may not do this: write", {}), FIELDS)
    assert refused.value.status == 403


def test_the_form_of_a_creator_gives_back_what_it_was_filled_with() -> None:
    body = body_of_form(values_of_creator(MIA), MIA)
    assert body == MIA


def test_a_correction_keeps_what_the_form_does_not_show() -> None:
    own_handle = {**MIA, "platform_accounts": [{**MIA["platform_accounts"][0], "handle": "m"}]}
    fields = {**values_of_creator(own_handle), "followers": "9,000"}
    account = body_of_form(fields, own_handle)["platform_accounts"][0]
    assert account == {"platform": "instagram", "handle": "m", "followers": 9000}
    without = body_of_form({**values_of_creator(MIA), "platform": ""}, MIA)
    assert without["platform_accounts"] == MIA["platform_accounts"][1:]


def test_followers_that_are_no_number_are_sent_as_typed() -> None:
    body = body_of_form({"name": "A", "platform": "X", "handle": "@a", "followers": "many"})
    assert body["platform_accounts"] == [{"platform": "x", "handle": "@a", "followers": "many"}]


def test_an_emptied_budget_is_taken_away() -> None:
    campaign = {
        "name": "Launch",
        "objective": None,
        "starts_on": "2026-11-01",
        "ends_on": None,
        "budget": {"amount_minor": 120050, "currency": "USD"},
    }
    fields = values_of_campaign(campaign)
    assert (fields["budget"], fields["currency"]) == ("1200.50", "USD")
    assert body_of_correction(fields)["budget"] == "1200.50"
    emptied = body_of_correction({**fields, "budget": " "})
    assert emptied == {
        "name": "Launch",
        "objective": None,
        "starts_on": "2026-11-01",
        "ends_on": None,
        "budget": None,
    }


def test_a_budget_in_another_currency_has_no_share() -> None:
    euros = {"amount_minor": 5000, "currency": "EUR"}
    assert str(share_of(euros, {"amount_minor": 15000, "currency": "EUR"})) == "0.333333"
    assert share_of(euros, {"amount_minor": 15000, "currency": "USD"}) is None
    assert share_of(euros, {"amount_minor": 0, "currency": "EUR"}) is None


def placement(planned: str | None, published: str | None = None, **more: Any) -> dict[str, Any]:
    return {"planned_at": planned, "published_at": published, "automatic": False, **more}


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (placement(None), ("not planned", None)),
        (placement("2026-12-02T00:00:00Z"), ("planned", None)),
        (placement("2026-12-01T11:00:00Z"), ("late", None)),
        (placement("2026-11-28T11:00:00Z"), ("late", "3 days late")),
        (placement("2026-11-28T11:00:00Z", "2026-11-28T18:00:00Z"), ("published", None)),
        (placement("2026-11-28T11:00:00Z", "2026-11-29T12:00:00Z"), ("published", "1 day late")),
        (placement(None, "2026-12-05T12:00:00Z"), ("planned", None)),
        ({**placement(None), "automatic": True}, ("always on", None)),
    ],
)
def test_content_is_late_when_its_time_has_passed(
    given: dict[str, Any], state: tuple[str, str | None]
) -> None:
    assert state_of(given, NOW) == state


def test_only_late_content_of_the_campaign_counts() -> None:
    late = placement("2026-11-28T11:00:00Z", campaign_id="a")
    assert late_count([late, {**late, "campaign_id": "b"}], "a", NOW) == 1


def test_a_table_has_facts_beside_figures_and_rows_without_figures() -> None:
    answer = {
        "rows": [
            {"group": {"creator": "1"}, "label": "Mia", "measures": {"clicks": 3}},
            {"group": {"creator": None}, "label": "brand", "measures": {"clicks": 1}},
        ],
        "program": {"clicks": 3},
        "totals": {"clicks": 4},
    }
    shown = Shown(
        ("clicks",), str, lambda _: None, lambda *_: None,
        facts=(Column("country", "Country"),),
        facts_of=lambda group: (Cell(f"of {group['creator']}"),),
        foot=(("program", "Together", "total"),),
    )  # fmt: skip
    table = answer_table("t", "T", "Creator", answer, shown, [("Tom", {"creator": "2"})])
    texts = [[cell.text for cell in row.cells] for row in (*table.rows, *table.totals)]
    assert texts == [
        ["Mia", "of 1", "3"],
        ["brand", "", "1"],
        ["Tom", "of 2", "–"],
        ["Together", "", "3"],
    ]
