"""Round numbers for an axis. Pure.

Promise: the ticks cover the values and 0, lie a round step apart, and are exact decimals.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from services.dashboard.charts.points import Number

STEPS_MOST: Final = 4
_ROUND: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


def ticks(values: Iterable[Number], *, whole: bool = False) -> Sequence[Decimal]:
    """Return at most `STEPS_MOST` + 2 ticks; `whole` is for counts, which have no halves."""
    found = [Decimal(0), *map(Decimal, values)]
    low, high = min(found), max(found)
    if low == high:
        return (Decimal(0), Decimal(1))
    step = _step((high - low) / STEPS_MOST)
    if whole:
        step = max(Decimal(1), step.to_integral_value(ROUND_CEILING))
    first = int((low / step).to_integral_value(ROUND_FLOOR))
    last = int((high / step).to_integral_value(ROUND_CEILING))
    return [step * count for count in range(first, last + 1)]


def _step(least: Decimal) -> Decimal:
    """Return the smallest round number that is not less than `least`."""
    power = Decimal(1).scaleb(least.adjusted())
    return next(step * power for step in _ROUND if step * power >= least)
