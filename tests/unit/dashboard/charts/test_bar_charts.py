"""Bars: lengths add up and compare, what nobody reported is hatched, any text is well-formed."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.dashboard.charts.bar_chart import Bar, BarChart, Part, bar_chart
from services.dashboard.charts.funnel_chart import (
    LOGARITHMIC,
    NOT_REPORTED,
    RELATIVE,
    FunnelChart,
    FunnelStage,
    funnel_chart,
)
from services.dashboard.charts.points import NO_FIGURE
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
    values,
)

KINDS = ("Fee", "Product", "Boost")


def single(*numbers: Decimal | int | None) -> str:
    bars = [Bar(f"Creator {at}", [Part("Net", value, f"€{value}")], f"€{value}")
            for at, value in enumerate(numbers)]  # fmt: skip
    return bar_chart(BarChart("net", "Net revenue by creator", bars))


def stack(*rows: tuple[Decimal | int, ...]) -> str:
    bars = [
        Bar(
            f"Creator {at}",
            [Part(kind, value, f"€{value}") for kind, value in zip(KINDS, row, strict=True)],
            f"€{sum(row)}",
        )
        for at, row in enumerate(rows)
    ]
    return bar_chart(BarChart("cost", "Cost by kind", bars))


def test_each_bar_is_an_item_and_lengths_compare() -> None:
    svg = single(100, 50, 0)
    assert lists(svg) == {
        "Net revenue by creator": [("Creator 0", "€100"), ("Creator 1", "€50"), ("Creator 2", "€0")]
    }
    assert [share(bar.get("width")) for bar in of_class(svg, "bar")] == [1, 0.5, 0]


def test_a_missing_bar_is_hatched_and_not_zero() -> None:
    svg = single(100, None)
    (hole,) = of_class(svg, "unreported")
    assert hole.get("fill") == "url(#net-hatch)"
    assert share(hole.get("width")) == 1
    assert hole.get("data-text") == NO_FIGURE
    assert len(of_class(svg, "bar")) == 1
    assert NO_FIGURE in [text.text for text in read(svg).iter("text")]


def test_negative_bars_lie_left_of_the_line_of_zero() -> None:
    svg = single(-25, 75)
    zero, _ = of_class(svg, "axis")
    loss, gain = of_class(svg, "bar")
    assert share(zero.get("x1")) == share(gain.get("x")) == 0.25
    assert (share(loss.get("x")), share(loss.get("width"))) == (0, 0.25)


def test_parts_are_listed_by_bar_and_named_by_number() -> None:
    svg = stack((60, 30, 10), (50, 0, 0))
    assert lists(svg) == {
        "Creator 0, together €100": [("Fee", "€60"), ("Product", "€30"), ("Boost", "€10")],
        "Creator 1, together €50": [("Fee", "€50"), ("Product", "€0"), ("Boost", "€0")],
    }
    shown = [text.text for text in read(svg).iter("text")]
    assert {"1 Fee", "2 Product", "3 Boost"} <= set(shown)
    assert [text.text for text in of_class(svg, "on-mark")] == ["1", "2", "3", "1"]


def test_what_cannot_be_drawn_is_refused_by_name() -> None:
    two, other = [Part("a", 1, "1"), Part("b", 1, "1")], [Part("a", 1, "1"), Part("c", 1, "1")]
    with pytest.raises(ValueError, match="x: the bars differ in their parts"):
        BarChart("x", "X", [Bar("1", two, "2"), Bar("2", other, "2")])
    with pytest.raises(ValueError, match="x: a bar has one to 6 parts"):
        BarChart("x", "X", [Bar("1", [Part(str(n), 1, "1") for n in range(7)], "7")])


@given(st.lists(st.tuples(MONEY, MONEY, MONEY), min_size=1, max_size=6))
def test_the_parts_of_a_bar_add_up_to_its_length(rows: list[tuple[Decimal, ...]]) -> None:
    assume(any(any(row) for row in rows))
    svg = stack(*rows)
    bars = [one for one in of_class(svg, "bar") if one.get("role") == "listitem"]
    assert len(values(svg)) == len(bars) == 3 * len(rows)
    low = min(sum((one for one in row if one < 0), Decimal(0)) for row in rows)
    high = max(sum((one for one in row if one > 0), Decimal(0)) for row in rows)
    for at, row in enumerate(rows):
        own = [share(bar.get("width")) for bar in bars[3 * at : 3 * at + 3]]
        # A width is rounded to a thousandth.
        expected = float(sum(map(abs, row)) / (high - low))
        assert abs(sum(own) - expected) <= 0.0016
        for bar in bars[3 * at : 3 * at + 3]:
            assert share(bar.get("x")) >= 0
            assert share(bar.get("x")) + share(bar.get("width")) <= 1.0011


STAGES = ("Awareness", "Engagement", "Consideration", "Purchase", "Retention", "Advocacy")


def funnel(*volumes: int | None) -> str:
    stages = [
        FunnelStage(
            label,
            volume,
            f"{volume} people",
            f"3.2 % of {STAGES[at - 1]}" if at else None,
        )
        for at, (label, volume) in enumerate(zip(STAGES, volumes, strict=True))
    ]
    return funnel_chart(FunnelChart("funnel", "The six stages", stages))


def test_stages_have_volume_and_rate() -> None:
    svg = funnel(90, 45, 40, 30, 20, 9)
    assert values(svg)[:2] == [
        ("Awareness", "90 people"),
        ("Engagement", "45 people, 3.2 % of Awareness"),
    ]
    assert [share(bar.get("width")) for bar in of_class(svg, "bar")][:2] == [1, 0.5]
    shown = [text.text for text in read(svg).iter("text")]
    assert RELATIVE in shown
    assert "↓ 3.2 % of Awareness" in shown


def test_a_funnel_of_great_differences_says_that_it_is_logarithmic() -> None:
    svg = funnel(1_000_000, 50_000, 3_000, 120, 30, 0)
    assert LOGARITHMIC in [text.text for text in read(svg).iter("text")]
    widths = [share(bar.get("width")) for bar in of_class(svg, "bar")]
    assert widths[0] == 1
    assert widths == sorted(widths, reverse=True)
    assert widths[4] > 0.2
    assert widths[5] == 0


def test_a_stage_that_nobody_reported_is_hatched_and_said() -> None:
    svg = funnel(None, 45, 40, 30, 20, 9)
    (hole,) = of_class(svg, "unreported")
    assert hole.get("data-text") == NOT_REPORTED
    assert not of_class(funnel(*[None] * 6), "bar")


@pytest.mark.parametrize(
    "svg",
    [
        stack((60, 30, 10), (50, 0, 0)),
        single(1, None, -123_456_789),
        funnel(10**9, 10**6, None, 40, 0, 1),
        bar_chart(
            BarChart("x", "X", [Bar("A name " * 20, [Part("a", 1, "long " * 20)], "l" * 80)])
        ),
    ],
)
def test_texts_keep_apart_on_a_phone(svg: str) -> None:
    boxes = text_boxes(svg)[3 if "cost-title" in svg else 0 :]
    numbers = {float(one.get("y", "")) for one in of_class(svg, "on-mark")}
    boxes = [box for box in boxes if box[3] - 2 not in numbers]
    assert not overlaps(boxes)
    assert not outside(boxes)


@given(TEXTS, TEXTS, st.one_of(st.none(), MONEY))
def test_any_text_is_well_formed(label: str, text: str, value: Decimal | None) -> None:
    parts = [Part(text, value, text), Part(label, value, label)]
    for found in (parts, parts[:1]):
        read(bar_chart(BarChart("x", label, [Bar(label, found, text)], text)))
    read(funnel_chart(FunnelChart("x", label, [FunnelStage(label, value, text, text)], text)))
