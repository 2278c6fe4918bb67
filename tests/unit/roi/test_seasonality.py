"""The seasonality index: worked examples, its mean, and where it is not told."""

from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.roi.answers.assemble import Answer, Figures, Row
from services.roi.answers.dictionary import DIMENSIONS, METRICS
from services.roi.answers.dimensions.weekday import WEEKDAYS, weekday_word
from services.roi.answers.doubt import Doubt
from services.roi.answers.filters import read_filter
from services.roi.answers.seasonality import (
    INDEX,
    days_by_word,
    index_of,
    recurring,
    with_seasons,
)
from services.roi.answers.values import RATIO_STEPS, Ratio, Value

WEEKDAY, MONTH_OF_YEAR = DIMENSIONS["weekday"], DIMENSIONS["month_of_year"]
SHOWN = (METRICS["clicks"], METRICS["likes"], METRICS["net_revenue"], METRICS["aov"])
NO_DOUBT = Doubt({}, None, None)
# 2026-03-02 is a Monday.
FORTNIGHT = [date(2026, 3, 2) + timedelta(days=number) for number in range(14)]


def test_the_example_of_the_dictionary() -> None:
    found = index_of(*INDEX.example.sums.values())
    assert isinstance(found, Ratio)
    assert Fraction(found.numerator, found.denominator) == INDEX.example.value


def row(word: str | None, clicks: int = 0, likes: int | None = 0, net: int | None = 0) -> Row:
    figures: Figures = {
        "clicks": clicks,
        "likes": likes,
        "net_revenue": (("EUR", net),),
        "aov": (("EUR", None),),
    }
    return Row({"weekday": word}, word or "overhead", figures, NO_DOUBT)


def told(*rows: Row, days: Counter[str] | None = None) -> list[tuple[int, Figures] | None]:
    """Return the days and indexes of rows by weekday; None for a row without."""
    answer = Answer(rows, {}, {}, {}, ("EUR",), ())
    sample = days_by_word(WEEKDAY, FORTNIGHT, ()) if days is None else days
    found = with_seasons(answer, WEEKDAY, SHOWN, sample)
    seasons = [one.season for one in found.rows]
    return [None if one is None else (one.days, one.index) for one in seasons]


def six(numerator: int) -> Ratio:
    return Ratio(numerator, RATIO_STEPS)


def test_the_index_is_the_mean_of_a_day_over_the_mean_of_all_days() -> None:
    # 84 in 14 days are 6 a day. 30 on two Mondays are 15 a day: 2.5 times as much.
    assert index_of(30, 2, 84, 14) == six(2_500_000)
    assert index_of(Ratio(15, 2), 1, Ratio(45, 2), 6) == six(2_000_000)
    assert index_of(1, 3, 7, 7) == six(333_333)


def test_each_additive_figure_of_a_row_has_an_index() -> None:
    monday, sunday, overhead = told(
        row("monday", 30, 4, 900), row("sunday", 54, 0, 100), row(None, 7, 7, 7)
    )
    assert monday == (
        2,
        {
            "clicks": six(2_500_000),
            "likes": six(7_000_000),
            "net_revenue": (("EUR", six(6_300_000)),),
        },
    )
    assert sunday == (
        2,
        {"clicks": six(4_500_000), "likes": six(0), "net_revenue": (("EUR", six(700_000)),)},
    )
    assert overhead is None


def test_a_season_that_was_not_seen_twice_has_no_index_but_its_days() -> None:
    once, twice = told(
        row("monday", 30), row("sunday", 54), days=Counter({"monday": 1, "sunday": 2})
    )
    assert once is not None
    assert twice is not None
    assert (once[0], once[1]["clicks"]) == (1, None)
    # All days are in the mean of all days: 84 in 3 days are 28 a day.
    assert (twice[0], twice[1]["clicks"]) == (2, six(964_286))


@pytest.mark.parametrize(("days", "index"), [(55, None), (56, six(1_000_000))])
def test_a_month_needs_as_many_days_as_two_of_the_shortest(days: int, index: Value) -> None:
    may = Row({"month_of_year": "may"}, "may", {"clicks": 9}, NO_DOUBT)
    answer = Answer((may,), {}, {}, {}, ("EUR",), ())
    found = with_seasons(answer, MONTH_OF_YEAR, (METRICS["clicks"],), {"may": days})
    season = found.rows[0].season
    assert season is not None
    assert (season.days, season.index["clicks"]) == (days, index)


def test_what_is_missing_is_not_zero() -> None:
    # Nobody counted the likes of Mondays. An amount without a rate makes the mean unknown.
    monday, sunday = told(row("monday", 30, None, None), row("sunday", 54, 2, 100))
    assert monday is not None
    assert sunday is not None
    assert (monday[1]["likes"], sunday[1]["likes"]) == (None, six(7_000_000))
    assert monday[1]["net_revenue"] == sunday[1]["net_revenue"] == (("EUR", None),)


@pytest.mark.parametrize("net", [0, -5])
def test_there_is_no_index_of_a_sum_that_is_not_above_zero(net: int) -> None:
    (monday,) = told(row("monday", net=net))
    assert monday is not None
    assert monday[1]["net_revenue"] == (("EUR", None),)


def test_filters_by_time_choose_the_days() -> None:
    march = read_filter(DIMENSIONS["month"], "2026-03")
    no_sunday = read_filter(WEEKDAY, "-sunday")
    of_mia = read_filter(DIMENSIONS["platform"], "tiktok")
    days = [*FORTNIGHT, date(2026, 4, 6)]
    assert days_by_word(WEEKDAY, days, ())["monday"] == 3
    chosen = days_by_word(WEEKDAY, days, (march, no_sunday, of_mia))
    assert chosen == {word: 2 for word in WEEKDAYS if word != "sunday"}


def test_only_rows_by_one_dimension_that_comes_again_have_seasons() -> None:
    assert recurring((WEEKDAY,)) is WEEKDAY
    assert recurring((MONTH_OF_YEAR,)) is MONTH_OF_YEAR
    assert recurring((WEEKDAY, DIMENSIONS["hour"])) is None
    assert recurring((DIMENSIONS["month"],)) is None
    assert recurring((DIMENSIONS["creator"],)) is None


@given(st.lists(st.integers(0, 10**9), min_size=7, max_size=7), st.integers(14, 400))
def test_weighted_by_days_the_mean_index_is_one(clicks: list[int], length: int) -> None:
    sample = Counter(weekday_word(FORTNIGHT[0] + timedelta(days=n)) for n in range(length))
    found = told(
        *[row(word, number) for word, number in zip(WEEKDAYS, clicks, strict=True)], days=sample
    )
    indexes = [(one[0], one[1]["clicks"]) for one in found if one is not None]
    if not sum(clicks):
        assert {index for _, index in indexes} == {None}
        return
    weighted = sum(days * index.numerator for days, index in indexes if isinstance(index, Ratio))
    # Each of the seven is rounded by at most half a millionth.
    assert abs(weighted - length * RATIO_STEPS) <= length
