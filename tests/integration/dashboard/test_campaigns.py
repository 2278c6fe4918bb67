"""Campaigns and one campaign: rows = headline = chart = content = API; budget, goals, late ones."""

import html
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest

from services.dashboard.pages.campaign.page import HISTORIES_MAX
from tests.e2e.installation import Brand, Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

ROOT: Final = "/app/campaigns"


def major(amount: dict[str, Any]) -> Decimal:
    return Decimal(amount["amount_minor"]).scaleb(-2)


def shown(value: Decimal) -> str:
    return f"{'-' if value < 0 else ''}€{abs(value):,.2f}"


def campaigns_of(installation: Installation, visitor: Visitor) -> dict[str, dict[str, Any]]:
    """Return the campaigns by name."""
    answer = installation.client("roi", visitor.key).get("/v1/campaigns").json()
    return {one["name"]: one for one in answer["items"]}


def test_the_table_is_the_answer_to_the_cent(installation: Installation, demo: Visitor) -> None:
    roi = installation.client("roi", demo.key)
    answer = roi.get("/v1/roi", params={"group_by": "campaign", "currency": "EUR"}).json()
    lines = demo.csv(f"{ROOT}.csv")
    told = {line["label"]: line for line in lines}
    for row in answer["rows"]:
        value = major(row["measures"]["net_revenue"])
        assert Decimal(told[row["label"]]["net_revenue"]) == value
    rows = [Decimal(one["net_revenue"] or 0) for one in lines if one["line"] != "total"]
    assert sum(rows) == major(answer["totals"]["net_revenue"])
    assert told["Coffee club"]["goals"] == "no goal yet"
    assert told["New harvest launch"]["budget"] == "12000.00"


@pytest.mark.parametrize("metric", ["net_revenue", "cost", "clicks"])
def test_headline_chart_and_content_of_a_campaign_agree(
    installation: Installation, demo: Visitor, metric: str
) -> None:
    table = {one["label"]: one for one in demo.csv(f"{ROOT}.csv")}
    for name, campaign in campaigns_of(installation, demo).items():
        told = Decimal(table[name][metric])
        text = demo.get(f"{ROOT}/{campaign['id']}?metric={metric}")
        tab = re.search(r'<li class="current">.*?</li>', text, re.DOTALL)
        assert tab is not None
        assert (f"{told:,}" if metric == "clicks" else shown(told)) in tab[0]
        for panel in ("trend", "content"):
            lines = demo.csv(f"{ROOT}/{campaign['id']}.csv?panel={panel}&metric={metric}")
            rows = [Decimal(one[metric] or 0) for one in lines if one["line"] != "total"]
            assert sum(rows) == told, panel
            assert [Decimal(one[metric]) for one in lines if one["line"] == "total"] == [told]


@pytest.mark.parametrize("query", ["", "from=2020-01-01&to=2020-01-31", "filter.platform=tiktok"])
def test_the_budget_counts_the_whole_campaign(
    installation: Installation, demo: Visitor, query: str
) -> None:
    roi = installation.client("roi", demo.key)
    answer = roi.get(
        "/v1/roi", params={"group_by": "campaign", "from": "all", "currency": "EUR"}
    ).json()
    cost = {row["label"]: major(row["measures"]["cost"]) for row in answer["rows"]}
    for name, campaign in campaigns_of(installation, demo).items():
        lines = demo.csv(f"{ROOT}/{campaign['id']}.csv?panel=spend&{query}")
        kinds = [Decimal(one["amount"]) for one in lines if one["line"] == "row"]
        foot = {one["kind"]: Decimal(one["amount"]) for one in lines if one["line"] == "total"}
        budget = major(campaign["budget"])
        left = budget - cost[name]
        assert foot == {"Spent so far": cost[name], "Budget": budget, "Left": left}
        assert sum(kinds) == cost[name]


def test_goals_have_pace_and_history_or_are_asked_for(
    installation: Installation, demo: Visitor
) -> None:
    found = campaigns_of(installation, demo)
    launch = f"{ROOT}/{found['New harvest launch']['id']}"
    text = demo.get(launch)
    assert 'class="drawing pacing"' in text
    assert "Launch within budget" in text
    goals = installation.client("roi", demo.key).get("/v1/goals").json()["items"]
    goal = next(one for one in goals if one["name"] == "Launch within budget")
    progress = installation.client("roi", demo.key).get(f"/v1/goals/{goal['id']}/progress").json()
    lines = demo.csv(f"{launch}.csv?panel=history-1")
    expected = [major(one["actual"]) for one in progress["history"]]
    assert [Decimal(one["actual"]) for one in lines] == expected
    club = found["Coffee club"]["id"]
    text = html.unescape(demo.get(f"{ROOT}/{club}"))
    assert "No goal yet." in text
    assert f'href="/app/goals?campaign={club}"' in text


def test_every_goal_is_listed_and_the_first_three_are_drawn(
    dashboard: str, new_brand: Callable[[], Brand]
) -> None:
    brand = new_brand()
    campaign = brand.create("campaigns", name="Goals")["id"]
    for at in range(HISTORIES_MAX + 1):
        brand.create(
            "goals", name=f"Goal {at}", metric="clicks", target=100, campaign_id=campaign,
            starts_on="2026-01-01", ends_on="2035-12-31",
        )  # fmt: skip
    with Visitor(dashboard, brand.key) as visitor:
        assert len(visitor.csv(f"{ROOT}/{campaign}.csv?panel=goals")) == HISTORIES_MAX + 1
        text = visitor.get(f"{ROOT}/{campaign}")
        assert text.count('class="drawing pacing"') == HISTORIES_MAX
        assert set(re.findall(r'id="(history-\d+)"', text)) == {
            "history-1",
            "history-2",
            "history-3",
        }


def test_late_content_is_named(installation: Installation, demo: Visitor) -> None:
    placements = installation.client("roi", demo.key).get(
        "/v1/placements", params={"limit": 200}
    ).json()["items"]  # fmt: skip
    for campaign in campaigns_of(installation, demo).values():
        own = [one for one in placements if one["campaign_id"] == campaign["id"]]
        lines = demo.csv(f"{ROOT}/{campaign['id']}.csv?panel=content")
        states = [one["state"] for one in lines if one["line"] == "row"]
        assert len(states) == len(own)
        open_ones = [one for one in own if not one["published_at"]]
        late = states.count("late")
        assert late <= len(open_ones)
        text = demo.get(f"{ROOT}/{campaign['id']}")
        assert (f"{late} late</span>" in text) == bool(late)


def test_an_empty_brand_is_told_to_add_the_first(empty: Visitor) -> None:
    text = empty.get(ROOT)
    assert "No campaign yet." in text
    assert "Add the campaign" in text


def test_a_panel_that_fails_leaves_budget_and_goals(
    installation: Installation, demo: Visitor
) -> None:
    launch = campaigns_of(installation, demo)["New harvest launch"]["id"]
    text = demo.get(f"{ROOT}/{launch}?filter.platform=nowhere")
    assert "is no platform of this workspace" in text
    assert "Spent so far" in text
    assert "Launch within budget" in text


def test_a_campaign_of_another_brand_is_not_found(
    installation: Installation, demo: Visitor, empty: Visitor
) -> None:
    launch = campaigns_of(installation, demo)["New harvest launch"]["id"]
    assert "there is no campaign" in empty.get(f"{ROOT}/{launch}", 404)


def test_a_campaign_is_added_corrected_and_archived(
    dashboard: str, new_brand: Callable[[], Brand]
) -> None:
    brand = new_brand()
    with Visitor(dashboard, brand.key) as visitor:
        days = {"starts_on": "2026-01-01", "ends_on": "2026-12-31"}
        added = visitor.send(
            ROOT, ROOT, name="Winter", objective="sales", budget="1500.50", currency="USD", **days
        )
        assert added.status_code == 303
        page = added.headers["location"]
        text = visitor.get(page)
        for told in ("Winter", "The campaign is added.", "$1,500.50", "1 Jan 2026 to 31 Dec 2026"):
            assert told in text
        id_ = page.partition("?")[0].rpartition("/")[2]
        brand.create("costs", kind="fee", amount="500.50", currency="USD", campaign_id=id_)
        path = f"{ROOT}/{id_}"
        foot = {one["kind"]: one["amount"] for one in visitor.csv(f"{path}.csv?panel=spend")}
        assert foot == {
            "fee": "500.50", "Spent so far": "500.50", "Budget": "1500.50", "Left": "1000.00",
        }  # fmt: skip
        fields = {"name": "Winter 2", "objective": "", "budget": "", "currency": "USD"}
        corrected = visitor.send(path, path, starts_on="", ends_on="", **fields)
        assert corrected.status_code == 303
        text = visitor.get(path)
        assert "Winter 2" in text
        assert "$1,500.50" not in text
        gone = visitor.send(f"{path}/archive", path)
        assert gone.status_code == 303
        assert "The campaign is archived." in visitor.get(gone.headers["location"])


@pytest.mark.parametrize(
    ("field", "typed"), [("ends_on", "2026-01-01"), ("budget", "much"), ("currency", "EURO")]
)
def test_a_wrong_field_is_named_and_everything_typed_is_kept(
    dashboard: str, new_brand: Callable[[], Brand], field: str, typed: str
) -> None:
    right = {"ends_on": "2026-03-03", "budget": "12.50", "currency": "EUR"}
    with Visitor(dashboard, new_brand().key) as visitor:
        fields = {"name": "Winter", "starts_on": "2026-02-02", **right, field: typed}
        answer = visitor.send(ROOT, ROOT, **fields)
        assert answer.status_code == 422
        assert re.findall(r'id="field-([a-z_]+)-error"', answer.text) == [field]
        for value in fields.values():
            assert f'value="{value}"' in answer.text


def test_a_forged_form_and_a_read_key_add_nothing(
    installation: Installation, demo: Visitor, reader: Visitor
) -> None:
    assert demo.client.post(ROOT, data={"csrf": "x", "name": "Forged"}).status_code == 403
    launch = campaigns_of(installation, demo)["New harvest launch"]["id"]
    for address in (ROOT, f"{ROOT}/{launch}"):
        assert f'method="post" action="{ROOT}' not in reader.get(address)
        refused = reader.send(address, address, name="Forged")
        assert refused.status_code == 403
        assert "Your key may not do this" in refused.text
    assert "Forged" not in demo.get(ROOT)
