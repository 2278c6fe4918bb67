"""Series over time: an answer by day, week or month, with every bucket of the period. Pure.

Promise: the buckets of an additive metric add up to the headline figure of the same answer. A
bucket without a row is 0 for a sum, because nothing happened, and missing for a ratio.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import figure_cell, figure_text, figure_value

# A line of more points than this shows less than one of the next grain.
DAYS_MAX: Final = 92
WEEKS_MAX_DAYS: Final = 400
GRAINS: Final = {"day": "Day", "week": "Week", "month": "Month"}
Json = Mapping[str, Any]


def grain_of(first: str | None, last: str | None, today: date) -> str:
    """Return the grain of a chart over a period: day, week or month. `all` is by month."""
    if first is None:
        return "day"
    if first == "all":
        return "month"
    days = (date.fromisoformat(last) if last else today) - date.fromisoformat(first)
    if days.days < DAYS_MAX:
        return "day"
    return "week" if days.days < WEEKS_MAX_DAYS else "month"


def buckets(grain: str, first: date, last: date) -> Sequence[str]:
    """Return the ids of all buckets that a period touches, as the API names them."""
    found: list[str] = []
    day = first
    while day <= last:
        name = bucket_of(grain, day)
        if not found or found[-1] != name:
            found.append(name)
        day += timedelta(days=1)
    return found


def bucket_of(grain: str, day: date) -> str:
    """Return the bucket of a day: itself, its ISO week, or its month."""
    if grain == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return day.isoformat() if grain == "day" else day.isoformat()[:7]


@dataclass(frozen=True, slots=True)
class Point:
    """One bucket: id, labels long and short, value (None: missing), text, and the compared one."""

    id: str
    label: str
    short: str
    value: Decimal | None
    text: str
    before: Decimal | None = None
    before_text: str | None = None


def points_of(
    metric: str, grain: str, answer: Json, *, part: str | None, is_additive: bool
) -> Sequence[Point]:
    """Return the points of a metric; `part` picks the rows of one headline figure."""
    rows = {
        row["group"][grain]: row
        for row in answer["rows"]
        if part is None or row["group"].get("part") == part
    }
    meta = answer["meta"]
    first, last = (date.fromisoformat(meta[name][:10]) for name in ("from", "to"))
    empty = _nothing(metric, answer) if is_additive else None
    is_compared = meta.get("compared") is not None
    found = []
    for name in buckets(grain, first, last):
        row = rows.get(name)
        value = row["measures"].get(metric) if row else empty
        before = (row.get("compared") or {}).get(metric) if row else empty if is_compared else None
        found.append(
            Point(
                name,
                bucket_label(grain, name),
                short_label(grain, name),
                number_of(value),
                figure_text(metric, value),
                number_of(before),
                None if before is None else figure_text(metric, before),
            )
        )
    return found


def series_table(
    id_: str,
    caption: str,
    metric: str,
    label: str,
    grain: str,
    points: Sequence[Point],
    total: Any,
    why: Callable[[str], str | None],
) -> Table:
    """Return the table under a chart; `total` is the headline figure of the same answer."""
    columns = (Column(grain, GRAINS[grain], "date"), Column(metric, label, "number"))
    rows = [
        Row((Cell(point.label, point.id), Cell(point.text, point.value, why=why(point.id))))
        for point in points
    ]
    foot = Row((Cell("The period", "period"), figure_cell(metric, total)), "total")
    return Table(id_, caption, columns, rows, (foot,))


def bucket_label(grain: str, name: str) -> str:
    """Return a bucket as people read it: `12 Nov 2026`, `week 46 of 2026`, `November 2026`."""
    if grain == "week":
        year, _, week = name.partition("-W")
        return f"week {int(week)} of {year}"
    if grain == "month":
        return date.fromisoformat(f"{name}-01").strftime("%B %Y")
    return date.fromisoformat(name).strftime("%-d %b %Y")


def short_label(grain: str, name: str) -> str:
    """Return a bucket as an axis has room for: `12 Nov`, `W46`, `Nov 26`."""
    if grain == "week":
        return name.partition("-")[2]
    if grain == "month":
        return date.fromisoformat(f"{name}-01").strftime("%b %y")
    return date.fromisoformat(name).strftime("%-d %b")


def number_of(value: Any) -> Decimal | None:
    """Return a figure as a number to draw; None where it is missing or in several currencies."""
    found = figure_value(value)
    return Decimal(found) if isinstance(found, int | Decimal) else None


def _nothing(metric: str, answer: Json) -> Any:
    """Return the zero of an additive metric, in the currency of the answer."""
    like = answer["program"].get(metric)
    if isinstance(like, Mapping):
        return {"amount_minor": 0, "currency": like["currency"]}
    return None if like is None else 0
