"""The model `position`: 40/20/40, 50/50 for two, and the shares that a policy sets."""

from fractions import Fraction

import pytest

from services.attribution.domain.models.position import shares
from shared.models import ModelRef, ModelRejected, chosen_model
from tests.factories import days
from tests.unit.attribution.model_inputs import steps_aged

TENTH = Fraction(1, 10)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [Fraction(1)]),
        (2, [Fraction(1, 2), Fraction(1, 2)]),
        (3, [4 * TENTH, 2 * TENTH, 4 * TENTH]),
        (4, [4 * TENTH, TENTH, TENTH, 4 * TENTH]),
    ],
)
def test_the_first_and_the_last_step_take_40_percent_each(
    count: int, expected: list[Fraction]
) -> None:
    ages = [days(count - place) for place in range(count)]
    assert shares(steps_aged("position", *ages)) == expected


def test_a_policy_sets_other_shares() -> None:
    inverse_j: ModelRef = {
        "name": "position",
        "first_share_percent": 60,
        "last_share_percent": 20,
    }
    three = steps_aged(inverse_j, days(3), days(2), days(1))
    assert shares(three) == [6 * TENTH, 2 * TENTH, 2 * TENTH]
    # Adobe's inverse J for two touches: 60 and 20 in their ratio.
    two = steps_aged(inverse_j, days(2), days(1))
    assert shares(two) == [Fraction(3, 4), Fraction(1, 4)]


def test_shares_that_leave_nothing_to_sum_to_one_are_refused() -> None:
    with pytest.raises(ModelRejected, match="sum to 120") as refused:
        chosen_model({"name": "position", "first_share_percent": 80})
    assert refused.value.parameter == "first_share_percent"
