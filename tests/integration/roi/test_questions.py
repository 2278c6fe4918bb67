"""What a question may choose: filters by every dimension, metrics, the first event, a comparison.

Random brands are asked. A filter is checked against the row of the same value, and against its
opposite: both together are everything.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.roi.answers.dictionary import DIMENSIONS, METRICS
from services.roi.answers.period import FIRST_EVENT
from services.roi.answers.sizes import AnswerRefused
from services.roi.answers.values import Unit
from shared.credits import ORGANIC
from shared.http.problems import Problem
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.catalog_facts import placement_facts
from tests.integration.roi.random_brand import Brand
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace, labels, plain
from tests.integration.roi.test_answers_hold import a_brand, by_currency, check_sums, explain

# Profit is rounded to whole minor units, so two parts of it may differ from the whole by one.
EXACT = ("clicks", "conversions", "cost", "net_revenue", "orders_placed")
# What is told of the figures beside them.
DOUBT = {"intervals", "too_few", "pays"}
BRANDS = 3
FILTERED = [name for name in DIMENSIONS if name != "model"]


def figures(measured: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    """Return the exact figures, added up, without zeros."""
    found: Counter[tuple[str, str]] = Counter()
    for measures in measured:
        for name in EXACT:
            for currency, number in by_currency(measures[name], METRICS[name].unit).items():
                found[name, currency] += number
    return Counter({key: number for key, number in found.items() if number})


def named(value: str | None) -> str:
    """Return a value as a filter names it."""
    return "".join(f"\\{one}" if one in ",\\-" else one for one in value or "")


@pytest.mark.parametrize("seed", range(BRANDS))
@pytest.mark.parametrize("is_past", [False, True])
async def test_a_filter_is_the_row_of_its_value_and_its_opposite_is_the_rest(
    database_for: DatabaseFactory, seed: int, is_past: bool
) -> None:
    brand = await a_brand(await database_for("roi"), 200 + seed, time_zone="Asia/Kathmandu")
    roi = brand.roi
    as_of = roi.now - timedelta(days=2) if is_past else None
    by = brand.chance.choice(["conversion_time", "touch_time"])
    everything = await roi.ask(by=by, as_of=as_of)
    for name in FILTERED:
        rows = (await roi.ask(name, by=by, as_of=as_of))["rows"]
        for row in brand.chance.sample(rows, min(len(rows), 3)):
            value = row["group"][name]
            group_by = brand.chance.choice(list(DIMENSIONS))
            given = {name: named(value)}
            one = await roi.ask("creator", by=by, as_of=as_of, filters=given)
            check_sums(one)
            check_sums(await roi.ask(group_by, by=by, as_of=as_of, filters=given))
            if value is not None:
                parts = figures([one["program"], one["brand"]])
                assert parts == figures([row["measures"]]), (name, value)
            rest = await roi.ask("creator", by=by, as_of=as_of, filters={name: f"-{named(value)}"})
            check_sums(rest)
            for part in ("program", "brand", "organic", "overhead", "totals"):
                both = figures([one[part], rest[part]])
                assert both == figures([everything[part]]), (name, value, part)


@pytest.mark.parametrize("seed", range(BRANDS))
async def test_two_filters_are_the_row_of_both_values(
    database_for: DatabaseFactory, seed: int
) -> None:
    brand = await a_brand(await database_for("roi"), 300 + seed)
    for _ in range(25):
        first, second = brand.chance.sample(FILTERED, 2)
        rows = (await brand.roi.ask(f"{first},{second}"))["rows"]
        full = [row for row in rows if all(value is not None for value in row["group"].values())]
        for row in full[:2]:
            given = {name: named(value) for name, value in row["group"].items()}
            answer = await brand.roi.ask(brand.chance.choice(list(DIMENSIONS)), filters=given)
            check_sums(answer)
            listed = (answer[part] for part in ("program", "brand"))
            both = [part[0] if isinstance(part, list) else part for part in listed]
            if not isinstance(answer["program"], list):
                assert figures(both) == figures([row["measures"]]), row["group"]


async def an_order_a_day(database_for: DatabaseFactory, days: int) -> tuple[RoiWorkspace, str]:
    """100, 101, … for one placement on each day up to 2026-03-10, and 1 for nobody."""
    roi = await RoiWorkspace.open(await database_for("roi"))
    mia = await roi.creator("Mia")
    reel = await roi.placement(mia)
    for number in range(days):
        at = NOON - timedelta(days=days - 1 - number)
        shares: dict[str, tuple[int, datetime | None]] = {
            reel: (100 + number, at),
            ORGANIC: (1, None),
        }
        await roi.fold(roi.order(101 + number, at, shares))
    return roi, reel


async def test_chosen_metrics_are_the_only_ones(database_for: DatabaseFactory) -> None:
    brand = await a_brand(await database_for("roi"), 7)
    everything = await brand.roi.ask()
    for metric in METRICS:
        answer = await brand.roi.ask(metrics=metric)
        assert set(answer["meta"]["metrics"]) == {metric}
        # Without revenue an answer may have fewer currencies, and lists values for these only.
        is_alike = answer["meta"]["currencies"] == everything["meta"]["currencies"]
        is_comparable = is_alike or not METRICS[metric].per_currency
        for part in ("program", "brand", "organic", "overhead"):
            assert set(answer[part]) - DOUBT == {metric}
            assert set(answer[part]["intervals"]) <= {metric}
            if is_comparable and METRICS[metric].unit is not Unit.MONEY:
                assert answer[part][metric] == everything[part][metric]
        assert set(answer["totals"]) <= {metric}
    several = await brand.roi.ask(metrics="roi,clicks")
    assert set(several["program"]) - DOUBT == {"roi", "clicks"}
    days = ("2026-03-01", "2026-03-31")
    only_costs = await brand.roi.ask("day", metrics="cost", days=days)
    assert only_costs["meta"]["source"] == "days"
    assert all(set(row["measures"]) == {"cost"} for row in only_costs["rows"])


async def test_all_is_since_the_first_event(database_for: DatabaseFactory) -> None:
    roi, reel = await an_order_a_day(database_for, 3)
    before = datetime.fromisoformat((await roi.ask())["meta"]["as_of"])

    async def first(to: str = "2026-03-10", as_of: datetime | None = None) -> str:
        meta = (await roi.ask(days=("all", to), as_of=as_of))["meta"]
        assert meta["to"] == to
        return str(meta["from"])

    assert await first() == "2026-03-08"
    assert plain((await roi.ask(days=("all", "2026-03-10")))["totals"]["net_revenue"]) == 306
    assert await first("2026-03-10T12:00:00Z") == "2026-03-08T12:00:00Z"
    await roi.fold(roi.clicks(reel, datetime(2025, 7, 1, 3, 15, tzinfo=UTC), 1))
    assert await first() == "2025-07-01"
    assert await first("2026-03-10T12:00:00Z") == "2025-07-01T03:15:00Z"
    await roi.cost(5, "2012-02-29", placement_id=reel)
    assert await first() == "2012-02-29"
    assert (await roi.ask(days=("all", "2026-03-10")))["meta"]["source"] == "days"
    assert await first("2011-01-01") == "2011-01-01"
    assert await first(as_of=before) == "2026-03-08"
    with pytest.raises(Problem, match="more than 36525 days"):
        await first("8999-12-31")


async def test_all_of_a_brand_without_events_is_the_last_day(database_for: DatabaseFactory) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    assert (await roi.ask(days=("all", "2026-03-10")))["meta"]["from"] == "2026-03-10"
    meta = (await roi.ask(days=("all", "2026-03-10T12:00:00Z")))["meta"]
    assert meta["from"] == "2026-03-10T11:45:00Z"


async def test_the_first_event_is_found_without_a_scan(
    database_for: DatabaseFactory, fresh_database: str
) -> None:
    database = await database_for("roi", url=fresh_database)
    plan = await explain(database, FIRST_EVENT, (new_id(), NOON, "UTC"))
    assert not [line for line in plan if "Seq Scan" in line], "\n".join(plan)


async def test_a_comparison_is_the_same_days_some_weeks_before(
    database_for: DatabaseFactory,
) -> None:
    """Ten days are compared with ten days that begin two weeks earlier; orders grow by 1 a day."""
    roi, _ = await an_order_a_day(database_for, 40)
    days = ("2026-03-01", "2026-03-10")
    answer = await roi.ask("day", days=days, compare="previous")
    assert answer["meta"]["compared"] == {"from": "2026-02-15", "to": "2026-02-24"}
    assert len(answer["rows"]) == 10
    for row in answer["rows"]:
        now, before = (plain(row[name]["net_revenue"]) for name in ("measures", "compared"))
        assert now - before == 14
    earlier = await roi.ask("day", days=("2026-02-15", "2026-02-24"))
    for part in ("program", "organic", "totals"):
        without = {name: value for name, value in earlier[part].items() if name not in DOUBT}
        assert answer[part]["compared"] == without
    assert "compared" not in (await roi.ask("day", days=days))["program"]


async def test_a_comparison_with_the_year_before_keeps_weekdays(
    database_for: DatabaseFactory,
) -> None:
    roi, reel = await an_order_a_day(database_for, 2)
    at = NOON - timedelta(days=364)
    await roi.fold(roi.order(7, at, {reel: (7, at)}))
    answer = await roi.ask("weekday", days=("2026-03-10", "2026-03-10"), compare="year")
    (row,) = answer["rows"]
    assert row["group"] == {"weekday": "tuesday"}
    assert (plain(row["measures"]["net_revenue"]), plain(row["compared"]["net_revenue"])) == (
        101,
        7,
    )
    assert answer["meta"]["compared"]["from"] == "2025-03-11"
    assert date(2025, 3, 11).weekday() == date(2026, 3, 10).weekday()


async def test_a_row_that_only_the_compared_period_has_is_there(
    database_for: DatabaseFactory,
) -> None:
    roi, _ = await an_order_a_day(database_for, 1)
    jo = await roi.placement(await roi.creator("Jo"))
    at = NOON - timedelta(days=7)
    await roi.fold(roi.order(5, at, {jo: (5, at)}))
    answer = await roi.ask(days=("2026-03-10", "2026-03-10"), compare="previous")
    assert labels(answer) == {"Mia": 100, "Jo": 0}
    before = {row["label"]: plain(row["compared"]["net_revenue"]) for row in answer["rows"]}
    assert before == {"Mia": 0, "Jo": 5}


@pytest.mark.parametrize("seed", range(BRANDS))
async def test_what_is_compared_adds_up_and_equals_its_own_answer(
    database_for: DatabaseFactory, seed: int
) -> None:
    brand = await a_brand(await database_for("roi"), 400 + seed, time_zone="Europe/Berlin")
    for _ in range(20):
        pair = ",".join(brand.chance.sample(list(DIMENSIONS), brand.chance.choice([1, 2])))
        given: dict[str, Any] = {"by": brand.chance.choice(["conversion_time", "touch_time"])}
        if brand.chance.random() < 0.5:
            given["filters"] = {"platform": "-"}
        last = brand.chance.randrange(15, 31)
        times = brand.chance.choice(["", "T10:00:00Z"])
        days = (f"2026-03-15{times}", f"2026-03-{last:02}{times or ''}")
        if times and last == 15:
            continue
        answer = await brand.roi.ask(pair, days=days, compare="previous", **given)
        check_sums(answer)
        period = answer["meta"]["compared"]
        before = await brand.roi.ask(pair, days=(period["from"], period["to"]), **given)
        for part in ("program", "brand", "organic", "overhead", "totals"):
            compared, own = (
                one if isinstance(one, list) else [one] for one in (answer[part], before[part])
            )
            if not isinstance(answer[part], list):
                assert figures(one["compared"] for one in compared) == figures(own)
        if "model" not in pair and not answer["meta"]["overlapping"]:
            rows = figures(row["compared"] for row in answer["rows"])
            assert rows + figures([answer["organic"]["compared"]]) == figures(
                [answer["totals"]["compared"]]
            )


async def test_a_comparison_that_begins_too_early_is_refused(database_for: DatabaseFactory) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    with pytest.raises(Problem, match="begins before 1971"):
        await roi.ask(days=("1970-03-01", "1970-03-02"), compare="year")


async def test_content_with_two_topics_is_in_two_rows_and_once_in_the_totals(
    database_for: DatabaseFactory,
) -> None:
    roi = await RoiWorkspace.open(await database_for("roi"))
    mia = await roi.creator("Mia")
    facts = placement_facts(mia, None, "tiktok")
    both = await roi.put("placement", facts | {"topics": ["bags", "travel"]})
    none = await roi.put("placement", facts | {"topics": []})
    await roi.fold(
        roi.order(100, NOON, {both: (100, NOON)}),
        roi.order(20, NOON, {none: (20, NOON)}),
    )
    answer = await roi.ask("topic")
    assert labels(answer) == {"bags": 100, "travel": 100, "no topic": 20}
    assert answer["meta"]["overlapping"] == ["topic"]
    assert plain(answer["totals"]["net_revenue"]) == plain(answer["program"]["net_revenue"]) == 120
    creators = await roi.ask(filters={"topic": "bags"})
    assert labels(creators) == {"Mia": 100}
    assert creators["meta"]["filters"] == {"topic": "bags"}
    assert creators["meta"]["overlapping"] == []
    assert labels(await roi.ask(filters={"topic": "-bags"})) == {"Mia": 20}


async def test_a_filter_of_models_chooses_the_models(database_for: DatabaseFactory) -> None:
    roi, _ = await an_order_a_day(database_for, 1)
    two = await roi.ask("model", filters={"model": "last,linear"})
    assert two["meta"]["model"] == ["last", "linear"]
    assert (await roi.ask(filters={"model": "first"}))["meta"]["model"] == "first"
    assert (await roi.ask("model", filters={"model": "-first"}))["meta"]["model"] == [
        "last",
        "linear",
    ]
    for group_by, text, message in (
        ("creator", "last,first", "group by model"),
        ("model", "", "leaves no model"),
        ("model", "best", "no model"),
    ):
        with pytest.raises(Problem, match=message):
            await roi.ask(group_by, filters={"model": text})


@pytest.mark.parametrize("name", ["creator", "campaign", "placement", "store", "link", "platform"])
async def test_an_unknown_value_of_the_catalog_is_refused(
    database_for: DatabaseFactory, name: str
) -> None:
    database = await database_for("roi")
    theirs = Brand(await RoiWorkspace.open(database), 1)
    await theirs.start()
    ids = {
        "creator": theirs.creators[0],
        "campaign": theirs.campaigns[0],
        "placement": theirs.placements[0],
        "store": theirs.till,
        "link": theirs.links[0],
    }
    mine = await RoiWorkspace.open(database)
    messages = set()
    for value in (ids.get(name, "myspace"), new_id() if name in ids else "friendster"):
        with pytest.raises(AnswerRefused) as refused:
            await mine.ask(filters={name: value})
        assert refused.value.field == f"filter.{name}"
        messages.add(refused.value.message)
    assert len(messages) == 1
    if name in ids:
        await theirs.roi.ask(filters={name: ids[name]})
    assert (await mine.ask(filters={name: ""}))["meta"]["filters"] == {name: ""}
