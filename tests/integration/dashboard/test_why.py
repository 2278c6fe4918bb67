"""Why: from a figure to its entries, from an entry to its order, and nothing is lost on the way."""

import html
import re
from decimal import Decimal

import pytest

from tests.e2e.installation import Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

_WHY = re.compile(r'href="(/app/why\?[^"]+)"[^>]*aria-label="([^:"]+): ([^"]+), how it is made"')
PAGES = (
    "/app/overview",
    "/app/overview?model=linear&filter.platform=instagram",
    "/app/links",
    "/app/goals",
)


@pytest.mark.parametrize("page", PAGES)
def test_each_figure_leads_to_itself(demo: Visitor, page: str) -> None:
    found = set(_WHY.findall(html.unescape(demo.get(page))))
    assert found or page == "/app/goals"
    for address, label, text in sorted(found)[::7]:
        opened = html.unescape(demo.get(address))
        shown = re.search(r'<p class="number[^"]*">([^<]*)</p>', opened)
        assert shown is not None, address
        assert shown[1] == text, f"{label} at {address}"


def test_the_entries_sum_to_the_figure_and_lead_to_orders(
    installation: Installation, demo: Visitor
) -> None:
    roi = installation.client("roi", demo.key)
    creator = roi.get("/v1/roi", params={"group_by": "creator"}).json()["rows"][0]
    query = f"metric=net_revenue&filter.creator={creator['group']['creator']}"
    amounts, cursor = [], ""
    while True:
        address = f"/app/why?{query}{cursor}"
        lines = demo.csv(address.replace("/app/why?", "/app/why.csv?"))
        amounts += [Decimal(line["net_revenue"]) for line in lines if line["line"] == "row"]
        total = next(Decimal(line["net_revenue"]) for line in lines if line["line"] == "total")
        following = re.search(r'rel="next" href="[^"]*cursor=([^"&]+)', demo.get(address))
        if following is None:
            break
        cursor = f"&cursor={following[1]}"
    told = Decimal(creator["measures"]["net_revenue"]["amount_minor"]).scaleb(-2)
    assert sum(amounts) == total == told


def test_a_computed_figure_shows_its_parts(demo: Visitor) -> None:
    text = html.unescape(demo.get("/app/why?metric=roi&filter.part=program"))
    assert "sums no entries itself" in text
    for word in ("metric=net_revenue", "metric=cost"):
        assert f"{word}" in text


def test_an_unknown_word_is_a_page(demo: Visitor) -> None:
    assert "There is no figure" in demo.get("/app/why?metric=happiness", 404)
