"""The first run: from an empty workspace to the first own click on the page, in a real browser.

The test follows what the pages say, and nothing else.
"""

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.installation import Installation, eventually
from tests.fixtures.accessibility import barriers
from tests.fixtures.browser import chromium
from tests.integration.dashboard.conftest import key_of
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

START: Final = "/app/start"
# From the first page to the first own click on it; the start of `make run` is not in it.
CLICK_SECONDS_MAX: Final = 60
BRAND: Final = {
    "step": "brand",
    "name": "typed & kept",
    "currency": "EUR",
    "time_zone": "UTC",
    "margin": "0.4",
}
LINK: Final = {"step": "link", "creator": "Mia & Co", "destination": "https://shop.example/bag"}


@pytest.fixture
def fresh(installation: Installation, dashboard: str) -> Iterator[Visitor]:
    """A visitor of a workspace without anything, not even a connection."""
    key = key_of(installation, f"start-{uuid.uuid4().hex[:8]}", "admin")
    with Visitor(dashboard, key) as visitor:
        yield visitor


def test_an_empty_brand_has_the_first_steps_on_its_overview(fresh: Visitor) -> None:
    text = fresh.get("/app/overview")
    assert "0 of 5 steps done" in text
    assert f'href="{START}#brand"' in text


def test_a_brand_with_figures_has_no_first_steps(demo: Visitor) -> None:
    assert "steps done" not in demo.get("/app/overview")
    assert "5 of 5 steps done" in demo.get(START)


def test_each_step_is_told_by_the_api(installation: Installation, fresh: Visitor) -> None:
    roi = installation.client("roi", fresh.key)
    name = f"start-{uuid.uuid4().hex[:8]}"
    assert fresh.send(START, START, **{**BRAND, "name": name}).status_code == 303
    assert roi.get("/v1/workspace").json()["name"] == name
    assert [one["margin"] for one in roi.get("/v1/policies").json()["items"]] == [0.4]
    assert "1 of 5 steps done" in fresh.get(START)
    assert fresh.send(START, START, **LINK).status_code == 303
    assert [one["name"] for one in roi.get("/v1/creators").json()["items"]] == ["Mia & Co"]
    link = roi.get("/v1/links").json()["items"][0]
    text = fresh.get(START)
    assert link["short_url"] in text
    assert "Waiting for the first click" in text
    order = {
        "order_id": "1",
        "net": "1.00",
        "currency": "EUR",
        "occurred_at": "2026-11-01T00:00:00Z",
    }
    installation.client("tracking", fresh.key).post("/v1/conversions", json=order)
    eventually(lambda: "3 of 5 steps done" in fresh.get(START), what="the order is seen")
    goal = {"step": "goal", "metric": "net_revenue", "target": "12.50", "ends_on": "2030-01-01"}
    assert fresh.send(START, START, **goal).status_code == 303
    stored = roi.get("/v1/goals").json()["items"][0]
    assert stored["target"] == {"amount_minor": 1_250, "currency": "EUR"}
    assert "4 of 5 steps done" in fresh.get(START)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({**BRAND, "margin": ""}, "margin"),
        ({**BRAND, "margin": "40"}, "margin"),
        ({**BRAND, "time_zone": "Mars"}, "time_zone"),
        ({**LINK, "creator": ""}, "creator"),
        ({**LINK, "destination": "shop"}, "destination"),
        ({"step": "goal", "metric": "clicks", "target": "many", "ends_on": "2030-01-01"}, "target"),
    ],
)
def test_a_wrong_step_is_refused_at_its_field(
    fresh: Visitor, form: dict[str, str], field: str
) -> None:
    if "name" in form:
        form = {**form, "name": f"typed & {uuid.uuid4().hex[:8]}"}
    answer = fresh.send(START, START, **form)
    assert answer.status_code == 422
    assert f'id="field-{field}-error"' in answer.text
    for typed in form.values():
        assert typed.replace("&", "&amp;") in answer.text


def test_a_link_that_was_refused_makes_no_second_creator(
    installation: Installation, fresh: Visitor
) -> None:
    refused = fresh.send(START, START, **{**LINK, "destination": "shop"})
    found = re.search(r'name="creator_id" value="([^"]+)"', refused.text)
    assert found is not None
    again = fresh.send(START, START, **LINK, creator_id=found[1])
    assert again.status_code == 303, again.text
    roi = installation.client("roi", fresh.key)
    assert len(roi.get("/v1/creators").json()["items"]) == 1
    assert roi.get("/v1/links").json()["items"][0]["creator_id"] == found[1]


def test_a_forged_step_changes_nothing(fresh: Visitor) -> None:
    assert fresh.client.post(START, data={**LINK, "csrf": "x"}).status_code == 403
    assert "0 of 5 steps done" in fresh.get(START)


def test_a_reader_sees_how_far_it_is_and_no_form(
    installation: Installation, dashboard: str
) -> None:
    key = key_of(installation, f"start-{uuid.uuid4().hex[:8]}", "read")
    with Visitor(dashboard, key) as reader:
        text = reader.get(START)
        assert "0 of 5 steps done" in text
        assert re.findall(r'<form[^>]*action="([^"]+)"', text) == ["/app/sign-out"]
        assert reader.client.post(START, data=LINK).status_code == 403


@pytest.mark.browser
async def test_from_nothing_to_the_first_own_click(
    installation: Installation, fresh: Visitor, tmp_path: Path
) -> None:
    chromium()
    async with fresh.browser(tmp_path / "profile") as visit:
        page, began = visit.page, time.monotonic()
        await visit.open("/app/overview")
        assert await barriers(page) == []
        await page.get_by_role("link", name="Say what your brand is").click()
        await page.get_by_label("Name of the brand").fill(f"start-{uuid.uuid4().hex[:8]}")
        await page.get_by_label("Margin").fill("0.4")
        await page.get_by_role("button", name="Save my brand").click()
        await page.get_by_text("1 of 5 steps done").wait_for()
        await page.get_by_label("Name of the creator").fill("Mia")
        await page.get_by_label("Page that the link leads to").fill(f"{fresh.url}/health/live")
        await page.get_by_role("button", name="Make the link").click()
        await page.get_by_text("Waiting for the first click").wait_for()
        assert await barriers(page) == []
        async with page.context.expect_page() as opened:
            await page.get_by_role("link", name="Open my link").click()
        tab: Any = await opened.value
        await tab.wait_for_url(f"{fresh.url}/health/live?*")
        await tab.close()
        await page.bring_to_front()
        await page.get_by_text("Your click is here").wait_for(timeout=CLICK_SECONDS_MAX * 1_000)
        seconds = time.monotonic() - began
        assert seconds <= CLICK_SECONDS_MAX, f"{seconds:.1f} s"
        assert await barriers(page) == []
        assert await visit.troubles() == []
        await page.get_by_role("link", name="See it on the overview").click()
        await page.get_by_role("heading", name="Overview").wait_for()
        text = await page.locator("main").inner_text()
        assert "3 of 5 steps done" in text, "a shop and a goal are left to do"
        assert "Mia" in text
    roi = installation.client("roi", fresh.key)
    answer: dict[str, Any] = roi.get("/v1/roi", params={"metrics": "clicks"}).json()
    assert answer["totals"]["clicks"] == 1
