"""The model `last_non_brand`: the last step of a creator takes all."""

from services.attribution.domain.models.last_non_brand import shares
from services.attribution.domain.steps import ALL, NOTHING
from tests.factories import days
from tests.unit.attribution.model_inputs import steps_aged

AGES = (days(3), days(2), days(1))


def winner(*brand_at: int) -> int:
    """The place of the step that takes all, when those at `brand_at` are the brand's own."""
    found = list(shares(steps_aged("last_non_brand", *AGES, brand_at=brand_at)))
    assert sorted(found) == sorted([ALL, NOTHING, NOTHING])
    return found.index(ALL)


def test_the_brand_s_own_content_is_passed_over() -> None:
    assert winner() == 2
    assert winner(2) == 1
    assert winner(1, 2) == 0


def test_when_all_is_the_brand_s_own_the_last_takes_all() -> None:
    assert winner(0, 1, 2) == 2
