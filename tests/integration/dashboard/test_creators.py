"""Creators and a creator: rows = headline = chart = file = API; the forms add, correct, archive."""

import html
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest

from tests.e2e.installation import Brand, Installation
from tests.integration.dashboard.site import Visitor

pytestmark = [pytest.mark.xdist_group("installation")]

ROOT: Final = "/app/creators"
QUERIES: Final = ("", "model=linear&from=all", "filter.platform=instagram")


def major(amount: dict[str, Any]) -> Decimal:
    return Decimal(amount["amount_minor"]).scaleb(-2)


def shown(value: Decimal) -> str:
    return f"{'-' if value < 0 else ''}€{abs(value):,.2f}"


def asked(query: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in query.split("&") if part) | {"currency": "EUR"}


def creators_of(installation: Installation, visitor: Visitor) -> dict[str, str]:
    """Return the ids of creators by name."""
    answer = installation.client("roi", visitor.key).get("/v1/creators", params={"limit": 200})
    return {one["name"]: one["id"] for one in answer.json()["items"]}


@pytest.mark.parametrize("query", QUERIES)
def test_the_ranking_is_the_answer_to_the_cent(
    installation: Installation, demo: Visitor, query: str
) -> None:
    roi = installation.client("roi", demo.key)
    answer = roi.get("/v1/roi", params={"group_by": "creator", **asked(query)}).json()
    text = html.unescape(demo.get(f"{ROOT}?{query}"))
    lines = demo.csv(f"{ROOT}.csv?panel=creators&{query}")
    told = {line["label"]: line for line in lines}
    for row in answer["rows"]:
        value = major(row["measures"]["net_revenue"])
        assert Decimal(told[row["label"]]["net_revenue"]) == value
        assert shown(value) in text
        assert row["label"] in text
    rows = [Decimal(one["net_revenue"] or 0) for one in lines if one["line"] != "total"]
    assert sum(rows) == major(answer["totals"]["net_revenue"])
    assert Decimal(told["All together"]["net_revenue"]) == sum(rows)


def test_the_lower_end_of_the_interval_ranks_where_it_is_asked_for(
    installation: Installation, demo: Visitor
) -> None:
    roi = installation.client("roi", demo.key)
    answer = roi.get(
        "/v1/roi",
        params={"group_by": "creator", "metrics": "net_revenue", "order": "lower_bound"},
    ).json()
    lines = demo.csv(f"{ROOT}.csv?panel=creators&order=lower_bound")
    expected = [row["label"] for row in answer["rows"]]
    assert [line["label"] for line in lines][: len(expected)] == expected
    text = demo.get(f"{ROOT}?order=lower_bound")
    assert "too few to rank" in text
    low = next(row for row in answer["rows"] if row["intervals"]["net_revenue"])
    assert shown(major(low["intervals"]["net_revenue"][0])) in text


def test_bars_and_table_are_of_one_answer(demo: Visitor) -> None:
    text = html.unescape(demo.get(ROOT))
    bars = dict(re.findall(r'role="listitem" aria-label="([^":]+): (€[^"]+)"', text))
    lines = demo.csv(f"{ROOT}.csv?panel=creators")
    rows = {one["label"]: one["net_revenue"] for one in lines if one["line"] == "row"}
    assert bars
    assert len(bars) == min(10, len(rows))
    for name, drawn in bars.items():
        assert drawn == shown(Decimal(rows[name]))


@pytest.mark.parametrize("split", ["platform", "tier", "country"])
def test_a_row_of_the_split_filters_the_page(demo: Visitor, split: str) -> None:
    text = demo.get(f"{ROOT}?split={split}")
    links = re.findall(rf'href="([^"]*filter\.{split}=[^"]*)">', text)
    assert links
    address = html.unescape(links[0])
    filtered = demo.get(address)
    assert "Remove the filter" in filtered
    row = demo.csv(f"{ROOT}.csv?panel=split&split={split}")[0]
    query = address.partition("?")[2]
    total = demo.csv(f"{ROOT}.csv?panel=creators&{query}")[-1]
    assert (total["label"], total["net_revenue"]) == ("All together", row["net_revenue"])


@pytest.mark.parametrize("metric", ["net_revenue", "cost"])
def test_headline_chart_content_and_ranking_of_a_creator_agree(
    installation: Installation, demo: Visitor, metric: str
) -> None:
    ranking = {one["label"]: one for one in demo.csv(f"{ROOT}.csv?panel=creators")}
    for name, id_ in creators_of(installation, demo).items():
        told = Decimal(ranking[name][metric])
        text = demo.get(f"{ROOT}/{id_}?metric={metric}")
        tab = re.search(r'<li class="current">.*?</li>', text, re.DOTALL)
        assert tab is not None
        assert shown(told) in tab[0]
        for panel in ("trend", "content"):
            lines = demo.csv(f"{ROOT}/{id_}.csv?panel={panel}&metric={metric}")
            rows = [Decimal(one[metric] or 0) for one in lines if one["line"] != "total"]
            assert sum(rows) == told, panel
            assert [Decimal(one[metric]) for one in lines if one["line"] == "total"] == [told]


def test_links_of_a_creator_have_all_clicks(installation: Installation, demo: Visitor) -> None:
    for name, id_ in creators_of(installation, demo).items():
        lines = demo.csv(f"{ROOT}/{id_}.csv?panel=links")
        ranking = {one["label"]: one for one in demo.csv(f"{ROOT}.csv?panel=creators")}
        clicks = [int(one["clicks"] or 0) for one in lines if one["line"] != "total"]
        assert sum(clicks) == int(ranking[name]["clicks"])


def test_costs_of_a_creator_are_those_that_name_it(
    installation: Installation, demo: Visitor
) -> None:
    costs = installation.client("roi", demo.key).get("/v1/exports/costs.json").json()["items"]
    for id_ in creators_of(installation, demo).values():
        named = [one for one in costs if one["creator_id"] == id_]
        lines = demo.csv(f"{ROOT}/{id_}.csv?panel=costs")
        found = [Decimal(one["amount"]) for one in lines if one["line"] == "row"]
        for one in named:
            assert major(one["amount"]) in found
        sums = [Decimal(one["amount"]) for one in lines if one["line"] == "total"]
        assert sum(sums) == sum(found)


def test_an_empty_brand_is_told_to_add_the_first(empty: Visitor) -> None:
    text = empty.get(ROOT)
    assert "No creator yet." in text
    assert "Add the creator" in text


def test_a_filter_that_leaves_nothing_offers_to_clear_it(demo: Visitor) -> None:
    text = demo.get(f"{ROOT}?from=2020-01-01&to=2020-01-31&filter.platform=instagram")
    assert "Nothing matches." in text
    assert "Clear the filters" in text


def test_a_creator_of_another_brand_is_not_found(
    installation: Installation, demo: Visitor, empty: Visitor
) -> None:
    id_ = next(iter(creators_of(installation, demo).values()))
    assert "there is no creator" in empty.get(f"{ROOT}/{id_}", 404)


def test_a_creator_is_added_corrected_and_archived(
    dashboard: str, new_brand: Callable[[], Brand]
) -> None:
    with Visitor(dashboard, new_brand().key) as visitor:
        added = visitor.send(
            ROOT, ROOT, name="Ida <Å>", handle="@ida", platform="TikTok", followers="12,500",
            country="no", topics="ski, tea",
        )  # fmt: skip
        assert added.status_code == 303
        page = added.headers["location"]
        text = html.unescape(visitor.get(page))
        for told in ("Ida <Å>", "The creator is added.", "tiktok @ida (12,500)", "ski, tea"):
            assert told in text
        listed = visitor.csv(f"{ROOT}.csv?panel=creators")
        assert (listed[0]["label"], listed[0]["net_revenue"]) == ("Ida <Å>", "")
        path = page.partition("?")[0]
        fields = {"name": "Ida", "handle": "", "platform": "", "followers": "", "country": ""}
        corrected = visitor.send(path, path, topics="", **fields)
        assert corrected.status_code == 303
        assert "12,500" not in visitor.get(path)
        gone = visitor.send(f"{path}/archive", path)
        assert gone.status_code == 303
        assert "The creator is archived." in visitor.get(gone.headers["location"])
        assert visitor.csv(f"{ROOT}.csv?panel=creators")[0]["label"] != "Ida"


@pytest.mark.parametrize("typed", ["many", "9" * 5_000])
def test_a_wrong_field_is_named_and_everything_typed_is_kept(
    dashboard: str, new_brand: Callable[[], Brand], typed: str
) -> None:
    with Visitor(dashboard, new_brand().key) as visitor:
        answer = visitor.send(
            ROOT, ROOT, name="Ida", handle="@ida", platform="tiktok", followers=typed,
            country="Norway",
        )  # fmt: skip
        assert answer.status_code == 422
        for field in ("followers", "country"):
            assert f'id="field-{field}-error"' in answer.text
        assert f'value="{typed}"' in answer.text
        assert 'value="Norway"' in answer.text
        assert visitor.csv(f"{ROOT}.csv?panel=creators")[0]["label"] != "Ida"


def test_a_forged_form_adds_nobody(demo: Visitor) -> None:
    answer = demo.client.post(ROOT, data={"csrf": "x", "name": "Eve"})
    assert answer.status_code == 403
    assert "Eve" not in demo.get(ROOT)


def test_a_read_key_is_offered_no_write_and_refused_one(
    installation: Installation, demo: Visitor, reader: Visitor
) -> None:
    page = f"{ROOT}/{next(iter(creators_of(installation, demo).values()))}"
    for address in (ROOT, page):
        assert f'method="post" action="{ROOT}' not in reader.get(address)
        refused = reader.send(address, address, name="Eve")
        assert refused.status_code == 403
        assert "Your key may not do this" in refused.text
