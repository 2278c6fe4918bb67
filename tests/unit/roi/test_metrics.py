"""The formula of every metric by its own example, and the promises of the dictionary.

Each metric carries its example, so a new metric needs no line here.
"""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from operator import attrgetter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.dictionary import MEASURES, METRICS, measures_of
from services.roi.answers.kinds import Fact, Metric
from services.roi.answers.measures.cost import COST
from services.roi.answers.metrics.cost_by_kind import COSTS_BY_KIND
from services.roi.answers.values import Ratio, Unit, Value, divide
from services.roi.wire.cost_shapes import CostKind

ID = attrgetter("id")
ALL = list(METRICS.values())
SUMS = [metric for metric in ALL if metric.additive]
RATIOS = [metric for metric in ALL if not metric.additive]


def compute(metric: Metric, sums: Mapping[str, int | None]) -> Value:
    """The value of a metric for these sums of measures."""
    return metric.compute(*[sums[name] for name in metric.inputs])


def exact(value: Value) -> Fraction:
    """A value as a reduced fraction."""
    assert value is not None
    return Fraction(value.numerator, value.denominator)


def nothing(metric: Metric) -> dict[str, int | None]:
    """The sums of a metric where nothing happened and nobody reported anything."""
    return dict.fromkeys(metric.inputs, 0)


def reports_of(metric: Metric) -> list[str]:
    """The inputs that say how many reports, rates or leads tell a figure."""
    known_by = ("_reports", "_known", "open_leads")
    return [name for name in metric.inputs if name.endswith(known_by) and name != metric.id]


def lacking_of(metric: Metric) -> list[str]:
    """The inputs that say how much has no rate, no worth or no count."""
    ends = ("_without_rate", "_without_worth", "_without_count")
    return [name for name in metric.inputs if name.endswith(ends)]


@pytest.mark.parametrize("metric", ALL, ids=ID)
def test_the_worked_example_of_each_metric(metric: Metric) -> None:
    assert set(metric.example.sums) == set(metric.inputs)
    assert exact(compute(metric, metric.example.sums)) == metric.example.value
    assert metric.example.value, "an example of zero would hold for many formulas"


@pytest.mark.parametrize("metric", ALL, ids=ID)
def test_each_input_has_an_effect_on_its_metric(metric: Metric) -> None:
    """A formula that forgets one of its measures is found by setting it to another value."""
    before = compute(metric, metric.example.sums)
    for name in metric.inputs:
        if name.endswith("_known"):
            # One stage with a rate is enough, so the rates are taken away together.
            others = {known: 0 for known in metric.inputs if known.endswith("_known")}
        elif name in reports_of(metric):
            others = {name: 0}
        else:
            others = {name: metric.example.sums[name] * 2 or 1}
        changed = compute(metric, {**metric.example.sums, **others})
        assert changed is None or exact(changed) != exact(before), name


@pytest.mark.parametrize("metric", [one for one in ALL if lacking_of(one)], ids=ID)
def test_a_volume_without_a_worth_makes_missing_what_values_it(metric: Metric) -> None:
    for name in lacking_of(metric):
        assert compute(metric, {**metric.example.sums, name: 1}) is None, name


@pytest.mark.parametrize("metric", RATIOS, ids=ID)
def test_a_ratio_over_nothing_is_null_and_never_zero(metric: Metric) -> None:
    assert compute(metric, nothing(metric)) is None


@pytest.mark.parametrize("metric", SUMS, ids=ID)
def test_nothing_that_happened_is_zero_and_what_nobody_reported_is_null(metric: Metric) -> None:
    sums = nothing(metric)
    assert metric.may_be_missing == bool(reports_of(metric) or lacking_of(metric))
    if reports_of(metric):
        assert compute(metric, sums) is None
        sums = {**sums, **dict.fromkeys(reports_of(metric), 1)}
    assert exact(compute(metric, sums)) == 0


# Followers are told of an account and not reported of content: another input counts what lacks.
FOLLOWERS = "audience_followers"
COUNTED = [one for one in RATIOS if reports_of(one) and not lacking_of(one)]


@pytest.mark.parametrize("metric", COUNTED, ids=ID)
def test_a_ratio_of_counts_needs_reports_and_a_base_above_zero(metric: Metric) -> None:
    for name in reports_of(metric):
        assert compute(metric, {**metric.example.sums, name: 0}) is None, name
    base = next(name for name in metric.inputs[1:] if not name.endswith("_reports"))
    assert f"{base}_reports" in metric.inputs or base == FOLLOWERS
    for count in (0, -1):
        assert compute(metric, {**metric.example.sums, base: count}) is None


@pytest.mark.parametrize("metric", ALL, ids=ID)
def test_a_missing_amount_makes_missing_what_is_made_of_it(metric: Metric) -> None:
    for name in metric.inputs:
        if MEASURES[name].unit is Unit.MONEY:
            assert compute(metric, {**metric.example.sums, name: None}) is None, name


def test_a_loss_is_a_negative_return() -> None:
    sums = {"contribution": 250_000, "cost": 1_000_000}
    assert compute(METRICS["profit"], sums) == -750_000
    assert compute(METRICS["roi"], sums) == Ratio(-750_000, 1_000_000)


def test_the_dictionary_says_everything_about_each_metric() -> None:
    for metric in METRICS.values():
        texts = (metric.name, metric.formula, metric.basis, metric.empty_value, metric.source)
        assert all(texts), metric.id
        assert metric.inputs
        assert metric.version >= 1
        assert metric.per_currency or metric.unit is not Unit.MONEY


def test_a_metric_comes_with_all_that_its_measures_are_made_of() -> None:
    """The first is made of the second, the second of the third."""
    clicks = MEASURES["clicks"]
    made_of = {"first": ("second",), "second": ("third",), "third": ()}
    measures = {
        name: dataclasses.replace(clicks, id=name, made_of=parts) for name, parts in made_of.items()
    }
    metric = dataclasses.replace(METRICS["clicks"], inputs=("first",))
    assert {measure.id for measure in measures_of([metric], measures)} == set(made_of)
    assert MEASURES["sign_ups"] in measures_of([METRICS["assumed_at_consideration"]])


def test_each_kind_of_cost_that_may_be_entered_has_a_measure_and_a_metric() -> None:
    """A kind without a measure would be in `cost` and in no part of it."""
    kinds = set(get_args(CostKind))
    assert set(COSTS_BY_KIND) == kinds
    names = {f"cost_of_{kind}" for kind in kinds}
    assert {metric.id for metric in COSTS_BY_KIND.values()} == names
    of_costs = {measure.id for measure in MEASURES.values() if measure.fact is Fact.COSTS}
    assert of_costs - {COST.id} == names


def test_divide_is_exact() -> None:
    assert divide(1, 3) == Ratio(1, 3)
    assert divide(0, 3) == Ratio(0, 3)
    assert divide(1, 0) is None
    assert divide(None, 3) is None


@given(
    st.integers(-(10**18), 10**18),
    st.integers(-(10**9), 10**9).filter(bool),
    st.sampled_from([1, 2, 10, 1_000_000]),
)
def test_a_ratio_rounds_half_to_even_as_fractions_do(
    numerator: int, denominator: int, factor: int
) -> None:
    assert Ratio(numerator, denominator).times(factor) == round(
        Fraction(numerator * factor, denominator)
    )


@given(st.integers(-50, 50), st.sampled_from([-8, -4, -2, 2, 4, 8]))
def test_a_ratio_rounds_ties_to_even(numerator: int, denominator: int) -> None:
    assert Ratio(numerator, denominator).times(1) == round(Fraction(numerator, denominator))
