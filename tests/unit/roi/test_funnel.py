"""The funnel of a row: leading volumes, rates, returns per unit of cost, gaps."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.assemble import Figures, Values
from services.roi.answers.dictionary import METRICS
from services.roi.answers.funnel.funnel import Funnel, funnel_of
from services.roi.answers.funnel.stages import FUNNEL, FUNNEL_METRICS, STAGES
from services.roi.answers.kinds import Layer
from services.roi.answers.metrics.contribution_by_stage import contribution_at
from services.roi.answers.values import Ratio, Value
from shared.events import Stage
from tests.unit.roi.test_metrics import exact


def figures_of(currencies: tuple[str, ...] = ("EUR",), /, **given: Value) -> Figures:
    """Figures of a row; what is not given is zero, the same in each currency."""
    found: dict[str, Value | Values] = {}
    for metric in FUNNEL_METRICS:
        value = given.get(metric.id, 0)
        is_money = metric.per_currency
        found[metric.id] = tuple((code, value) for code in currencies) if is_money else value
    return found


def stage_of(funnel: Funnel, stage: Stage) -> int:
    return [each.stage for each in funnel.stages].index(stage)


def test_every_metric_of_a_stage_is_in_the_funnel() -> None:
    assert tuple(stage.stage for stage in FUNNEL) == STAGES
    shown = {
        metric.id
        for stage in FUNNEL
        for metric in (*stage.volumes, *stage.costs, *stage.returns.values())
    }
    assert shown == {metric.id for metric in METRICS.values() if metric.stage is not None}
    assert "clicks" in shown
    assert "cpc" in shown


def test_a_worked_example() -> None:
    """Cost 100.00; 200 clicks, 8 first orders that brought 120.00, 2 later ones that brought 33.33.

    By hand: 8 ÷ 200 = 0.04; 2 ÷ 8 = 0.25; 120.00 ÷ 100.00 = 1.2; 33.33 ÷ 100.00 = 0.3333.
    """
    funnel = funnel_of(
        figures_of(
            cost=10_000,
            clicks=200,
            cpc=50,
            purchases=Ratio(8_000_000, 1_000_000),
            retained_orders=Ratio(2_000_000, 1_000_000),
            contribution_at_purchase=12_000,
            contribution_at_retention=3_333,
        )
    )
    consideration, purchase, retention = (
        funnel.stages[stage_of(funnel, name)] for name in ("consideration", "purchase", "retention")
    )
    assert consideration.volumes["clicks"] == 200
    assert consideration.costs["cpc"] == (("EUR", 50),)
    assert exact(purchase.rate) == Fraction(4, 100)
    assert purchase.rate_of == ("purchases", "clicks")
    assert exact(retention.rate) == Fraction(1, 4)
    assert exact(purchase.per_cost[Layer.BOOKED][0][1]) == Fraction(12, 10)
    assert exact(retention.per_cost[Layer.BOOKED][0][1]) == Fraction(3_333, 10_000)
    assert exact(funnel.bcr[Layer.BOOKED][0][1]) == Fraction(15_333, 10_000)
    assert funnel.cost == (("EUR", 10_000),)
    assert "no content serves advocacy" in funnel.gaps
    assert not any("purchase" in gap or "consideration" in gap for gap in funnel.gaps)


def test_without_cost_there_is_no_return_per_cost() -> None:
    for cost in (0, None):
        funnel = funnel_of(figures_of(cost=cost, contribution_at_purchase=5))
        assert funnel.bcr[Layer.BOOKED] == (("EUR", None),)
        assert all(stage.per_cost[Layer.BOOKED] == (("EUR", None),) for stage in funnel.stages)
        assert funnel.stages[stage_of(funnel, "purchase")].returns[Layer.BOOKED] == (("EUR", 5),)


def test_a_rate_over_nothing_is_null_and_never_zero() -> None:
    funnel = funnel_of(figures_of(clicks=0, purchases=Ratio(1_000_000, 1_000_000)))
    assert funnel.stages[stage_of(funnel, "purchase")].rate is None


def test_totals_have_no_ratios() -> None:
    given = {"cost": 100, "clicks": 10, "cpc": 10, "contribution_at_purchase": 50}
    funnel = funnel_of(figures_of(**given), has_ratios=False)
    assert funnel.bcr[Layer.BOOKED] == (("EUR", None),)
    assert funnel.stages[stage_of(funnel, "consideration")].costs["cpc"] == (("EUR", None),)
    assert funnel.stages[stage_of(funnel, "purchase")].returns[Layer.BOOKED] == (("EUR", 50),)


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=6, max_size=6),
    st.integers(-(10**9), 10**9).filter(bool),
    st.sampled_from([("EUR",), ("EUR", "JPY")]),
)
def test_the_stages_of_a_layer_add_up_to_its_ratio(
    booked: list[int], cost: int, currencies: tuple[str, ...]
) -> None:
    amounts = {contribution_at(stage): amount for stage, amount in zip(STAGES, booked, strict=True)}
    funnel = funnel_of(figures_of(currencies, cost=cost, **amounts))
    for number in range(len(currencies)):
        whole = exact(funnel.bcr[Layer.BOOKED][number][1])
        parts = [exact(stage.per_cost[Layer.BOOKED][number][1]) for stage in funnel.stages]
        assert sum(parts) == whole
        assert whole == round(Fraction(sum(booked), cost), 6)
        for part, amount in zip(parts, booked, strict=True):
            assert abs(part - Fraction(amount, cost)) < Fraction(1, 10**6)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_brought_something_is_no_gap(stage: Stage) -> None:
    funnel = funnel_of(figures_of(**{contribution_at(stage): -1}))
    assert len(funnel.gaps) == len(STAGES) - 1
    assert not any(gap.endswith(stage) for gap in funnel.gaps)


known_or_not = st.one_of(st.none(), st.integers(-(10**9), 10**9))


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=6, max_size=6),
    st.lists(known_or_not, min_size=3, max_size=3),
    st.integers(-(10**9), 10**9).filter(bool),
    st.booleans(),
)
def test_each_layer_adds_up_to_its_own_part_and_moves_no_other(
    booked: list[int], assumed: list[int | None], cost: int, is_missing: bool
) -> None:
    """A stage may be unknown; a missing rate (`is_missing`) makes the whole layer unknown."""
    amounts = {contribution_at(stage): amount for stage, amount in zip(STAGES, booked, strict=True)}
    stages = ("awareness", "engagement", "consideration")
    known = [amount for amount in assumed if amount is not None]
    without = dict.fromkeys((*(f"assumed_at_{stage}" for stage in stages), "assumed_return"))
    valued: dict[str, Value] = {
        f"assumed_at_{stage}": amount for stage, amount in zip(stages, assumed, strict=True)
    }
    valued["assumed_return"] = None if is_missing or not known else sum(known)
    alone = funnel_of(figures_of(cost=cost, **amounts, **without))
    funnel = funnel_of(figures_of(cost=cost, **amounts, **valued))
    assert funnel.bcr[Layer.BOOKED] == alone.bcr[Layer.BOOKED]
    for stage, before in zip(funnel.stages, alone.stages, strict=True):
        assert stage.returns[Layer.BOOKED] == before.returns[Layer.BOOKED]
        assert stage.per_cost[Layer.BOOKED] == before.per_cost[Layer.BOOKED]
        assert stage.per_cost[Layer.MODELLED] == before.per_cost[Layer.MODELLED]
    parts = [stage.per_cost[Layer.ASSUMED][0][1] for stage in funnel.stages]
    upon = funnel.bcr[Layer.ASSUMED][0][1]
    if valued["assumed_return"] is None:
        assert upon is None
        assert parts == [None] * len(STAGES)
        return
    part = exact(upon) - exact(funnel.bcr[Layer.BOOKED][0][1])
    assert sum(exact(each) for each in parts if each is not None) == part
    assert part == round(Fraction(sum(known), cost), 6)
    assert [each is None for each in parts[:3]] == [amount is None for amount in assumed]
