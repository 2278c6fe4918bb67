"""The days that a cost serves: as given, else the month of its day within its campaign. Pure.

Promise: a span always has a day. The days do not follow a later change of the campaign's dates: the
past of a cost changes only by a correction of the cost.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final

# A cost that is spread by clicks, views or credit serves at most so many days: all of them are
# read.
WEIGHTED_DAYS_MAX: Final = 366


class SpanReversed(ValueError):
    """The last day of a span is before its first."""


@dataclass(frozen=True, slots=True)
class CostSpan:
    """The first and the last local day that a cost serves, both included."""

    from_on: date
    to_on: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.to_on - self.from_on).days + 1


def default_span(incurred_on: date, starts_on: date | None, ends_on: date | None) -> CostSpan:
    """Return the calendar month of a cost's day, within the dates of its campaign.

    A cost before the campaign serves the month in which it starts, one after it the last month.
    """
    first, last = starts_on or date.min, ends_on or date.max
    day = min(max(incurred_on, first), last)
    end = day.replace(day=monthrange(day.year, day.month)[1])
    return CostSpan(max(day.replace(day=1), first), min(end, last))


def span_of_cost(given_from: date | None, given_to: date | None, default: CostSpan) -> CostSpan:
    """Return the days as given; a missing end is that of `default`, or of its own month.

    Raises `SpanReversed`.
    """
    if given_from is not None and given_to is not None and given_from > given_to:
        raise SpanReversed("is before from")
    from_on, to_on = given_from or default.from_on, given_to or default.to_on
    if from_on > to_on and given_from is not None:
        to_on = default_span(given_from, None, None).to_on
    if from_on > to_on and given_to is not None:
        from_on = given_to.replace(day=1)
    return CostSpan(from_on, to_on)
