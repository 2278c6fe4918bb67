"""The rules of goals by example: expected to date, the status of each kind, the forecast."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import comb, exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.domain.goals import (
    Direction,
    Forecast,
    Goal,
    Status,
    Stretch,
    added,
    forecast,
)

FIRST = date(2026, 3, 1)


def goal(
    target: str = "100", *, days: int = 20, direction: Direction = "at_least", is_sum: bool = True
) -> Goal:
    return Goal(Fraction(target), direction, FIRST, FIRST + timedelta(days=days - 1), is_sum)


def first(sums: Sequence[int | None]) -> Fraction | None:
    return None if sums[0] is None else Fraction(sums[0])


def quotient(sums: Sequence[int | None]) -> Fraction | None:
    top, bottom = sums
    return None if top is None or not bottom else Fraction(top, bottom)


def by_day(*rows: tuple[int | None, ...]) -> list[Stretch]:
    return [Stretch(FIRST + timedelta(days=n), 1, row) for n, row in enumerate(rows)]


def test_days_elapsed_are_those_that_are_over_and_the_part_of_today() -> None:
    asked = goal()
    assert asked.elapsed(FIRST - timedelta(days=3), Fraction(1, 2)) == 0
    assert asked.elapsed(FIRST, Fraction(0)) == 0
    assert asked.elapsed(FIRST + timedelta(days=4), Fraction(1, 2)) == Fraction(9, 2)
    assert asked.elapsed(FIRST + timedelta(days=20), Fraction(0)) == 20
    assert asked.elapsed(FIRST + timedelta(days=50), Fraction(0)) == 20
    assert asked.expected(Fraction(5)) == 25
    assert goal(is_sum=False).expected(Fraction(5)) == 100


# The target is 100 in 20 days, so 50 is expected after 10 of them.
SUMS = (
    ("at_least", 0, 0, Status.TOO_EARLY),
    ("at_least", 50, 1, Status.TOO_EARLY),
    ("at_least", 10, 2, Status.ON_TRACK),
    ("at_least", 0, 2, Status.BEHIND),
    ("at_least", 47, 10, Status.BEHIND),
    ("at_least", 48, 10, Status.ON_TRACK),
    ("at_least", 52, 10, Status.ON_TRACK),
    ("at_least", 53, 10, Status.AHEAD),
    ("at_least", 100, 1, Status.REACHED),
    ("at_least", 99, 20, Status.MISSED),
    ("at_least", 100, 20, Status.REACHED),
    ("at_most", 0, 1, Status.TOO_EARLY),
    ("at_most", 101, 1, Status.MISSED),
    ("at_most", 47, 10, Status.AHEAD),
    ("at_most", 48, 10, Status.ON_TRACK),
    ("at_most", 52, 10, Status.ON_TRACK),
    ("at_most", 53, 10, Status.BEHIND),
    ("at_most", 99, 19, Status.ON_TRACK),
    ("at_most", 100, 20, Status.REACHED),
    ("at_most", 101, 20, Status.MISSED),
)


@pytest.mark.parametrize(("direction", "actual", "elapsed", "status"), SUMS)
def test_the_status_of_a_sum(
    direction: Direction, actual: int, elapsed: int, status: Status
) -> None:
    asked = goal(direction=direction)
    assert asked.status(Fraction(actual), Fraction(elapsed), None) is status
    assert asked.status(Fraction(actual), Fraction(elapsed), Fraction(0)) is status


# The target is 2 on each day.
QUOTIENTS = (
    ("at_least", "3", 10, 9, Status.TOO_EARLY),
    ("at_least", "3", 1, 99, Status.TOO_EARLY),
    ("at_least", "3", 10, 10, Status.AHEAD),
    ("at_least", "2.1", 10, 10, Status.ON_TRACK),
    ("at_least", "1.9", 10, 10, Status.ON_TRACK),
    ("at_least", "1.89", 10, 10, Status.BEHIND),
    ("at_least", "2", 20, 1, Status.REACHED),
    ("at_least", "1.99", 20, 1, Status.MISSED),
    ("at_most", "1.89", 10, 10, Status.AHEAD),
    ("at_most", "2.11", 10, 10, Status.BEHIND),
    ("at_most", "2", 20, 1, Status.REACHED),
    ("at_most", "2.01", 20, 1, Status.MISSED),
)


@pytest.mark.parametrize(("direction", "actual", "elapsed", "sample", "status"), QUOTIENTS)
def test_the_status_of_a_quotient(
    direction: Direction, actual: str, elapsed: int, sample: int, status: Status
) -> None:
    asked = goal("2", direction=direction, is_sum=False)
    assert asked.status(Fraction(actual), Fraction(elapsed), Fraction(sample)) is status


def test_a_missing_figure_has_no_status_but_too_early() -> None:
    for is_sum in (True, False):
        asked = goal(is_sum=is_sum)
        assert asked.status(None, Fraction(1), None) is Status.TOO_EARLY
        assert asked.status(None, Fraction(10), None) is None
        assert asked.status(None, Fraction(20), None) is None


def test_a_forecast_goes_on_at_the_run_rate_and_ends_at_the_actual() -> None:
    asked = goal()
    assert forecast(asked, None, Fraction(5), [], first) == Forecast(None, None, None)
    assert forecast(asked, Fraction(7), Fraction(0), [], first) == Forecast(None, None, None)
    assert forecast(asked, Fraction(30), Fraction(5), [], first).value == 120
    over = forecast(asked, Fraction(7), Fraction(20), by_day(*[(1,)] * 20), first)
    assert over == Forecast(Fraction(7), Fraction(7), Fraction(7))


def test_an_interval_needs_seven_stretches_that_are_over() -> None:
    days = by_day(*[(n,) for n in range(7)])
    six = forecast(goal(), Fraction(15), Fraction(6), days[:6], first)
    assert six == Forecast(Fraction(50), None, None)
    seven = forecast(goal(), Fraction(21), Fraction(7), days, first)
    assert seven.low is not None
    assert seven.low < 60 < (seven.high or 0)


def test_the_interval_of_a_sum_is_the_prediction_interval_of_its_days() -> None:
    """By hand: 10 days, mean 5, sample variance 4 and 10 to come, so s² × 10 × (1 + 10/10) = 80.

    t with 9 degrees of freedom is 1.8331 in the tables, so the margin is 16.396.
    """
    values = (3, 7, 3, 7, 3, 7, 3, 7, 5, 5)
    variance = Fraction(sum((value - 5) ** 2 for value in values), 9)
    found = forecast(goal(), Fraction(50), Fraction(10), by_day(*[(v,) for v in values]), first)
    assert found.value == 100
    assert found.high is not None
    assert found.low == 200 - found.high
    margin = float(found.high - 100)
    assert margin == pytest.approx(1.8331 * float(variance * 20) ** 0.5, rel=0.002)


def test_days_that_are_alike_leave_no_doubt() -> None:
    found = forecast(goal(), Fraction(50), Fraction(10), by_day(*[(5,)] * 10), first)
    assert found == Forecast(Fraction(100), Fraction(100), Fraction(100))


def test_the_forecast_of_a_quotient_stays_and_narrows_to_the_end() -> None:
    asked = goal("2", is_sum=False)
    rows = [(3 + n % 3, 2) for n in range(18)]
    widths = []
    for count in (8, 12, 18):
        days = by_day(*rows[:count])
        actual = quotient(added([one.sums for one in days]))
        found = forecast(asked, actual, Fraction(count), days, quotient)
        assert found.value == actual
        assert found.low is not None
        assert found.high is not None
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)
    nothing = by_day(*[(0, 0)] * 8)
    assert forecast(asked, Fraction(2), Fraction(8), nothing, quotient).low is None


def test_what_is_missing_on_one_day_is_missing_in_the_sum() -> None:
    assert added([(1, None), (2, 3)]) == [3, None]
    days = by_day(*[(1,)] * 7, (None,))
    found = forecast(goal(), Fraction(8), Fraction(8), days, first)
    assert (found.low, found.high) == (None, None)


def test_the_interval_of_a_quotient_of_hundreds_of_days_is_quick() -> None:
    days = by_day(*[(10**9 + 7 * n, 10**6 + n**2 + 1) for n in range(366)])
    asked = goal("2", days=732, is_sum=False)
    actual = quotient(added([one.sums for one in days]))
    found = forecast(asked, actual, Fraction(366), days, quotient)
    assert found.low is not None


@given(
    actual=st.fractions(0, 10**6),
    elapsed=st.integers(0, 20),
    target=st.fractions(1, 10**6),
    more=st.fractions(0, 1000),
    is_sum=st.booleans(),
)
def test_more_is_never_worse_where_the_goal_is_at_least(
    actual: Fraction, elapsed: int, target: Fraction, more: Fraction, is_sum: bool
) -> None:
    order = [Status.MISSED, Status.BEHIND, Status.ON_TRACK, Status.AHEAD, Status.REACHED]
    asked = Goal(target, "at_least", FIRST, FIRST + timedelta(days=19), is_sum)
    before = asked.status(actual, Fraction(elapsed), None)
    after = asked.status(actual + more, Fraction(elapsed), None)
    if Status.TOO_EARLY in (before, after):
        assert before is Status.TOO_EARLY
        assert after in (Status.TOO_EARLY, Status.REACHED)
        return
    assert before is not None
    assert after is not None
    assert order.index(after) >= order.index(before)


def test_the_interval_covers_nine_of_ten_compound_poisson_sums() -> None:
    """Half of 40 days seen; each day has Poisson(3) orders of 1, 2 or 6.

    The chances of days are stratified: every quantile of a day comes equally often, by a fixed
    permutation, so the simulation is the same each time.
    """
    amounts = (1, 2, 6)
    days = _stratified_days(amounts, count=40 * 600)
    hits = 0
    for number in range(600):
        run = days[40 * number : 40 * (number + 1)]
        seen, rest = run[:20], run[20:]
        asked = goal("1000", days=40)
        found = forecast(
            asked, Fraction(sum(seen)), Fraction(20), by_day(*[(v,) for v in seen]), first
        )
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= sum(seen) + sum(rest) <= found.high
    assert 0.87 <= hits / 600 <= 0.93


def _stratified_days(amounts: tuple[int, ...], count: int) -> list[int]:
    """Return sums of days in a fixed mixed order; their distribution is the compound Poisson's."""
    chances = {n: exp(-3) * 3**n / factorial(n) for n in range(15)}
    by_sum: dict[int, float] = {}
    for orders, chance in chances.items():
        for total, ways in _sums_of(amounts, orders).items():
            by_sum[total] = by_sum.get(total, 0) + chance * ways / len(amounts) ** orders
    found: list[int] = []
    reached = 0.0
    for total, chance in sorted(by_sum.items()):
        reached += chance
        found += [total] * (round(reached * count) - len(found))
    found += [max(by_sum)] * (count - len(found))
    # A multiplicative generator (Park and Miller's) orders them.
    state, keys = 20_260_301, []
    for _ in found:
        state = state * 48_271 % (2**31 - 1)
        keys.append(state)
    return [value for _, value in sorted(zip(keys, found, strict=True))]


def _sums_of(amounts: tuple[int, ...], orders: int) -> dict[int, int]:
    """Return how many ways each sum of so many orders has."""
    one, two, six = amounts
    ways: dict[int, int] = {}
    for ones in range(orders + 1):
        for twos in range(orders - ones + 1):
            sixes = orders - ones - twos
            total = ones * one + twos * two + sixes * six
            ways[total] = ways.get(total, 0) + comb(orders, ones) * comb(orders - ones, twos)
    return ways
