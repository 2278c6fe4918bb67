"""Lines: every value is there with its text, gaps stay gaps, ticks cover, labels keep apart."""

import gzip
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.charts.line_chart import HEIGHT_PX, LineChart, line_chart
from services.dashboard.charts.points import NO_FIGURE, Number, Point, Series
from services.dashboard.charts.ticks import STEPS_MOST, ticks
from tests.unit.dashboard.charts.reading import (
    MONEY,
    TEXTS,
    lists,
    of_class,
    outside,
    overlaps,
    read,
    share,
    text_boxes,
)

# A point says its label and its text twice: once aloud, once for the readout.
BYTES_OF_A_MONTH_MAX = 6_000
BYTES_OF_A_YEAR_MAX = 60_000


def euros(value: Decimal) -> str:
    return f"€{value:,.2f}"


def days(values: Sequence[int | None], first: date = date(2026, 3, 1)) -> list[Point]:
    """Return points of days that go over the change of the clocks on 29 March."""
    return [
        Point(
            f"{(day := first + timedelta(days=at)).day} {day:%b %Y}",
            value,
            "–" if value is None else euros(Decimal(value)),
            short=f"{day.day} {day:%b}",
        )
        for at, value in enumerate(values)
    ]


def chart(*series: Series, compared: Series | None = None) -> LineChart:
    return LineChart("net", "Net revenue by day", series, euros, compared)


def one(values: Sequence[int | None]) -> LineChart:
    return chart(Series("Net revenue", days(values)))


def test_each_value_is_an_item_with_its_label_and_text() -> None:
    points = days([5, 0, -12, 1234])
    before = days([1, 2, 3, 4], date(2026, 2, 1))
    svg = line_chart(chart(Series("Now", points), compared=Series("Before", before)))
    assert lists(svg) == {
        "Now": [(point.label, point.text) for point in points],
        "Before": [(point.label, point.text) for point in before],
    }
    lines = of_class(svg, "line")
    assert [path.get("class") for path in lines] == ["line series-1", "line series-1 compared"]


def test_a_missing_value_breaks_the_line_and_is_said() -> None:
    svg = line_chart(one([10, 20, None, 30, None, 40, 50]))
    (path,) = of_class(svg, "line")
    # One part before the gap and one after; 30 has no neighbour.
    assert [len(part.split()) // 2 for part in path.get("d", "").split("M")[1:]] == [2, 2]
    assert len(of_class(svg, "point")) == 5
    assert [dot.get("data-text") for dot in of_class(svg, "alone")] == ["€30.00"]
    gaps = of_class(svg, "gap")
    assert [gap.get("data-text") for gap in gaps] == [NO_FIGURE] * 2
    dots = [share(dot.get("cx")) for dot in of_class(svg, "point")]
    for gap in gaps:
        left = share(gap.get("x"))
        assert not any(left < dot < left + share(gap.get("width")) for dot in dots)


def test_missing_is_not_zero() -> None:
    with_gap, with_zero = line_chart(one([9, None, 9])), line_chart(one([9, 0, 9]))
    assert len(of_class(with_gap, "point")) == 2
    assert len(of_class(with_zero, "point")) == 3


def test_one_point_is_a_dot_and_none_is_a_sentence() -> None:
    (dot,) = of_class(line_chart(one([7])), "point")
    assert dot.get("class") == "point alone"
    assert not of_class(line_chart(one([7])), "line")
    for nothing in ([], [None, None]):
        (words,) = of_class(line_chart(one(nothing)), "words")
        assert words.text == "No figure in this period"


def test_the_ends_of_an_interval_are_drawn_and_said() -> None:
    points = [
        Point("May", Decimal("0.5"), "50 %", None, Decimal("-0.2"), 2, "-20 to 200 %"),
        Point("June", Decimal("0.4"), "40 %"),
        Point("July", Decimal("0.4"), "40 %", low=0, high=1, interval_text="0 to 100 %"),
    ]
    svg = line_chart(LineChart("roi", "ROI", [Series("ROI", points)], str))
    assert lists(svg)["ROI"][0] == ("May", "50 % (-20 to 200 %)")
    (band,) = of_class(svg, "band")
    assert band.get("d", "").count("Z") == 2
    tick_texts = [text.text for text in read(svg).iter("text")]
    assert {"-1.0", "2.0"} <= set(tick_texts)


def test_the_line_of_zero_is_marked_and_values_lie_in_order() -> None:
    svg = line_chart(one([-5, 0, 5]))
    (axis,) = of_class(svg, "axis")
    heights = [float(dot.get("cy", "")) for dot in of_class(svg, "point")]
    assert heights[0] > heights[1] > heights[2]
    assert heights[1] == float(axis.get("d", "")[len("M0 ") : -len("H1000")])


def test_days_of_23_hours_are_as_wide_as_others() -> None:
    svg = line_chart(one(list(range(60))))
    places = [share(dot.get("cx")) for dot in of_class(svg, "point")]
    steps = [right - left for left, right in pairwise(places)]
    assert max(steps) - min(steps) <= 0.001001


def test_a_month_and_a_year_are_small() -> None:
    def drawn(point_count: int) -> bytes:
        points = [
            Point(point.short or "", point.value, point.text)
            for point in days([1_234 + 77 * (at % 9) for at in range(point_count)])
        ]
        return line_chart(chart(Series("Net revenue", points))).encode()

    month, year = drawn(30), drawn(366)
    assert len(month) <= BYTES_OF_A_MONTH_MAX
    assert len(gzip.compress(month)) <= BYTES_OF_A_MONTH_MAX / 4
    assert len(year) <= BYTES_OF_A_YEAR_MAX
    assert len(of_class(year.decode(), "point")) == 366
    assert "dense" in of_class(year.decode(), "values")[0].get("class", "")


def test_what_cannot_be_drawn_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="net: one to 3 series, 0"):
        chart()
    with pytest.raises(ValueError, match="differ in their number of points"):
        chart(Series("a", days([1])), Series("b", days([1, 2])))


NUMBERS = st.one_of(st.integers(-(10**15), 10**15), MONEY)


@given(st.lists(NUMBERS, max_size=30), st.booleans())
def test_ticks_cover_and_are_few_and_even(found: list[Number], whole: bool) -> None:
    marks = ticks(found, whole=whole)
    assert 2 <= len(marks) <= STEPS_MOST + 2
    assert 0 in marks
    for value in found:
        assert marks[0] <= value <= marks[-1]
    (step,) = {right - left for left, right in pairwise(marks)}
    assert step > 0
    assert not whole or all(mark == mark.to_integral_value() for mark in marks)


@given(st.lists(st.lists(st.one_of(st.none(), NUMBERS), min_size=8, max_size=8), max_size=4,
                min_size=1), st.integers(1, 8))  # fmt: skip
def test_all_is_inside_and_no_name_covers_another(
    columns: list[list[Number | None]], point_count: int
) -> None:
    series = [
        Series(f"Line {at}", [Point(str(n), value, "x") for n, value in enumerate(one)])
        for at, one in enumerate([column[:point_count] for column in columns])
    ]
    svg = line_chart(chart(*series[:3], compared=series[3] if series[3:] else None))
    for dot in of_class(svg, "point"):
        assert 0 <= float(dot.get("cy", "")) <= HEIGHT_PX
        assert 0 <= share(dot.get("cx")) <= 1
    names = [float(name.get("y", "")) for name in of_class(svg, "end-label")]
    assert all(right - left >= 15 for left, right in pairwise(sorted(names)))


@pytest.mark.parametrize("point_count", [1, 2, 3, 7, 12, 28, 30, 31, 53, 92, 366])
def test_labels_below_keep_apart_at_every_width(point_count: int) -> None:
    svg = line_chart(one([1] * point_count))
    for total_px, wide in ((272, False), (400, False), (560, True), (1_000, True)):
        below = [box for box in text_boxes(svg, total_px, wide=wide) if box[3] > HEIGHT_PX - 6]
        assert below
        assert not overlaps(below)
        assert not outside(below, total_px)
    assert point_count < 7 or of_class(svg, "wide")


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_is_well_formed(label: str, text: str, name: str) -> None:
    point = Point(label, 1, text, interval_text=text, low=0, high=2)
    drawn = LineChart("x", name, [Series(name, [point, point])], lambda _: text)
    root = read(line_chart(drawn))
    assert len([one for one in root.iter() if one.get("role") == "listitem"]) == 2
