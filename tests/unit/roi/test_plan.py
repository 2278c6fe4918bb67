"""The planner uses the cheapest tables that hold the requested data, and reads every day once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.catalog_facts import Margin
from services.roi.answers.dictionary import DIMENSIONS, MEASURES, METRICS_IN_ORDER, measures_of
from services.roi.answers.kinds import Dimension, Fact, FromRow, Grain
from services.roi.answers.plan import FactPlan, Plan, Wanted, cheapest_grain, plan_answer
from services.roi.answers.span import Moments, Span
from services.roi.answers.tables import Source

ALL = measures_of(METRICS_IN_ORDER)
DAY = timedelta(days=1)
YEAR = Span(date(2025, 1, 1), date(2025, 12, 31), date(2025, 1, 1), date(2025, 12, 31))
JULY_15 = Margin(date(2025, 7, 15), 400_000)


def planned(
    *names: str, span: Span = YEAR, margins: tuple[Margin, ...] = (), is_now: bool = True
) -> Plan:
    wanted = Wanted(ALL, tuple(DIMENSIONS[name] for name in names), "conversion_time")
    return plan_answer(wanted, span, margins, is_now=is_now)


def of(plan: Plan, fact: Fact) -> FactPlan:
    (found,) = [one for one in plan.facts if one.shape.fact is fact]
    return found


@pytest.mark.parametrize(
    "name", ["creator", "tier", "country", "month", "quarter", "stage", "model"]
)
def test_whole_months_are_read_where_every_dimension_allows_it(name: str) -> None:
    plan = planned(name)
    for fact in (Fact.CREDITS, Fact.TOUCHES):
        assert len(of(plan, fact).months) == 12
        assert of(plan, fact).shape.sources == (Source.MONTHS,)
    assert plan.source is Grain.MONTHS


@pytest.mark.parametrize("name", ["day", "week"])
def test_days_and_weeks_are_read_by_the_day(name: str) -> None:
    plan = planned("creator", name)
    assert plan.source is Grain.DAYS
    months = {day.month for fact_plan in plan.facts for day in fact_plan.months}
    # February 2027 alone is four whole weeks; no month of 2025 is.
    assert months == set()


def test_a_margin_that_changes_within_a_month_cuts_that_month_for_credits_alone() -> None:
    plan = planned("creator", margins=(JULY_15,))
    credits, touches = of(plan, Fact.CREDITS), of(plan, Fact.TOUCHES)
    assert date(2025, 7, 1) not in credits.months
    assert (len(credits.months), len(credits.days)) == (11, 31)
    assert len(touches.months) == 12
    assert plan.margins == [(YEAR.from_on, None), (date(2025, 7, 15), 400_000)]


def test_a_margin_is_not_looked_at_where_nothing_asks_for_it() -> None:
    wanted = Wanted((MEASURES["units"],), (DIMENSIONS["creator"],), "conversion_time")
    plan = plan_answer(wanted, YEAR, (JULY_15,), is_now=True)
    assert [one.shape.fact for one in plan.facts] == [Fact.CREDITS]
    assert len(of(plan, Fact.CREDITS).months) == 12


def test_a_past_moment_is_read_from_history_and_the_rows_of_its_day() -> None:
    plan = planned("creator", is_now=False)
    for fact_plan in plan.facts:
        assert fact_plan.shape.sources == (Source.HISTORY, Source.RECORDED_DAY)
        assert len(fact_plan.days) == 365
        assert not fact_plan.months
    assert plan.source is Grain.ENTRIES


def test_the_ends_of_a_span_between_times_are_read_from_raw_rows() -> None:
    noon = datetime(2025, 3, 10, 12, tzinfo=UTC)
    end = Moments(noon, noon + timedelta(hours=12), noon.date(), noon.date())
    span = Span(noon.date(), date(2025, 5, 1), date(2025, 3, 11), date(2025, 5, 1), (end,))
    plan = planned("creator", span=replace(span, times=(noon, noon + 60 * DAY)))
    for fact_plan in plan.facts:
        assert fact_plan.moments == (end,)
        assert fact_plan.shape.moments == 1
        assert fact_plan.months == [date(2025, 4, 1)]
    assert plan.source is Grain.ENTRIES


def test_a_column_that_no_rollup_has_is_read_from_raw_rows_of_the_whole_span() -> None:
    by_person = Dimension("person", "Person", FromRow("person_ref"))
    wanted = Wanted(ALL, (by_person,), "conversion_time")
    plan = plan_answer(wanted, YEAR, (), is_now=True)
    credits, touches = of(plan, Fact.CREDITS), of(plan, Fact.TOUCHES)
    assert credits.shape.columns == ("person_ref",)
    assert (credits.shape.sources, len(credits.moments)) == ((), 1)
    assert credits.moments[0].first_on == YEAR.from_on
    assert credits.moments[0].last_on == YEAR.to_on
    # Touches have no person: they keep their cheapest tables.
    assert touches.shape.columns == ()
    assert touches.shape.sources == (Source.MONTHS,)
    assert plan.source is Grain.ENTRIES


def test_a_measure_that_only_raw_rows_have_is_read_from_them() -> None:
    raw = replace(MEASURES["units"], id="raw_units", grains=frozenset({Grain.ENTRIES}))
    assert cheapest_grain(Fact.CREDITS, [raw, MEASURES["units"]], []) is Grain.ENTRIES
    daily = replace(raw, grains=frozenset({Grain.DAYS, Grain.ENTRIES}))
    assert cheapest_grain(Fact.CREDITS, [daily], ["stage"]) is Grain.DAYS
    with pytest.raises(LookupError):
        cheapest_grain(Fact.TOUCHES, [replace(raw, grains=frozenset())], [])


@given(
    st.dates(date(2024, 1, 1), date(2025, 12, 31)),
    st.integers(0, 500),
    st.lists(st.sampled_from(sorted(DIMENSIONS)), min_size=1, max_size=2, unique=True),
    st.lists(st.integers(0, 700), max_size=3),
)
def test_every_day_is_read_once(
    first: date, length: int, names: list[str], changes: list[int]
) -> None:
    last = first + length * DAY
    margins = tuple(Margin(date(2024, 1, 1) + shift * DAY, shift) for shift in sorted(changes))
    plan = planned(*names, span=Span(first, last, first, last), margins=margins)
    for fact_plan in plan.facts:
        read = list(fact_plan.days)
        for month in fact_plan.months:
            following = (month + 31 * DAY).replace(day=1)
            read += [month + n * DAY for n in range((following - month).days)]
        # A dimension that no rollup has is read from the raw rows of the same days.
        for raw in fact_plan.moments:
            read += [raw.first_on + n * DAY for n in range((raw.last_on - raw.first_on).days + 1)]
        assert sorted(read) == [first + n * DAY for n in range(length + 1)]
    assert plan.starts[0] == first
    assert plan.starts == sorted(set(plan.starts))
