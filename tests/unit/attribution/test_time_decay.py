"""The model `time_decay`: half the weight per half-life, exact and equal on every machine."""

import decimal
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attribution.domain.models.time_decay import PARTS, shares, weights_of
from shared.models import ModelRef
from tests.factories import NOON, days
from tests.unit.attribution.model_inputs import steps_aged


def test_a_step_one_half_life_older_takes_half_as_much() -> None:
    # Weights 1/4, 1/2, 1: shares 1/7, 2/7, 4/7.
    found = shares(steps_aged("time_decay", days(15), days(8), days(1)))
    assert found == [Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)]


def test_a_policy_sets_the_half_life() -> None:
    daily: ModelRef = {"name": "time_decay", "half_life_days": 1}
    # One half-life apart: 1/3 and 2/3.
    assert shares(steps_aged(daily, days(2), days(1))) == [Fraction(1, 3), Fraction(2, 3)]


def test_known_weights_to_the_last_part() -> None:
    ages = [days(1), days(3), days(30)]
    # 2^(-1/7) = 0.905723664263906671, 2^(-3/7) = 0.742997144568474,
    # 2^(-30/7) = 0.051270960.
    found = weights_of([NOON, *(NOON - age for age in ages)], 7)
    assert found == [PARTS, 905_723_664, 742_997_145, 51_270_960]


def test_a_step_too_old_for_one_part_takes_nothing() -> None:
    found = shares(steps_aged({"name": "time_decay", "half_life_days": 1}, days(40), days(1)))
    assert list(map(int, found)) == [0, 1]


@given(
    st.lists(st.integers(0, 400 * 86_400 * 10**6), min_size=1, max_size=20),
    st.integers(1, 365),
)
def test_shares_sum_to_one_and_never_fall_with_time(ages: list[int], half_life: int) -> None:
    ordered = sorted(ages, reverse=True)
    given_steps = steps_aged(
        {"name": "time_decay", "half_life_days": half_life},
        *(timedelta(microseconds=age) for age in ordered),
    )
    found = shares(given_steps)
    assert sum(found) == 1
    assert list(found) == sorted(found)
    newest = found[-1]
    for age, share in zip(ordered, found, strict=True):
        expected = 2.0 ** (-(age - ordered[-1]) / (half_life * 86_400 * 10**6))
        assert float(share / newest) == pytest.approx(expected, abs=1e-9)


def test_the_arithmetic_of_the_thread_does_not_reach_the_shares() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        found = weights_of([NOON, NOON - days(1)], 7)
    assert found == [PARTS, 905_723_664]
