"""The journey of an order: touches, conversion and adjustments on an axis of time, in lanes. Pure.

Promise: a mark lies at its moment, and its kind is a shape and a word. Texts of marks do not
overlap: a mark goes to the next row, and where rows run out it keeps its shape and has no text
beside it. What it says is in its list item in any case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from services.dashboard.charts.legend import legend
from services.dashboard.charts.place_labels import place_labels
from services.dashboard.charts.svg import (
    WIDTH_LEAST_PX,
    across,
    drawing,
    escaped,
    fitted,
    item,
    percent,
    shortened,
    tag,
    text_at,
    texts,
    values,
    width_px,
)
from services.dashboard.charts.time_ticks import time_ticks

MarkKind = Literal["kept", "rejected", "conversion", "adjustment"]
WORDS: Final[dict[MarkKind, str]] = {
    "kept": "counted",
    "rejected": "not counted",
    "conversion": "conversion",
    "adjustment": "adjustment",
}
_SHAPES: Final[dict[MarkKind, str]] = {
    "kept": "M-5 0A5 5 0 1 0 5 0 5 5 0 1 0-5 0Z",
    "rejected": "M-4-4 4 4M4-4-4 4",
    "conversion": "M0-7 7 0 0 7-7 0Z",
    "adjustment": "M-6-5H6L0 6Z",
}
ROWS_MOST: Final = 8
ROW_PX: Final = 22
TITLE_PX: Final = 20
_MARK_PX: Final = 11  # from the middle of a mark to its text
# A text of this width fits on one side of every place.
_TEXT_PX_MAX: Final = WIDTH_LEAST_PX / 2 - _MARK_PX
_MARGIN: Final = 0.03
_SPAN_LEAST: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class TimeMark:
    """One thing that happened: when (with a zone), its short label, and what else to say."""

    at: datetime
    label: str
    text: str
    kind: MarkKind


@dataclass(frozen=True, slots=True)
class Lane:
    """Marks of one sort, such as touches."""

    label: str
    marks: Sequence[TimeMark]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a time line shows; `tick_text` gives the text of a moment on the axis.

    Moments of the axis are those of the zone of the earliest mark.
    """

    chart_id: str
    title: str
    lanes: Sequence[Lane]
    tick_text: Callable[[datetime], str]
    description: str | None = None

    def __post_init__(self) -> None:
        if any(mark.at.tzinfo is None for lane in self.lanes for mark in lane.marks):
            raise ValueError(f"{self.chart_id}: a moment has no zone")


@dataclass(frozen=True, slots=True)
class _Axis:
    first: datetime
    last: datetime

    @classmethod
    def over(cls, marks: Sequence[TimeMark]) -> "_Axis":
        first, last = (pick(marks, key=_moment).at for pick in (min, max))
        missing = max(timedelta(0), _SPAN_LEAST - (last.astimezone(UTC) - first.astimezone(UTC)))
        # Through UTC: a sum of local times skips no hour.
        begin = (first.astimezone(UTC) - missing / 2).astimezone(first.tzinfo)
        return cls(begin, last.astimezone(UTC) + missing / 2)

    def x(self, at: datetime) -> float:
        begin = self.first.astimezone(UTC)
        share = (at.astimezone(UTC) - begin) / (self.last.astimezone(UTC) - begin)
        return _MARGIN + (1 - 2 * _MARGIN) * share


def timeline(chart: Timeline) -> str:
    """Return the drawing."""
    marks = [mark for lane in chart.lanes for mark in lane.marks]
    if not marks:
        nothing = texts(text_at(0.5, 30, "Nothing happened yet", "words", "middle"))
        return drawing(chart.chart_id, "timeline", chart.title, "Nothing yet.", 50, nothing)
    axis, used = _Axis.over(marks), {mark.kind for mark in marks}
    signs, y = legend([(_sign(kind), word) for kind, word in WORDS.items() if kind in used])
    top_px, drawn, titles = y, list[str](), list[str]()
    for lane in chart.lanes:
        titles.append(text_at(0, y + 14, shortened(lane.label, WIDTH_LEAST_PX), "label"))
        items, row_count = _lane(lane, axis, y + TITLE_PX)
        drawn.append(values(lane.label, "", *items))
        y += TITLE_PX + ROW_PX * row_count + 4
    ticks = [(axis.x(at), chart.tick_text(at)) for at in time_ticks(axis.first, axis.last)]
    return drawing(
        chart.chart_id,
        "timeline",
        chart.title,
        chart.description or ". ".join(_sentence(lane) for lane in chart.lanes) + ".",
        y + 22,
        texts(*signs, *(_tick(share, top_px, y) for share, _ in ticks), *titles),
        *drawn,
        texts(*place_labels(ticks, y + 16)),
    )


def _moment(mark: TimeMark) -> datetime:
    return mark.at.astimezone(UTC)


def _sentence(lane: Lane) -> str:
    return f"{lane.label}: {len(lane.marks)}"


def _sign(kind: MarkKind) -> str:
    return tag("g", _shape(kind), transform="translate(6 7)")


def _shape(kind: MarkKind) -> str:
    return tag("path", class_=f"mark mark-{kind}", d=_SHAPES[kind])


def _tick(share: float, top_px: float, bottom_px: float) -> str:
    place = percent(share)
    return tag("line", class_="grid", x1=place, x2=place, y1=top_px, y2=bottom_px)


def _lane(lane: Lane, axis: _Axis, y: float) -> tuple[list[str], int]:
    """Return the items of a lane in the order of time, and the number of rows that they take."""
    found, rows = list[str](), list[list[tuple[float, float]]]()
    for mark in sorted(lane.marks, key=_moment):
        share, text = axis.x(mark.at), shortened(mark.label, _TEXT_PX_MAX)
        _, anchor = fitted(share, width_px(text), _MARK_PX)
        box = _box_px(share, width_px(text), anchor)
        row = next((at for at, taken in enumerate(rows) if _is_free(box, taken)), len(rows))
        if row < ROWS_MOST:
            rows[row:] = rows[row:] or [[]]
            rows[row].append(box)
        else:
            row, text = ROWS_MOST - 1, ""
        found.append(_item(mark, share, y + ROW_PX * (row + 0.5), text, anchor))
    return found, max(len(rows), 1)


def _box_px(share: float, wide_px: float, anchor: str) -> tuple[float, float]:
    """Return what a mark and its text take of the least width; at greater ones gaps only grow."""
    place = share * WIDTH_LEAST_PX
    before, after = (_MARK_PX, wide_px + _MARK_PX)[:: -1 if anchor == "end" else 1]
    return place - before, place + after


def _is_free(box: tuple[float, float], taken: Sequence[tuple[float, float]]) -> bool:
    return all(box[1] <= left or right <= box[0] for left, right in taken)


def _item(mark: TimeMark, share: float, y: float, text: str, anchor: str) -> str:
    label = tag(
        "text",
        escaped(text),
        x=-_MARK_PX if anchor == "end" else _MARK_PX,
        y=4,
        text_anchor="end" if anchor == "end" else None,
        aria_hidden="true",
    )
    return tag(
        "g",
        across(share, y, _shape(mark.kind), label if text else ""),
        **item(mark.label, f"{mark.text}, {WORDS[mark.kind]}"),
    )
