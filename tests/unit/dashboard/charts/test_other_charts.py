"""Small lines, the pace of a goal, and the journey of an order on an axis of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.charts.pacing import Forecast, Mark, Pacing, pacing
from services.dashboard.charts.points import NO_FIGURE, Point, Series
from services.dashboard.charts.sparkline import Sparkline, sparkline
from services.dashboard.charts.svg import WIDTH_LEAST_PX, width_px
from services.dashboard.charts.time_ticks import STEPS_MOST, time_ticks
from services.dashboard.charts.timeline import (
    ROWS_MOST,
    Lane,
    MarkKind,
    Timeline,
    TimeMark,
    timeline,
)
from tests.unit.dashboard.charts.reading import (
    MONEY,
    TEXTS,
    Box,
    lists,
    of_class,
    outside,
    overlaps,
    read,
    share,
    text_boxes,
    values,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 28, 12, tzinfo=BERLIN)


def small(*found: int | None) -> str:
    points = [Point(f"day {at}", value, f"€{value}") for at, value in enumerate(found)]
    return sparkline(Sparkline(Series("Net revenue", points)))


def test_a_small_line_has_its_values_and_gaps() -> None:
    svg = small(1, None, 3, 4)
    said = [("day 0", "€1"), ("day 1", NO_FIGURE), ("day 2", "€3"), ("day 3", "€4")]
    assert lists(svg) == {"Net revenue": said}
    (line,) = of_class(svg, "line")
    assert line.get("d", "").count("M") == 2
    assert len(of_class(svg, "point")) == 3
    # A dot is seen where no line leads, and at the end.
    assert [dot.get("data-label") for dot in of_class(svg, "alone")] == ["day 0", "day 3"]
    assert small(None, None) == ""
    assert len(of_class(small(5), "alone")) == 1
    assert len(of_class(small(0, 0), "point")) == 2


def goal(expected: Mark | None = None, forecast: Forecast | None = None) -> str:
    return pacing(Pacing("goal", "Net", Mark(40, "€40"), Mark(100, "€100"), expected, forecast))


def test_a_goal_has_its_marks_on_one_scale() -> None:
    svg = goal(Mark(50, "€50"), Forecast(120, "€120", 80, 200, "€80 to €200"))
    assert values(svg) == [
        ("So far", "€40"),
        ("Target", "€100"),
        ("Expected by now", "€50"),
        ("Forecast", "€120 (€80 to €200)"),
    ]
    (bar,), (target,), (band,) = (of_class(svg, kind) for kind in ("bar", "mark-target", "band"))
    # The forecast may reach 200, so that is the end of the scale.
    assert share(bar.get("width")) == 0.2
    assert share(target.get("x1")) == 0.5
    assert (share(band.get("x")), share(band.get("width"))) == (0.4, 0.6)
    shown = [text.text for text in read(svg).iter("text")]
    assert shown == ["So far €40", "Target €100", "Expected by now €50",
                     "Forecast €120", "€80 to €200"]  # fmt: skip


def test_what_is_not_known_of_a_goal_is_not_drawn() -> None:
    assert not of_class(goal(), "mark-expected")
    assert not of_class(goal(), "mark-forecast")
    assert not of_class(goal(forecast=Forecast(1, "€1")), "band")


@given(MONEY, MONEY, MONEY, MONEY, TEXTS)
def test_no_mark_of_a_goal_leaves_it(a: int, b: int, c: int, d: int, text: str) -> None:
    low, high = sorted((c, d))
    svg = pacing(
        Pacing(
            "x",
            text,
            Mark(a, text),
            Mark(b, text),
            Mark(c, text),
            Forecast(d, text, low, high, text),
        )
    )
    for one in read(svg).iter():
        for name in ("x", "x1", "x2"):
            place = one.get(name, "")
            assert not place.endswith("%") or 0 <= share(place) <= 1
    assert not overlaps(text_boxes(svg))
    assert not outside(text_boxes(svg))


def mark(minutes: float, label: str = "Click", kind: MarkKind = "kept") -> TimeMark:
    at = (NOON.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(BERLIN)
    return TimeMark(at, label, f"{at:%d %b, %H:%M}", kind)


def journey(*lanes: Lane) -> str:
    return timeline(Timeline("journey", "Order 17", lanes, lambda at: f"{at:%d %b %H:%M}"))


def test_a_journey_has_its_marks_by_lane_and_time() -> None:
    svg = journey(
        Lane("Touches", [mark(600, "Code"), mark(0, "Click"), mark(60, "View", "rejected")]),
        Lane("Order", [mark(2_000, "Order", "conversion"), mark(9_000, "Refund", "adjustment")]),
    )
    assert lists(svg) == {
        "Touches": [
            ("Click", "28 Mar, 12:00, counted"),
            ("View", "28 Mar, 13:00, not counted"),
            ("Code", "28 Mar, 22:00, counted"),
        ],
        "Order": [
            ("Order", "29 Mar, 22:20, conversion"),
            ("Refund", "03 Apr, 19:00, adjustment"),
        ],
    }
    shapes = {
        kind: {one.get("d") for one in of_class(svg, f"mark-{kind}")}
        for kind in ("kept", "rejected", "conversion", "adjustment")
    }
    # One shape for each kind, and none is that of another.
    assert [len(found) for found in shapes.values()] == [1] * 4
    assert len(set.union(*shapes.values())) == 4
    shown = [text.text for text in read(svg).iter("text")]
    assert {"counted", "not counted", "conversion", "adjustment"} <= set(shown)


def texts_of_marks(svg: str, total_px: float) -> list[Box]:
    """Return where the texts beside marks lie in a drawing of a width."""
    found = []
    for one in read(svg).iter("svg"):
        for text in one.findall("text"):
            place = share(one.get("x")) * total_px + float(text.get("x", ""))
            wide_px = width_px(text.text or "")
            left = place - (wide_px if text.get("text-anchor") == "end" else 0)
            y = float(one.get("y", ""))
            found.append((left, y - 9, left + wide_px, y + 3))
    return found


@given(
    st.lists(st.tuples(st.integers(0, 50_000), st.text("abc", max_size=30)), max_size=40),
    st.integers(WIDTH_LEAST_PX, 1_400),
)
def test_texts_of_marks_keep_apart_at_every_width(
    found: list[tuple[int, str]], total_px: int
) -> None:
    marks = [mark(minutes, label) for minutes, label in found]
    svg = journey(Lane("Touches", marks), Lane("Order", [mark(0, "Order", "conversion")]))
    boxes = texts_of_marks(svg, total_px)
    assert not overlaps(boxes)
    assert not outside(boxes, total_px)
    assert len(values(svg)) == len(marks) + 1


def test_a_hundred_marks_at_once_stay_in_bounds() -> None:
    svg = journey(Lane("Touches", [mark(0, f"Click {at}") for at in range(100)]))
    assert len(values(svg)) == 100
    assert len(texts_of_marks(svg, 272)) == ROWS_MOST
    assert float(read(svg).get("height", "")) < 300


def test_a_journey_without_a_mark_says_so() -> None:
    (words,) = of_class(journey(Lane("Touches", [])), "words")
    assert words.text == "Nothing happened yet"


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = TimeMark(NOON.replace(tzinfo=None), "Click", "", "kept")
    with pytest.raises(ValueError, match="journey: a moment has no zone"):
        journey(Lane("Touches", [naive]))


def test_days_on_the_axis_begin_at_local_midnight() -> None:
    found = time_ticks(NOON, NOON + timedelta(days=3))
    assert [f"{at:%d %H:%M %z}" for at in found] == [
        "29 00:00 +0100",
        "30 00:00 +0200",
        "31 00:00 +0200",
    ]


@given(st.integers(0, 5_000_000), st.timedeltas(timedelta(minutes=10), timedelta(days=3_000)))
def test_moments_of_an_axis_are_few_and_between_its_ends(minutes: int, span: timedelta) -> None:
    first = mark(minutes).at
    begin = first.astimezone(UTC)
    found = [at.astimezone(UTC) for at in time_ticks(first, begin + span)]
    assert len(found) <= STEPS_MOST + 2
    assert all(begin <= at <= begin + span for at in found)
    assert all(left < right for left, right in pairwise(found))


@given(TEXTS, TEXTS)
def test_any_text_is_well_formed(label: str, text: str) -> None:
    moment = TimeMark(NOON, label, text, "kept")
    read(timeline(Timeline("x", label, [Lane(text, [moment])], lambda _: text)))
    read(sparkline(Sparkline(Series(label, [Point(label, 1, text)]))))
