"""The day on which a cost counts: incurred, accrued over the days that it serves, or paid. Pure.

Promise: over all days each view has exactly the amount that was entered: accrual splits it equally
over the days of a cost by largest remainder, the earlier days first. A cost that is not paid yet
is in no day of `cash`; the answer says how much that is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum

from services.roi.answers.cost_spread import Cost
from services.roi.answers.sizes import check_cells


class CostView(StrEnum):
    """Which day a cost counts on."""

    INCURRED = "incurred"
    ACCRUAL = "accrual"
    CASH = "cash"


def accrued(costs: Iterable[Cost], days: tuple[date, date], starts: Sequence[date]) -> list[Cost]:
    """Return the part of each cost in each segment of the days; raise `AnswerTooLarge`."""
    found: list[Cost] = []
    for cost in costs:
        first_on, last_on = max(cost.from_on, days[0]), min(cost.to_on, days[1])
        if first_on > last_on:
            continue
        later = starts[bisect_right(starts, first_on) : bisect_left(starts, last_on + _DAY)]
        check_cells(len(found) + len(later) + 1)
        ends = [*later, last_on + _DAY]
        for start, end in zip((first_on, *later), ends, strict=True):
            found.append(replace(cost, incurred_on=start, amounts_minor=_part(cost, start, end)))
    return found


_DAY = timedelta(days=1)


def _part(cost: Cost, first_on: date, end_on: date) -> tuple[int, ...]:
    """Return what the days from `first_on` to the one before `end_on` have of each amount."""
    count = (cost.to_on - cost.from_on).days + 1
    before, until = ((day - cost.from_on).days for day in (first_on, end_on))
    return tuple(
        _of_days(amount_minor, count, until) - _of_days(amount_minor, count, before)
        for amount_minor in cost.amounts_minor
    )


def _of_days(amount_minor: int, count: int, days: int) -> int:
    """Return what the first days have of an amount that `count` days share equally."""
    each, left = divmod(abs(amount_minor), count)
    part = each * days + min(days, left)
    return -part if amount_minor < 0 else part
