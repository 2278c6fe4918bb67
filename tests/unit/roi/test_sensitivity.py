"""Sensitivity of the program: each input moved by 10 % alone, the strongest first."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.funnel.funnel import funnel_of
from services.roi.answers.funnel.sensitivity import INPUTS, Moved, sensitivity_of
from services.roi.answers.kinds import Layer
from services.roi.answers.metrics.contribution_by_stage import contribution_at
from tests.unit.roi.test_funnel import figures_of
from tests.unit.roi.test_metrics import exact

BOOKED = contribution_at("purchase")


def ratio(moved: Moved, side: str, layer: Layer) -> Fraction | None:
    value = getattr(moved, side)[layer][0][1]
    return None if value is None else exact(value)


def test_a_worked_example() -> None:
    """Contribution 150.00, assumed 30.00, cost 100.00: 80.00 of fees and 20.00 of travel.

    By hand, of 1.80: revenue ± 15.00 gives 1.65 and 1.95; a fee of 72.00 or 88.00 gives
    180 ÷ 92 = 1.956522 and 180 ÷ 108 = 1.666667; rates ± 3.00 give 1.77 and 1.83; travel of 18.00
    or 22.00 gives 180 ÷ 98 = 1.836735 and 180 ÷ 102 = 1.764706.
    """
    found = sensitivity_of(
        figures_of(
            cost=10_000,
            cost_of_fee=8_000,
            cost_of_travel=2_000,
            contribution=15_000,
            assumed_return=3_000,
            modelled_return=None,
        )
    )
    assert [moved.input for moved in found] == [
        *("net_revenue", "margin", "fee", "travel", "value_rates")
    ]
    revenue, _, fee, travel, rates = found
    top = Layer.ASSUMED
    assert (ratio(revenue, "lower", top), ratio(revenue, "higher", top)) == (
        Fraction("1.65"),
        Fraction("1.95"),
    )
    assert ratio(fee, "lower", top) == Fraction("1.956522")
    assert ratio(fee, "higher", top) == Fraction("1.666667")
    assert ratio(rates, "higher", top) == Fraction("1.83")
    assert ratio(travel, "lower", top) == Fraction("1.836735")
    # What is assumed moves nothing that is booked.
    assert ratio(rates, "higher", Layer.BOOKED) == Fraction("1.5")
    assert ratio(revenue, "higher", Layer.BOOKED) == Fraction("1.65")
    assert ratio(revenue, "higher", Layer.MODELLED) is None


def test_without_cost_or_benefit_nothing_moves() -> None:
    assert sensitivity_of(figures_of(contribution=100, cost=0)) == []
    assert sensitivity_of(figures_of(contribution=None, cost=100, cost_of_fee=100)) == []
    only_cost = sensitivity_of(figures_of(contribution=0, cost=100, cost_of_fee=100))
    assert only_cost == []


@given(
    st.integers(-(10**9), 10**9),
    st.one_of(st.none(), st.integers(-(10**9), 10**9)),
    st.lists(st.integers(0, 10**7), min_size=2, max_size=2),
)
def test_the_ratio_lies_between_less_and_more_and_the_strongest_comes_first(
    booked: int, assumed: int | None, costs: list[int]
) -> None:
    figures = figures_of(
        cost=sum(costs),
        cost_of_fee=costs[0],
        cost_of_tools=costs[1],
        contribution=booked,
        assumed_return=assumed,
        assumed_at_awareness=assumed,
        assumed_at_engagement=None,
        assumed_at_consideration=None,
        **{BOOKED: booked},
    )
    found = sensitivity_of(figures)
    assert {moved.input for moved in found} <= set(INPUTS)
    bcr = funnel_of(figures).bcr
    top = Layer.BOOKED if assumed is None else Layer.ASSUMED
    swings = []
    for moved in found:
        for layer in (Layer.BOOKED, top):
            lower, higher = ratio(moved, "lower", layer), ratio(moved, "higher", layer)
            assert lower is not None
            assert higher is not None
            here = exact(bcr[layer][0][1])
            # The layers of a funnel are rounded one by one.
            slack = Fraction(2, 10**6)
            assert min(lower, higher) - slack <= here <= max(lower, higher) + slack
        ends = [ratio(moved, side, top) for side in ("lower", "higher")]
        swings.append(abs(exact_of(ends[1]) - exact_of(ends[0])))
    assert all(more >= less - Fraction(2, 10**6) for more, less in pairwise(swings))


def exact_of(value: Fraction | None) -> Fraction:
    assert value is not None
    return value
