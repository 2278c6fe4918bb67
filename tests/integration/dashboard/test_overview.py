"""Overview: headline = sum of the chart = sum of the table = file = API, to the cent."""

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

QUERIES = (
    "",
    "model=linear",
    "from=all",
    "filter.platform=instagram&filter.customer=new&model=first",
)


def major(amount: dict[str, Any]) -> Decimal:
    return Decimal(amount["amount_minor"]).scaleb(-2)


def asked(query: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in query.split("&") if part) | {"currency": "EUR"}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("metric", ["net_revenue", "profit", "cost"])
def test_headline_chart_table_file_and_api_agree(
    installation: Installation, demo: Visitor, query: str, metric: str
) -> None:
    roi = installation.client("roi", demo.key)
    answer = roi.get("/v1/roi", params={"group_by": "creator", **asked(query)}).json()
    told = major(answer["program"][metric])
    text = demo.get(f"/app/overview?metric={metric}&{query}")
    shown = f"{'-' if told < 0 else ''}€{abs(told):,.2f}"
    tab = re.search(r'<li class="current">.*?</li>', text, re.DOTALL)
    assert tab is not None
    assert shown in tab[0]
    trend = demo.csv(f"/app/overview.csv?panel=trend&metric={metric}&{query}")
    points = [Decimal(line[metric]) for line in trend if line["line"] == "row"]
    assert sum(points) == told
    assert [Decimal(line[metric]) for line in trend if line["line"] == "total"] == [told]
    creators = demo.csv(f"/app/overview.csv?panel=creators&metric={metric}&{query}")
    rows = [Decimal(line[metric]) for line in creators if line["line"] in ("row", "unallocated")]
    foot = {line["label"]: Decimal(line[metric] or 0) for line in creators}
    assert foot["Program"] == told
    assert sum(rows) + foot.get("Organic: no creator", 0) == foot["All together"]
    assert foot["All together"] == major(answer["totals"][metric])


def test_every_figure_of_a_file_is_on_the_page(demo: Visitor) -> None:
    text = demo.get("/app/overview")
    for line in demo.csv("/app/overview.csv?panel=creators"):
        amount = Decimal(line["net_revenue"])
        assert f"{'-' if amount < 0 else ''}€{abs(amount):,.2f}" in text, line


def test_an_empty_brand_is_told_what_to_do(empty: Visitor) -> None:
    text = empty.get("/app/overview")
    assert "Nothing in this period yet." in text
    assert "Make a link" in text


def test_a_filter_that_leaves_nothing_offers_to_clear_it(demo: Visitor) -> None:
    days = "from=2020-01-01&amp;to=2020-01-31"
    text = demo.get("/app/overview?from=2020-01-01&to=2020-01-31&filter.platform=instagram")
    assert "Nothing matches." in text
    assert f'href="/app/overview?{days}">Clear the filters' in text


def test_a_panel_that_fails_says_why_and_leaves_the_others(demo: Visitor) -> None:
    text = demo.get("/app/overview?filter.platform=nowhere")
    assert "is no platform of this workspace" in text
    assert "Sales of the month" in text
