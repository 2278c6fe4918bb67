"""The month of facts through the other calls: funnel, goals, entries, orders, filters, cost views.

The sums read the list of facts and no table; see `brand_month.py` and `brand_month_sums.py`.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

import pytest

from tests.e2e.installation import Json
from tests.integration.brand_month import (
    ALL,
    CODES,
    COSTS,
    FIRST,
    LAST,
    Days,
    Figure,
    Sale,
    Where,
    by_creator,
    by_day,
    by_platform,
    carriers_of,
    headline,
    parts_of,
    summed,
)
from tests.integration.brand_month_sums import (
    LEADING,
    UNIT_COSTS,
    Journey,
    accrued,
    earned,
    journeys,
    newest_counts,
    paid,
)
from tests.integration.played_month import GOALS, RATES, Played, measured
from tests.integration.test_brand_month import ROWS

pytestmark = pytest.mark.xdist_group("installation")

# Ratios are shown with six decimals.
STEP: Final = Fraction(1, 10**6)


def span(days: Days) -> dict[str, str]:
    """Return days as a query has them."""
    return {"from": str(days[0]), "to": str(days[1])}


def day(number: int) -> date:
    """Return a day of the month."""
    return FIRST + timedelta(days=number)


def number(value: Any) -> Fraction | None:
    """Return a shown number exactly."""
    return None if value is None else Fraction(str(value))


def minor(money: Any) -> int | None:
    """Return shown money in minor units."""
    return None if money is None else int(money["amount_minor"])


# --- the funnel ----------------------------------------------------------------------------------


def check_ratio(shown: Any, exact: Fraction | None) -> None:
    """A ratio is shown with six decimals, and one that is unknown is null."""
    value = number(shown)
    if value is None or exact is None:
        assert value is exact, (shown, exact)
    else:
        assert abs(value - exact) <= STEP, (shown, exact)


def check_row(row: Json, journey: Journey) -> None:
    """Every figure of a funnel is that of the facts."""
    assert minor(row["cost"]) == journey.cost
    benefit, cost = sum(journey.booked.values()), journey.cost
    assert number(row["bcr"]["booked"]) == (round(benefit / cost, 6) if cost else None)
    shares: list[Fraction] = []
    previous: Fraction | None = None
    for stage, name in zip(row["stages"], LEADING, strict=True):
        assert stage["stage"] == name
        check_stage(stage, journey)
        leading = journey.leading(name)
        check_ratio(stage["rate_from_previous"], quotient(leading, previous))
        previous = leading
        booked = journey.booked[name]
        assert minor(stage["return"]["booked"]) == booked
        check_ratio(stage["return_per_cost"]["booked"], booked / cost if cost else None)
        shares.append(number(stage["return_per_cost"]["booked"]) or Fraction(0))
    assert sum(shares) == (number(row["bcr"]["booked"]) or 0)


def quotient(upper: Fraction | None, lower: Fraction | None) -> Fraction | None:
    """Return a quotient; None where a part is missing or the divisor is 0."""
    return upper / lower if upper is not None and lower else None


def check_stage(stage: Json, journey: Journey) -> None:
    """Volumes and unit costs of a stage; what nobody reported is null, and what Laurel counts 0."""
    for volume, shown in stage["volumes"].items():
        assert number(shown) == journey.known(volume), volume
    for name, shown in stage["cost_per_unit"].items():
        volume, count = UNIT_COSTS.get(name, ("", 1))
        divisor = journey.known(volume)
        assert minor(shown) == (round(journey.cost * count / divisor) if divisor else None), name


@pytest.mark.parametrize("group_by", ["creator", "campaign", "platform"])
def test_every_stage_of_the_funnel_is_the_sum_of_the_facts(played: Played, group_by: str) -> None:
    answer = played.get("/v1/funnel", group_by=group_by)
    rows = {row["label"]: row for row in answer["rows"]}
    expected = journeys(played.month, ROWS[group_by])
    assert rows.keys() == expected.keys()
    for label, journey in expected.items():
        check_row(rows[label], journey)
    wholes = journeys(played.month, headline)
    for name in ("program", "brand"):
        check_row(answer[name], wholes[name])
    shown = {name for stage in answer["program"]["stages"] for name in stage["volumes"]}
    assert {"impressions", "engagements", "clicks", "leads", "purchases"} <= shown
    assert wholes["program"].volumes["leads"] > 0


def test_social_counts_are_the_newest_of_each_placement(played: Played) -> None:
    newest = newest_counts()
    names = sorted({name for counts in newest.values() for name in counts})
    answer = played.get("/v1/roi", group_by="placement", metrics=",".join(names))
    rows = {row["group"]["placement"]: row["measures"] for row in answer["rows"]}
    for slug, counts in newest.items():
        shown = {name: rows[played.ids[slug]][name] for name in names}
        assert shown == {name: counts.get(name) for name in names}, slug
    for name in names:
        assert answer["totals"][name] == sum(counts.get(name, 0) for counts in newest.values())


# --- goals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", GOALS)
def test_a_goal_of_the_month_is_the_sum_of_the_facts(played: Played, metric: str) -> None:
    creator, target = GOALS[metric]
    answer = played.brand.roi.get(f"/v1/goals/{played.ids[metric]}/progress").json()

    def until(last_on: date) -> Fraction:
        group = headline if creator is None else by_creator
        rows = summed(played.month, group, (FIRST, last_on))
        return rows.get(creator or "program", {}).get(metric, Fraction(0))

    assert (answer["from"], answer["to"]) == (str(FIRST), str(LAST))
    actual = until(LAST)
    assert figure(answer["actual"]) == actual
    wanted = Fraction(target) * (1 if isinstance(target, int) else 100)
    assert figure(answer["target"]) == wanted
    assert answer["status"] == ("reached" if actual >= wanted else "missed")
    assert figure(answer["forecast"]["value"]) == actual
    assert {point["on"]: figure(point["actual"]) for point in answer["history"]} == {
        str(day(place)): until(day(place)) for place in range((LAST - FIRST).days + 1)
    }


def figure(shown: Any) -> Fraction | None:
    """Return a figure of a goal, which is money or a number."""
    return Fraction(shown["amount_minor"]) if isinstance(shown, dict) else number(shown)


# --- what lies behind a figure -------------------------------------------------------------------


def entries(played: Played, **query: str) -> tuple[list[Json], Any]:
    """Return the entries of all pages, and their sum."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = played.get("/v1/entries", limit="40", **query, **cursor)
        found += page["items"]
        if page["next_cursor"] is None:
            return found, page["sum"]
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("creator", ["mia", "jonas", "aria", "priya"])
def test_the_entries_of_a_row_are_its_facts(played: Played, creator: str) -> None:
    group = {"group_by": "creator", "group.creator": played.ids[creator]}
    row = summed(played.month, by_creator)[creator]
    items, total = entries(played, metric="net_revenue", **group)
    assert minor(total) == row["net_revenue"]
    shown: Counter[tuple[str, bool]] = Counter()
    for item in items:
        shown[item["natural_id"], item["store"] == "main"] += item["value"]["amount_minor"]
    mine = [
        (sale, share) for who, sale, share in earned(played.month) if who and who.creator == creator
    ]
    expected: Counter[tuple[str, bool]] = Counter()
    for sale, share in mine:
        expected[sale.order_id, sale.store is None] += int(sale.kept_minor * share)
    assert +shown == +expected
    items, total = entries(played, metric="cost", **group)
    assert minor(total) == row["cost"] == sum(item["value"]["amount_minor"] for item in items)
    owed = Counter(spent.kind for spent in COSTS if creator in map(creator_of, carriers_of(spent)))
    assert {item["kind"] for item in items} == set(owed)
    items, total = entries(played, metric="clicks", **group)
    assert number(total) == row["clicks"] == sum(item["value"] for item in items)


def creator_of(content: Any) -> str | None:
    """Return whose content it is."""
    found: str | None = content.creator
    return found


# --- orders --------------------------------------------------------------------------------------


def orders(played: Played, **query: str) -> dict[tuple[str, bool], Json]:
    """Return the orders that match, over all pages, by id and whether it is the main store."""
    found: dict[tuple[str, bool], Json] = {}
    cursor: dict[str, str] = {}
    while True:
        asked = {"limit": "40"} | query | cursor
        answer = played.brand.attribution.get("/v1/orders", params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        new = {(item["order_id"], item["store"] == "main"): item for item in page["items"]}
        assert not new.keys() & found.keys()
        found |= new
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def meets(played: Played, creator: str) -> Callable[[Sale], bool]:
    """Return whether a sale's customer met a creator: by a click or a code."""
    clicked = {visitor for slug, _, visitor in played.month.clicks if ALL[slug].creator == creator}
    codes = {code for code, creators in CODES.items() if creator in creators}
    return lambda sale: sale.clicked in clicked or sale.code in codes


def test_orders_are_found_by_what_the_facts_say(played: Played) -> None:
    asked: list[tuple[dict[str, str], Callable[[Sale], bool]]] = [
        ({}, lambda _: True),
        ({"query": "KETTLE15"}, lambda sale: sale.code == "KETTLE15"),
        ({"query": "jonas"}, meets(played, "jonas")),
        ({"query": "mia"}, meets(played, "mia")),
        ({"query": played.ids["mia"]}, meets(played, "mia")),
        ({"query": "club-0"}, lambda sale: sale.customer == "club-0"),
        ({"query": "m-0003"}, lambda sale: sale.order_id == "m-0003"),
        ({"store": "outlet"}, lambda sale: sale.store == "outlet"),
        ({"kind": "renewal"}, lambda sale: sale.kind == "renewal"),
        ({"kind": "lead"}, lambda sale: sale.kind == "lead"),
        ({"status": "credited"}, lambda sale: bool(sale.earned_by)),
        ({"status": "organic"}, lambda sale: not sale.earned_by),
        (span((day(4), day(9))), lambda sale: day(4) <= sale.at.date() <= day(9)),
    ]
    for query, is_meant in asked:
        expected = {
            (sale.order_id, sale.store is None): sale
            for sale in played.month.sales
            if is_meant(sale)
        }
        found = orders(played, **query)
        assert found.keys() == expected.keys(), query
        for key, sale in expected.items():
            check_order(played, found[key], sale)


def check_order(played: Played, shown: Json, sale: Sale) -> None:
    """An order is shown with what is left of it, and with those who earned it in equal parts."""
    if sale.kind == "lead":
        assert shown["net"] is None or minor(shown["net"]) == 0
        return
    assert minor(shown["net"]) == sale.kept_minor
    if not sale.kept_minor:
        return
    credited = Counter({each["creator_id"]: minor(each["amount"]) for each in shown["credits"]})
    expected: Counter[str | None] = Counter()
    for slug in sale.earned_by or (None,):
        who = None if slug is None else ALL[slug].creator
        expected[played.ids[who]] += sale.kept_minor // (len(sale.earned_by) or 1)
    assert credited == expected, shown


# --- questions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "is_meant"),
    [
        ("creator=mia", lambda where: by_creator(where) == "mia"),
        ("creator=-mia", lambda where: by_creator(where) != "mia"),
        ("creator=jonas,priya", lambda where: by_creator(where) in ("jonas", "priya")),
        ("platform=instagram", lambda where: by_platform(where) == "instagram"),
        ("platform=-instagram,-podcast", lambda w: by_platform(w) not in ("instagram", "podcast")),
    ],
)
def test_a_filter_divides_the_facts(
    played: Played, query: str, is_meant: Callable[[Where], bool]
) -> None:
    dimension, _, words = query.partition("=")
    named = {word.removeprefix("-") for word in words.split(",")}
    for word in named & set(map(str, played.ids)):
        words = words.replace(word, played.ids[word])
    answer = played.get("/v1/roi", group_by="day", **{f"filter.{dimension}": words})
    expected = summed(played.month, lambda where: "all" if is_meant(where) else None)
    assert measured(answer["totals"]) == expected["all"]
    rows = {row["label"]: measured(row["measures"]) for row in answer["rows"]}
    shown = {label: figure for label, figure in rows.items() if any(figure.values())}
    assert shown == summed(played.month, lambda where: by_day(where) if is_meant(where) else None)


def test_a_compared_period_is_the_sum_of_its_own_facts(played: Played) -> None:
    """Seven days, and the seven days before them."""
    now, before = (day(14), day(20)), (day(7), day(13))
    answer = played.get("/v1/roi", compare="previous", **span(now))
    assert answer["meta"]["compared"] == span(before)
    figures = {row["label"]: row for row in answer["rows"]}
    for days, part in ((now, "measures"), (before, "compared")):
        for label, figure in summed(played.month, by_creator, days).items():
            assert measured(figures[label][part]) == figure, (label, part)
        whole = answer["totals"] if part == "measures" else answer["totals"]["compared"]
        assert measured(whole) == summed(played.month, lambda _: "all", days)["all"]


def test_each_day_is_converted_at_its_rate(played: Played) -> None:
    """Half a euro a dollar at first, a quarter later: all amounts stay whole."""
    answer = played.get("/v1/roi", currency="USD")
    expected: dict[str, Figure] = {}
    for where, name, amount in parts_of(played.month):
        rate = Fraction([text for first_on, text in RATES if first_on <= (where[3] or LAST)][-1])
        figure = expected.setdefault(by_creator(where) or "", dict.fromkeys(NAMES, Fraction(0)))
        figure[name] += amount if name in ("clicks", "conversions") else amount / rate
    del expected[""]
    rows = {row["label"]: measured(row["measures"]) for row in answer["rows"]}
    assert rows == expected
    assert answer["meta"]["missing_rates"] == []


NAMES: Final = ("clicks", "conversions", "net_revenue", "cost", "contribution")


@pytest.mark.parametrize("days", [(day(0), day(9)), (day(6), day(6)), (FIRST, LAST)])
def test_each_view_of_costs_is_the_sum_of_the_facts(played: Played, days: Days) -> None:
    incurred = sum(spent.minor for spent in COSTS if days[0] <= day(spent.day) <= days[1])
    for view, expected in (
        ("incurred", incurred),
        ("accrual", accrued(days)),
        ("cash", paid(days)),
    ):
        answer = played.get("/v1/roi", cost_view=view, **span(days))
        assert minor(answer["totals"]["cost"]) == expected, view
