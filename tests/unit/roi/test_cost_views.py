"""The accrual of costs: the parts of all days are what was entered, for any cost and any days."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.cost_spread import Cost, Spread
from services.roi.answers.cost_views import accrued
from services.roi.answers.kinds import Entity
from services.roi.answers.sizes import CELLS_MAX, AnswerTooLarge
from tests.unit.roi.test_answer import FACTS, JO, MIA, SPRING

FIRST = date(2026, 3, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def cost(amount: int, first: int, last: int, owner: tuple[Entity, UUID] | None = None) -> Cost:
    return Cost(owner, day(first), day(first), day(last), "EUR", (amount,))


def of_days(costs: list[Cost]) -> dict[date, int]:
    found: dict[date, int] = {}
    for one in costs:
        found[one.incurred_on] = found.get(one.incurred_on, 0) + one.amounts_minor[0]
    return found


def test_a_cost_is_shared_by_its_days_and_the_earlier_get_the_rest() -> None:
    starts = [day(number) for number in range(10)]
    days = (day(0), day(9))
    assert of_days(accrued([cost(100, 2, 4)], days, starts)) == {day(2): 34, day(3): 33, day(4): 33}
    assert of_days(accrued([cost(-100, 2, 4)], days, starts)) == {
        day(2): -34,
        day(3): -33,
        day(4): -33,
    }
    assert accrued([cost(100, -5, -1), cost(100, 10, 12)], days, starts) == []
    before = accrued([cost(100, -1, 1)], days, [day(0)])
    assert of_days(before) == {day(0): 66}


owners = st.sampled_from(
    [None, (Entity.CREATOR, MIA), (Entity.CREATOR, JO), (Entity.CAMPAIGN, SPRING)]
)
costs = st.builds(
    lambda amount, first, length, owner: cost(amount, first, first + length, owner),
    st.integers(-(10**6), 10**6),
    st.integers(-5, 40),
    st.integers(0, 400),
    owners,
)


@given(st.lists(costs), st.lists(st.integers(1, 450), unique=True))
def test_allocated_is_entered_for_any_costs_and_segments(
    entered: list[Cost], later: list[int]
) -> None:
    """Over days that hold all days of the costs, and after the spread over placements."""
    days = day(-10), day(460)
    starts = sorted({days[0], *map(day, later)})
    parts = accrued(entered, days, starts)
    assert {one.incurred_on for one in parts} <= {*starts, *(one.from_on for one in entered)}
    total = sum(one.amounts_minor[0] for one in entered)
    assert sum(one.amounts_minor[0] for one in parts) == total
    cells = Spread(FACTS.owners, parts, starts).cells()
    assert sum(cell.sums[0] for cell in cells) == total


@given(costs, st.integers(-20, 470))
def test_two_spans_side_by_side_have_what_one_has(one: Cost, cut: int) -> None:
    first, last = day(-30), day(480)
    starts = [first]
    whole = sum(part.amounts_minor[0] for part in accrued([one], (first, last), starts))
    left = accrued([one], (first, day(cut)), starts)
    right = accrued([one], (day(cut + 1), last), [day(cut + 1)])
    assert sum(part.amounts_minor[0] for part in (*left, *right)) == whole


def test_too_many_parts_are_refused_before_they_are_made() -> None:
    starts = [day(number) for number in range(366)]
    many = [cost(100, 0, 365)] * (CELLS_MAX // 366 + 1)
    with pytest.raises(AnswerTooLarge):
        accrued(many, (day(0), day(365)), starts)
