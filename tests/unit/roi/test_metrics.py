"""Every metric's formula by example, and the promises of the dictionary."""

from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.dictionary import MEASURES, METRICS
from services.roi.answers.kinds import Metric
from services.roi.answers.values import Ratio, Unit, Value, divide
from shared.events import Stage

# The worked example of the market study: cost 10,000, attributed revenue 25,000, margin 40 %.
EXAMPLE: dict[str, int | None] = {
    "clicks": 400,
    "units": 12_500_000,
    "paid_units": 10_000_000,
    "paid_units_in_currency": 8_000_000,
    "placed_paid_units": 11_500_000,
    "net_revenue": 2_500_000,
    "contribution": 1_000_000,
    "cost": 1_000_000,
    "leads": 4_000_000,
    "sign_ups": 1_500_000,
    "downloads": 500_000,
    "purchases": 8_000_000,
    "retained_orders": 2_000_000,
    "advocacy_conversions": 0,
    "referrals": 20,
    "flagged_clicks": 35,
    "contribution_at_awareness": 0,
    "contribution_at_engagement": 0,
    "contribution_at_consideration": 0,
    "contribution_at_purchase": 750_000,
    "contribution_at_retention": 250_000,
    "contribution_at_advocacy": 0,
    # Two million showings, half a million views, four engagements of a hundred showings in two.
    "impressions": 2_000_000,
    "views": 500_000,
    "likes": 30_000,
    "comments": 2_000,
    "shares": 5_000,
    "saves": 3_000,
    "engagements": 40_000,
    "watch_seconds": 7_500_000,
    "link_taps": 600,
    "followers_gained": 250,
    "counts_fallen": -5,
    "impressions_reports": 3,
    "views_reports": 3,
    "likes_reports": 3,
    "comments_reports": 3,
    "shares_reports": 3,
    "saves_reports": 3,
    "engagements_reports": 12,
    "watch_seconds_reports": 2,
    "link_taps_reports": 1,
    "followers_gained_reports": 1,
}
COUNTS: dict[str, int] = {
    name: count for name in EXAMPLE if (count := EXAMPLE[name]) and f"{name}_reports" in EXAMPLE
}
NOTHING: dict[str, int | None] = dict.fromkeys(MEASURES, 0)


def compute(metric: Metric, sums: dict[str, int | None]) -> Value:
    """The value of a metric for these sums of measures."""
    return metric.compute(*[sums[name] for name in metric.inputs])


def exact(value: Value) -> Fraction:
    """A value as a reduced fraction."""
    assert value is not None
    return Fraction(value.numerator, value.denominator)


@pytest.mark.parametrize(
    ("metric_id", "value"),
    [
        ("clicks", 400),
        ("conversions", Fraction(25, 2)),
        ("orders_placed", Fraction(23, 2)),
        ("orders_kept", 10),
        ("net_revenue", 2_500_000),
        ("cost", 1_000_000),
        ("profit", 0),
        ("roi", Fraction(0)),
        ("roas", Fraction(5, 2)),
        ("cpa", Fraction(100_000)),
        ("cpc", Fraction(2_500)),
        ("aov", Fraction(312_500)),
        ("conversion_rate", Fraction(1, 32)),
        ("contribution", 1_000_000),
        ("bcr", Fraction(1)),
        ("leads", 4),
        ("sign_ups", Fraction(3, 2)),
        ("downloads", Fraction(1, 2)),
        ("purchases", 8),
        ("retained_orders", 2),
        ("advocacy_conversions", 0),
        ("referrals", 20),
        ("flagged_clicks", 35),
        ("cost_per_lead", Fraction(250_000)),
        ("cost_per_retained_order", Fraction(500_000)),
        ("cost_per_referral", Fraction(50_000)),
        ("contribution_at_awareness", 0),
        ("contribution_at_engagement", 0),
        ("contribution_at_consideration", 0),
        ("contribution_at_purchase", 750_000),
        ("contribution_at_retention", 250_000),
        ("contribution_at_advocacy", 0),
        ("impressions", 2_000_000),
        ("views", 500_000),
        ("engagements", 40_000),
        ("likes", 30_000),
        ("comments", 2_000),
        ("shares", 5_000),
        ("saves", 3_000),
        ("watch_seconds", 7_500_000),
        ("link_taps", 600),
        ("followers_gained", 250),
        # 10,000.00 for 2,000 thousand showings: 5.00 a thousand.
        ("cpm", Fraction(500)),
        # 10,000.00 for 500,000 views: 0.02 each.
        ("cpv", Fraction(2)),
        # 10,000.00 for 40,000 engagements: 0.25 each.
        ("cpe", Fraction(25)),
        # 40,000 engagements of 500,000 views and of 2,000,000 showings: 8 % and 2 %.
        ("engagement_rate_by_views", Fraction(2, 25)),
        ("engagement_rate_by_impressions", Fraction(1, 50)),
    ],
)
def test_the_formula_of_each_metric(metric_id: str, value: Fraction | int) -> None:
    assert exact(compute(METRICS[metric_id], EXAMPLE)) == value


def test_every_metric_and_measure_has_an_example() -> None:
    assert set(METRICS) == {
        "clicks",
        "conversions",
        "orders_placed",
        "orders_kept",
        "net_revenue",
        "cost",
        "profit",
        "roi",
        "roas",
        "cpa",
        "cpc",
        "aov",
        "conversion_rate",
        "contribution",
        "bcr",
        "leads",
        "sign_ups",
        "downloads",
        "purchases",
        "retained_orders",
        "advocacy_conversions",
        "referrals",
        "flagged_clicks",
        "cost_per_lead",
        "cost_per_retained_order",
        "cost_per_referral",
        *(f"contribution_at_{stage}" for stage in get_args(Stage)),
        "impressions",
        "views",
        "engagements",
        "likes",
        "comments",
        "shares",
        "saves",
        "watch_seconds",
        "link_taps",
        "followers_gained",
        "cpm",
        "cpv",
        "cpe",
        "engagement_rate_by_views",
        "engagement_rate_by_impressions",
    }
    assert set(EXAMPLE) == set(MEASURES)


RATIOS = ["roi", "roas", "cpa", "cpc", "aov", "conversion_rate", "cpm", "cpv", "cpe"]
RATES = ["engagement_rate_by_views", "engagement_rate_by_impressions"]


@pytest.mark.parametrize("metric_id", [*RATIOS, *RATES])
def test_a_ratio_over_nothing_is_null_and_never_zero(metric_id: str) -> None:
    assert compute(METRICS[metric_id], NOTHING) is None
    assert not METRICS[metric_id].additive


def test_nothing_that_happened_is_zero() -> None:
    for metric in METRICS.values():
        if metric.additive and not metric.may_be_missing:
            assert exact(compute(metric, NOTHING)) == 0, metric.id


def test_a_count_that_nobody_reported_is_null_and_one_of_zero_is_zero() -> None:
    counted = [metric for metric in METRICS.values() if metric.may_be_missing]
    assert {metric.id for metric in counted} == set(COUNTS)
    for metric in counted:
        assert compute(metric, NOTHING) is None, metric.id
        assert compute(metric, NOTHING | {f"{metric.id}_reports": 1}) == 0, metric.id


@pytest.mark.parametrize(
    ("metric_id", "base"),
    [
        ("cpm", "impressions"),
        ("cpv", "views"),
        ("cpe", "engagements"),
        ("engagement_rate_by_views", "views"),
        ("engagement_rate_by_views", "engagements"),
        ("engagement_rate_by_impressions", "impressions"),
    ],
)
def test_a_ratio_of_counts_needs_reports_and_a_base_above_zero(metric_id: str, base: str) -> None:
    metric = METRICS[metric_id]
    assert compute(metric, EXAMPLE | {f"{base}_reports": 0}) is None
    if base in metric.formula:
        assert compute(metric, EXAMPLE | {base: -1}) is None
        assert compute(metric, EXAMPLE | {base: 0}) is None


@pytest.mark.parametrize(
    ("sums", "nulls"),
    [
        ({**EXAMPLE, "net_revenue": None}, {"net_revenue", "roas", "aov"}),
        ({**EXAMPLE, "contribution": None}, {"contribution", "bcr", "profit", "roi"}),
        (
            {**EXAMPLE, "cost": None},
            {
                *{"cost", "profit", "roi", "bcr", "roas", "cpa", "cpc", "cpm", "cpv", "cpe"},
                *{"cost_per_lead", "cost_per_retained_order", "cost_per_referral"},
            },
        ),
    ],
)
def test_what_is_missing_makes_missing_what_is_made_of_it(
    sums: dict[str, int | None], nulls: set[str]
) -> None:
    assert {metric.id for metric in METRICS.values() if compute(metric, sums) is None} == nulls


def test_a_loss_is_a_negative_return() -> None:
    sums = {**EXAMPLE, "contribution": 250_000}
    assert compute(METRICS["profit"], sums) == -750_000
    assert compute(METRICS["roi"], sums) == Ratio(-750_000, 1_000_000)


def test_the_dictionary_says_everything_about_each_metric() -> None:
    for metric in METRICS.values():
        texts = (metric.name, metric.formula, metric.basis, metric.empty_value, metric.source)
        assert all(texts), metric.id
        assert metric.inputs
        assert metric.version >= 1
        assert metric.per_currency or metric.unit is not Unit.MONEY


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
