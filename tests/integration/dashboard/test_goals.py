"""Goals: what the page shows is what the API says; setting, correcting and archiving one."""

import html
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.installation import Brand, Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

TODAY = datetime.now(UTC).date()
GOAL = {
    "name": "Sales <of> spring",
    "metric": "net_revenue",
    "target": "12000.50",
    "currency": "EUR",
    "starts_on": (TODAY - timedelta(days=3)).isoformat(),
    "ends_on": (TODAY + timedelta(days=30)).isoformat(),
    "direction": "at_least",
    "scope": "",
}


def test_each_goal_is_shown_as_the_api_tells_it(installation: Installation, demo: Visitor) -> None:
    roi = installation.client("roi", demo.key)
    told = roi.get("/v1/exports/goals.json").json()["items"]
    lines = {line["goal"]: line for line in demo.csv("/app/goals.csv")}
    assert set(lines) == {goal["name"] for goal in told}
    for goal in told:
        line = lines[goal["name"]]
        assert line["status"] == goal["status"]
        if isinstance(goal["target"], dict):
            assert line["target"] == f"{goal['target']['amount_minor'] / 100:.2f}"
        text = demo.get(f"/app/goals/{goal['goal_id']}")
        assert goal["name"] in text
        history = demo.csv(f"/app/goals/{goal['goal_id']}.csv")
        progress = roi.get(f"/v1/goals/{goal['goal_id']}/progress").json()
        assert [line["on"] for line in history] == [one["on"] for one in progress["history"]]


def test_a_goal_is_set_corrected_and_archived(
    new_brand: Callable[[], Brand], dashboard: str
) -> None:
    brand = new_brand()
    with Visitor(dashboard, brand.key) as visitor:
        made = visitor.send("/app/goals", "/app/goals", **GOAL)
        assert made.status_code == 303, made.text
        page = made.headers["location"].partition("?")[0]
        goal_id = page.rpartition("/")[2]
        stored = brand.roi.get(f"/v1/goals/{goal_id}").json()
        assert stored["target"] == {"amount_minor": 1_200_050, "currency": "EUR"}
        text = visitor.get(made.headers["location"])
        assert "Sales &lt;of&gt; spring" in text
        assert "The goal is set." in text
        share = {**GOAL, "metric": "roi", "target": "0.25", "currency": "EUR"}
        corrected = visitor.send(page, page, **share)
        assert corrected.status_code == 303, corrected.text
        assert brand.roi.get(f"/v1/goals/{goal_id}").json()["target"] == 0.25
        gone = visitor.send(f"{page}/archive", page)
        assert gone.status_code == 303, gone.text
        assert brand.roi.get(f"/v1/goals/{goal_id}").json()["deleted_at"] is not None
        assert "No goal yet." in visitor.get("/app/goals")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"target": "many"}, "target"),
        ({"target": ""}, "target"),
        ({"metric": "clicks", "target": "nan"}, "target"),
        ({"metric": "roi", "target": "-inf"}, "target"),
        ({"ends_on": "2020-01-01"}, "ends_on"),
        ({"currency": "EURO"}, "currency"),
    ],
)
def test_a_wrong_form_comes_back_with_what_was_typed(
    demo: Visitor, wrong: dict[str, str], field: str
) -> None:
    answer = demo.send("/app/goals", "/app/goals", **{**GOAL, **wrong})
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    assert f'id="field-{field}-error"' in text
    assert 'value="Sales <of> spring"' in text


def test_a_forged_form_changes_nothing(demo: Visitor) -> None:
    answer = demo.client.post("/app/goals", data={**GOAL, "csrf": "x"})
    assert answer.status_code == 403
    assert "Sales &lt;of&gt; spring" not in demo.get("/app/goals")


def test_a_reader_sees_goals_and_no_form(reader: Visitor) -> None:
    text = reader.get("/app/goals")
    assert "Sales of the month" in text
    assert "Set a goal" not in text
    refused = reader.client.post("/app/goals", data=GOAL)
    assert refused.status_code == 403
