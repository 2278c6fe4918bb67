"""The worth of open leads: a worked example, and any leads against the definition."""

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.roi.domain.lead_worth import MATURED_LEAST, Bought, Lead, worth_of_leads

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
# A mean of so many leads, so that lists of some leads have one.
LEAST = 2


def lead(number: int, days_ago: float, person: str | None = None) -> Lead:
    return Lead(UUID(int=number), person or f"p{number}", NOW - days_ago * DAY)


def order(person: str, days_ago: float, minor: int, currency: str = "EUR") -> Bought:
    return Bought(person, NOW - days_ago * DAY, currency, minor * 10**6)


def matured(count: int, first: int = 1_000, days_ago: float = 200) -> list[Lead]:
    return [lead(first + number, days_ago) for number in range(count)]


def test_a_worked_example() -> None:
    """40 matured leads; 4 bought for 50.00 after 5 days, 6 for 20.00 after 60 days and again later.

    By hand: a new lead is worth (4 × 50 + 6 × 20) ÷ 40 = 8.00. One of ten days had not bought by
    then, so it is one like the other 36: 6 × 20 ÷ 36 = 3.333333. After 60 days nothing is left.
    """
    leads = matured(40)
    bought = [
        *(order(f"p{1_000 + number}", 195, 5_000) for number in range(4)),
        *(order(f"p{1_004 + number}", 140, 2_000) for number in range(6)),
        # More than 90 days after the lead: that is no part of its worth.
        *(order(f"p{1_004 + number}", 100, 9_900) for number in range(6)),
    ]
    found = worth_of_leads([*leads, lead(1, 0), lead(2, 10), lead(3, 61)], bought, NOW)
    assert found.is_measured
    assert found.open == {
        UUID(int=1): {"EUR": 800 * 10**6},
        UUID(int=2): {"EUR": round(Fraction(12_000 * 10**6, 36))},
        UUID(int=3): {},
    }


def test_with_too_few_matured_leads_no_lead_has_a_worth() -> None:
    open_one = lead(1, 3)
    few = worth_of_leads([*matured(MATURED_LEAST - 1), open_one], [], NOW)
    assert (few.is_measured, few.open) == (False, {open_one.conversion_id: None})
    enough = worth_of_leads([*matured(MATURED_LEAST), open_one], [], NOW)
    assert (enough.is_measured, enough.open) == (True, {open_one.conversion_id: {}})
    # The one who bought on the second day leaves too few for a lead of three days.
    bought = [order("p1000", 198.5, 100)]
    older = worth_of_leads([*matured(MATURED_LEAST), open_one, lead(2, 1)], bought, NOW)
    assert older.is_measured
    assert older.open[open_one.conversion_id] is None
    assert older.open[UUID(int=2)] is not None


def test_each_person_has_one_open_lead_and_a_buyer_none() -> None:
    leads = [
        lead(1, 20, "twice"),
        lead(2, 10, "twice"),
        lead(3, 30, "bought since"),
        lead(4, 30, "bought before"),
        lead(5, 100, "came back"),
        lead(6, 9, "came back"),
        lead(7, 95, "matured"),
        lead(8, 10, "matured"),
    ]
    bought = [order("bought since", 1, 100), order("bought before", 300, 100)]
    found = worth_of_leads(leads, bought, NOW)
    assert set(found.open) == {UUID(int=1), UUID(int=6)}


def test_a_lead_of_more_than_a_year_tells_only_that_a_later_one_is_not_the_first() -> None:
    """40 leads of a year ago brought nothing; 40 of a day more brought 100.00 each, too early."""
    year = matured(40, 1_000, 365)
    older = matured(40, 2_000, 366)
    bought = [order(f"p{2_000 + number}", 350, 10_000) for number in range(40)]
    new = lead(1, 0)
    assert worth_of_leads([*year, *older, new], bought, NOW).open == {new.conversion_id: {}}
    assert not worth_of_leads([*older, new], bought, NOW).is_measured
    # Each of these persons had a lead before, so none of the later leads counts.
    again = [lead(3_000 + number, 300, one.person) for number, one in enumerate(older)]
    assert not worth_of_leads([*older, *again, new], [], NOW).is_measured
    assert worth_of_leads([*again, new], [], NOW).is_measured


leads_of_people = st.lists(
    st.tuples(st.integers(0, 45), st.sampled_from("abcdefgh")), max_size=25
).map(lambda told: [lead(number, 10 * days, who) for number, (days, who) in enumerate(told)])
orders_of_people = st.lists(
    st.builds(
        order,
        st.sampled_from("abcdefgh"),
        st.integers(0, 31).map(lambda number: 10 * number - 3 if number else 0),
        st.integers(-50, 5_000),
        st.sampled_from(["EUR", "USD"]),
    ),
    max_size=25,
)


@given(leads_of_people, orders_of_people, st.randoms(use_true_random=False))
def test_it_is_the_mean_of_those_that_had_not_bought_in_any_order_of_arrival(
    leads: list[Lead], bought: list[Bought], chance: random.Random
) -> None:
    found = worth_of_leads(leads, bought, NOW, LEAST)
    mixed_leads, mixed_orders = chance.sample(leads, len(leads)), chance.sample(bought, len(bought))
    assert worth_of_leads(mixed_leads, mixed_orders, NOW, LEAST) == found

    def counts(one: Lead) -> bool:
        others = [each for each in leads if each.person == one.person and each is not one]
        near = [
            each
            for each in others
            if (each.at, each.conversion_id) < (one.at, one.conversion_id)
            and one.at - each.at < 90 * DAY
        ]
        return not near and all(b.at > one.at for b in bought if b.person == one.person)

    def later(one: Lead) -> list[Bought]:
        return [b for b in bought if b.person == one.person and one.at < b.at <= one.at + 90 * DAY]

    counting = [one for one in leads if counts(one)]
    has_bought = {b.person for b in bought}
    opened = {
        one.conversion_id: one
        for one in counting
        if NOW - one.at < 90 * DAY and one.person not in has_bought
    }
    assert set(found.open) == set(opened)
    for conversion, value in found.open.items():
        age = NOW - opened[conversion].at
        alike = [
            one
            for one in counting
            if 90 * DAY <= NOW - one.at <= 365 * DAY
            and all(b.at - one.at > age for b in later(one))
        ]
        if len(alike) < LEAST:
            assert value is None
            continue
        for code in ("EUR", "USD"):
            brought = [b for one in alike for b in later(one) if b.currency == code]
            total = sum(b.contribution_millionths for b in brought)
            assert (value or {}).get(code, 0) == round(Fraction(total, len(alike)))
