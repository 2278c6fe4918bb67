"""The pace of a goal: what is reached of its target, expected by now, and forecast. Pure.

Promise: all marks have one scale from 0. What is not known is not drawn. Marks differ by shape:
the target is a line, the expected value a triangle, the forecast a diamond with its interval.
"""

from dataclasses import dataclass
from typing import Final

from services.dashboard.charts.bar_chart import Scale
from services.dashboard.charts.points import Number
from services.dashboard.charts.svg import (
    WIDTH_LEAST_PX,
    across,
    drawing,
    fitted,
    heading,
    item,
    percent,
    shortened,
    tag,
    text_at,
    texts,
    values,
    width_px,
)

BAR_TOP_PX: Final = 20
BAR_PX: Final = 16
ROW_PX: Final = 36


@dataclass(frozen=True, slots=True)
class Mark:
    """A value and its text, such as `€1,200.00`."""

    value: Number
    text: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast; `low` and `high` are the ends of its interval, and `interval_text` says them."""

    value: Number
    text: str
    low: Number | None = None
    high: Number | None = None
    interval_text: str | None = None

    @property
    def said(self) -> str:
        """Return the texts of the value and of its interval."""
        return f"{self.text} ({self.interval_text})" if self.interval_text else self.text


@dataclass(frozen=True, slots=True)
class Pacing:
    """What the drawing of a goal shows."""

    chart_id: str
    title: str
    actual: Mark
    target: Mark
    expected: Mark | None = None
    forecast: Forecast | None = None
    description: str | None = None


def pacing(goal: Pacing) -> str:
    """Return the drawing."""
    scale = Scale.over(_numbers(goal))
    told = [("So far", goal.actual.text), ("Target", goal.target.text)]
    items, words = [_bar(goal, scale), _target(goal, scale)], []
    y = BAR_TOP_PX + BAR_PX
    if goal.expected:
        share, text = scale.at(goal.expected.value), goal.expected.text
        told.append(("Expected by now", text))
        shape = tag("path", class_="mark mark-expected", d="M0 2 6 12H-6Z")
        items.append(tag("g", across(share, y, shape), **item("Expected by now", text)))
        words.append(_beside(share, y + 26, f"Expected by now {text}"))
        y += ROW_PX
    if goal.forecast:
        share, text = scale.at(goal.forecast.value), goal.forecast.said
        told.append(("Forecast", text))
        shape = tag("path", class_="mark mark-forecast", d="M0 2 6 8 0 14-6 8Z")
        band = _interval(goal.forecast, scale, y)
        items.append(tag("g", band, across(share, y, shape), **item("Forecast", text)))
        words.append(_beside(share, y + 28, f"Forecast {goal.forecast.text}"))
        y += ROW_PX
        if goal.forecast.interval_text:
            words.append(_beside(share, y + 8, goal.forecast.interval_text))
            y += 16
    return drawing(
        goal.chart_id,
        "pacing",
        goal.title,
        goal.description or ". ".join(f"{label}: {text}" for label, text in told) + ".",
        y + 4,
        tag("rect", class_="track", y=BAR_TOP_PX, width="100%", height=BAR_PX),
        values(goal.title, "series-1", *items),
        texts(*heading(13, f"So far {goal.actual.text}", f"Target {goal.target.text}"), *words),
    )


def _numbers(goal: Pacing) -> list[Number]:
    found = [goal.actual.value, goal.target.value]
    if goal.expected:
        found.append(goal.expected.value)
    if goal.forecast:
        ends = (goal.forecast.value, goal.forecast.low, goal.forecast.high)
        found += [value for value in ends if value is not None]
    return found


def _bar(goal: Pacing, scale: Scale) -> str:
    first, last = sorted((scale.at(0), scale.at(goal.actual.value)))
    return tag(
        "rect",
        class_="bar",
        **item("So far", goal.actual.text),
        x=percent(first),
        y=BAR_TOP_PX,
        width=percent(last - first),
        height=BAR_PX,
    )


def _target(goal: Pacing, scale: Scale) -> str:
    place = percent(scale.at(goal.target.value))
    return tag(
        "line",
        class_="mark-target",
        **item("Target", goal.target.text),
        x1=place,
        x2=place,
        y1=BAR_TOP_PX - 3,
        y2=BAR_TOP_PX + BAR_PX + 3,
    )


def _interval(forecast: Forecast, scale: Scale, y: float) -> str:
    if forecast.low is None or forecast.high is None:
        return ""
    first, last = scale.at(forecast.low), scale.at(forecast.high)
    return tag(
        "rect", class_="band", x=percent(first), y=y + 4, width=percent(last - first), height=8
    )


def _beside(share: float, y: float, text: str) -> str:
    fits = shortened(text, WIDTH_LEAST_PX)
    place, anchor = fitted(share, width_px(fits))
    return text_at(place, y, fits, anchor=anchor)
