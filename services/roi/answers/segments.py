"""The segments of a span: days with the same value of every time dimension. Pure.

A segment is named by its first day. Sums of a segment may be taken without looking at single days.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from services.roi.answers.kinds import Dimension, FromTime

_DAY = timedelta(days=1)


def days_between(first_on: date, last_on: date) -> list[date]:
    """Return every day from first to last, both included; none when the last is earlier."""
    return [first_on + timedelta(days=n) for n in range((last_on - first_on).days + 1)]


def segment_starts(dimensions: Iterable[Dimension], from_on: date, to_on: date) -> list[date]:
    """Return the first days of a span's segments."""
    firsts = [
        dimension.source.first_day
        for dimension in dimensions
        if isinstance(dimension.source, FromTime)
    ]
    if not firsts:
        return [from_on]
    later = days_between(from_on + _DAY, to_on)
    return [from_on, *(day for day in later if any(first(day) == day for first in firsts))]


def segment_of(starts: Sequence[date], day: date) -> date:
    """Return the first day of the segment that contains a day of the span."""
    return starts[bisect_right(starts, day) - 1]


def whole_months(starts: Sequence[date], first_on: date, last_on: date) -> list[date]:
    """Return the first days of the months that lie in the span and each in one segment."""
    months: list[date] = []
    first = first_on.replace(day=1)
    while first <= last_on:
        following = (first + timedelta(days=31)).replace(day=1)
        is_inside = first_on <= first and following <= last_on + _DAY
        if is_inside and segment_of(starts, following - _DAY) <= first:
            months.append(first)
        first = following
    return months
