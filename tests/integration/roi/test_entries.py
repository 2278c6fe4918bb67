"""The entries behind a figure: over all pages they add up to it, for every row of random brands."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.roi.answers.answering import read_input
from services.roi.answers.dictionary import DIMENSIONS, MEASURES, METRICS
from services.roi.answers.entry_listing import cost_page, ledger_page, opened
from services.roi.answers.entry_question import (
    SUMMED,
    EntryParameters,
    continued,
    entry_question,
    figure_of,
)
from services.roi.answers.entry_shapes import EntryList, encode_entries
from services.roi.answers.entry_sql import page_of_entries
from services.roi.answers.kinds import Fact
from services.roi.answers.plan import Shape
from shared.api.shapes import encode_cursor
from shared.credits import ORGANIC
from shared.http.problems import Problem
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_service import brand_running
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_answers_hold import (
    RAW_COLUMNS,
    a_brand,
    arguments,
    by_currency,
    explain,
)

DAYS = {"from": "2026-01-01", "to": "2026-12-31"}


async def page(roi: RoiWorkspace, **query: Any) -> dict[str, Any]:
    """Return one page, as the route makes it, checked against the OpenAPI document."""
    asked = EntryParameters.model_validate(DAYS | query)
    figure, question = figure_of(asked), entry_question(asked)
    continuing, before = continued(asked)
    async with roi.database.read([roi.workspace_id]) as conn:
        given = await read_input(conn, roi.workspace_id, roi.now, continuing, question)
        found = opened(given, figure)
        if given.read.plan.facts:
            listed = await ledger_page(conn, found, before, asked.limit)
        else:
            listed = cost_page(found, before, asked.limit)
    body = encode_entries(found, listed)
    EntryList.model_validate_json(body)
    decoded: dict[str, Any] = json.loads(body)
    return decoded


async def every_page(roi: RoiWorkspace, **query: Any) -> tuple[list[dict[str, Any]], Any]:
    """Return the entries of all pages, and their sum."""
    first = await page(roi, **query)
    items, cursor = first["items"], first["next_cursor"]
    while cursor is not None:
        more = await page(roi, **query, cursor=cursor)
        assert more["sum"] == first["sum"]
        assert more["meta"] == first["meta"]
        items, cursor = items + more["items"], more["next_cursor"]
    return items, first["sum"]


def without_zeros(metric: str, *values: Any) -> Counter[str]:
    """Return values of a metric, added up by currency."""
    found: Counter[str] = Counter()
    for value in values:
        found.update(by_currency(value, METRICS[metric].unit))
    return Counter({currency: number for currency, number in found.items() if number})


def identity(item: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(item.get(name) for name in ("sequence", "position", "cost_id", "account"))


async def check(roi: RoiWorkspace, metric: str, figure: Any, **query: Any) -> None:
    """The entries of a figure add up to it, and none comes twice."""
    items, total = await every_page(roi, metric=metric, limit=7, **query)
    assert without_zeros(metric, *(item["value"] for item in items)) == without_zeros(
        metric, total
    ), query
    assert without_zeros(metric, total) == without_zeros(metric, figure), query
    assert len({identity(item) for item in items}) == len(items)


@pytest.mark.parametrize("seed", range(3))
async def test_the_entries_of_every_row_add_up_to_its_figure(
    database_for: DatabaseFactory, seed: int
) -> None:
    brand = await a_brand(await database_for("roi"), 500 + seed, time_zone="Asia/Kathmandu")
    roi, chance = brand.roi, brand.chance
    for index in range(16):
        names = [list(DIMENSIONS)[(seed + index * 3) % len(DIMENSIONS)]]
        names += chance.sample([name for name in DIMENSIONS if name not in names], index % 2)
        query: dict[str, Any] = {"group_by": ",".join(names)}
        query["by"] = chance.choice(["conversion_time", "touch_time"])
        filters = chance.choice([{}, {"customer": "-new"}, {"platform": "-"}])
        as_of = chance.choice([None, roi.now - timedelta(days=2)])
        answer = await roi.ask(query["group_by"], by=query["by"], as_of=as_of, filters=filters)
        query |= {f"filter.{name}": text for name, text in filters.items()}
        query |= {"as_of": as_of.isoformat()} if as_of else {}
        for row in chance.sample(answer["rows"], min(4, len(answer["rows"]))):
            group = {f"group.{name}": value or "" for name, value in row["group"].items()}
            for metric in SUMMED:
                figure = row["measures"][metric]
                await check(roi, metric, figure, **query, **group, label=row["label"])
        if "model" not in names:
            for part in ("program", "brand", "organic", "overhead", "totals"):
                metric = chance.choice(SUMMED)
                await check(roi, metric, answer[part][metric], **query, part=part)


async def test_an_entry_tells_where_it_comes_from(database_for: DatabaseFactory) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    mia = await roi.creator("Mia")
    reel = await roi.placement(mia)
    order = roi.order(150, NOON, {reel: (100, NOON), ORGANIC: (50, None)}, slot={"code": "SPRING"})
    await roi.fold(order, roi.clicks(reel, NOON, 3))
    cost = await roi.cost(40, "2026-03-10", creator_id=mia)
    (credit,) = (await page(roi, **{"group.creator": mia}))["items"]
    assert (credit["entry"], credit["account"], credit["code"]) == ("credit", reel, "SPRING")
    assert credit["conversion_id"] == order.conversion_id
    assert credit["value"] == {"amount_minor": 100, "currency": "EUR"}
    (organic,) = (await page(roi, part="organic"))["items"]
    assert organic["account"] == ORGANIC
    (click,) = (await page(roi, metric="clicks"))["items"]
    assert (click["entry"], click["value"]) == ("touches", 3)
    spent = await page(roi, metric="cost", **{"group.creator": mia})
    assert {item["account"] for item in spent["items"]} > {reel}
    assert {item["cost_id"] for item in spent["items"]} == {cost}
    assert sum(item["value"]["amount_minor"] for item in spent["items"]) == 40
    assert spent["sum"] == spent["items"][0]["amount"]


async def test_pages_stay_at_the_moment_and_the_days_of_the_first(
    database_for: DatabaseFactory,
) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    reel = await roi.placement(await roi.creator("Mia"))
    for number in range(5):
        await roi.fold(roi.order(100 + number, NOON, {reel: (100 + number, NOON)}))
    first = await page(roi, limit=2)
    await roi.fold(roi.order(7, NOON, {reel: (7, NOON)}))
    second = await page(roi, limit=200, cursor=first["next_cursor"])
    values = [item["value"]["amount_minor"] for item in first["items"] + second["items"]]
    assert values == [104, 103, 102, 101, 100]
    assert first["sum"] == second["sum"] == {"amount_minor": 510, "currency": "EUR"}
    assert (await page(roi))["sum"]["amount_minor"] == 517


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"metric": "profit"}, "metric: send one of "),
        ({"metric": "contribution_at_purchase"}, "metric: send one of "),
        ({"currency": "EUR"}, "currency: entries have their own"),
        ({"cost_view": "cash", "metric": "cost"}, "cost_view: entries are opened for"),
        ({"metrics": "roi"}, "metrics: belongs to answers"),
        ({"compare": "year"}, "compare: belongs to answers"),
        ({"order": "lower_bound"}, "order: belongs to answers"),
        ({"label": "Mia"}, "label: names a row"),
        ({"group.day": "2026-03-10"}, "group.creator: is required"),
        ({"group.creator": "", "group.day": ""}, "group.day: is no dimension"),
        ({"group_by": "model"}, "model: send one"),
        ({"group_by": "model", "group.model": "best"}, "group.model: is no model"),
        ({"cursor": "x"}, "cursor: is not a cursor"),
    ],
)
async def test_what_names_no_figure_is_refused(
    database_for: DatabaseFactory, query: dict[str, str], message: str
) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    with pytest.raises(Problem, match=message):
        await page(roi, **query)


@pytest.mark.parametrize("fact", [Fact.CREDITS, Fact.TOUCHES])
@pytest.mark.parametrize("by", ["conversion_time", "touch_time"])
async def test_a_page_is_read_by_an_index(
    database_for: DatabaseFactory, fresh_database: str, fact: Fact, by: str
) -> None:
    measure = MEASURES["net_revenue" if fact is Fact.CREDITS else "clicks"]
    shape = Shape(fact, (), 1, by, (measure,), RAW_COLUMNS, True, (), True)
    statement = page_of_entries(shape)
    given = arguments(new_id()) | {
        "chosen_account": [new_id()],
        "chosen_segment": [1],
        **{f"chosen_{name}": ["1"] for name in RAW_COLUMNS},
        "before_at": NOON,
        "before_sequence": 1,
        "before_position": 1,
        "page_rows": 51,
    }
    database = await database_for("roi", url=fresh_database)
    plan = await explain(database, statement.text, tuple(statement.arguments(**given)))
    assert not [line for line in plan if "Seq Scan" in line], "\n".join(plan)


async def test_days_that_no_page_has_are_a_fault_of_the_cursor(owner_url: str) -> None:
    moment = NOON.isoformat()
    async with brand_running(owner_url) as brand:
        for days in (("2026-01-01", moment), ("2026-03-02", "2026-03-01"), (moment, moment)):
            cursor = encode_cursor(moment, *days, moment, 4, 1)
            refused = await brand.refused("GET", f"/v1/entries?cursor={cursor}")
            assert (refused.status, list(refused.errors)) == (422, ["cursor"]), days
            named = await brand.refused("GET", "/v1/entries?from=2026-03-02&to=2026-03-01")
            assert (named.status, list(named.errors)) == (422, ["from"])
