"""The doubt of a row: intervals of its figures, whether it is too few, whether it pays. Pure.

Promise: an interval is that of the figure shown, in its currency, with the formula of the metric.
It is missing where the figure is missing, where fewer than `ORDERS_LEAST` of what its metric counts
were kept in its currency, and where the net of a credited conversion is not known. A row is too few
where no currency has that many for any metric. It pays where the lower end of its benefit-cost
ratio is above 1, and does not where the upper end is below 1. Otherwise it cannot be told, nor
where the answer has several currencies: cost in one and revenue in another tell nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.roi.answers.intervals import ORDERS_LEAST
from services.roi.answers.kinds import Measure, Metric
from services.roi.answers.metrics.bcr import BCR
from services.roi.answers.sums import RowSums
from services.roi.answers.values import RATIO_STEPS, Ratio, Value, rounded
from shared.credits import UNITS_PER_CONVERSION

YES: Final = "yes"
NO: Final = "no"
CANNOT_TELL: Final = "cannot_tell"
_UNITS_LEAST: Final = ORDERS_LEAST * UNITS_PER_CONVERSION
_NO_ENDS: Final = (None, None)

Figure = Value | tuple[tuple[str, Value], ...]
"""A value as a row has it: per currency it has (currency, value) for each shown currency."""
_Ends = tuple[Value, Value]


@dataclass(frozen=True, slots=True)
class Doubt:
    """The doubt of one row or headline figure.

    `intervals`: by metric id, the lower and the upper end of its figure; None where it has none in
    any currency. `too_few` None: none of the metrics has an interval of orders. `pays` None: the
    benefit-cost ratio is not asked for, or there is no cost.
    """

    intervals: Mapping[str, tuple[Figure, Figure] | None]
    too_few: bool | None
    pays: str | None


class _Doubted:
    """A metric with an interval, and the places of its measures."""

    def __init__(self, metric: Metric, places: Mapping[str, int]) -> None:
        assert metric.interval is not None
        self.metric, self.interval = metric, metric.interval
        self._inputs = [places[name] for name in metric.inputs]
        self._moved = metric.inputs.index(self.interval.inputs[0])
        self._ends_of = [places[name] for name in self.interval.inputs]
        counted = self.interval.orders
        self._orders = None if counted is None else places[counted]

    def has_enough(self, view: Sequence[int | None]) -> bool:
        """Return whether as many orders were kept as the interval needs."""
        return self._orders is None or (view[self._orders] or 0) >= _UNITS_LEAST

    def value(self, view: Sequence[int | None]) -> Value:
        """Return the figure of a row's measures, not rounded."""
        return self.metric.compute(*[view[place] for place in self._inputs])

    def ends(self, view: Sequence[int | None]) -> _Ends:
        """Return the ends of the figure of a row's measures; none with too few orders."""
        if not self.has_enough(view):
            return _NO_ENDS
        given = [view[place] for place in self._ends_of]
        found = None if given[0] is None else self.interval.ends(*given)
        if found is None:
            return _NO_ENDS
        inputs = [view[place] for place in self._inputs]
        values: list[Value] = []
        for end in found:
            inputs[self._moved] = end
            values.append(rounded(self.metric.unit, self.metric.compute(*inputs)))
        if None in values:
            return _NO_ENDS
        low, high = sorted(values, key=_size)
        return low, high


def doubter(
    metrics: Iterable[Metric], measures: Sequence[Measure], currencies: Sequence[str]
) -> Callable[[RowSums], Doubt]:
    """Return the function that tells the doubt of a row's sums."""
    places = {measure.id: place for place, measure in enumerate(measures)}
    doubted = [_Doubted(metric, places) for metric in metrics if metric.interval is not None]
    ratio = next((one for one in doubted if one.metric.id == BCR.id), None)
    of_orders = [one for one in doubted if one.interval.orders is not None]

    def doubt(sums: RowSums) -> Doubt:
        if not doubted:
            return Doubt({}, None, None)
        views = [sums.in_currency(currency) for currency in currencies]
        found = {one.metric.id: [one.ends(view) for view in views] for one in doubted}
        intervals = {
            one.metric.id: _shown(ends, currencies if one.metric.per_currency else ())
            for one, ends in zip(doubted, found.values(), strict=True)
        }
        pays = None if ratio is None else _pays(ratio, views, found[BCR.id])
        too_few = not any(one.has_enough(view) for one in of_orders for view in views)
        return Doubt(intervals, too_few if of_orders else None, pays)

    return doubt


def _shown(ends: Sequence[_Ends], currencies: Sequence[str]) -> tuple[Figure, Figure] | None:
    """Return the ends as two figures; without currencies those of the first one."""
    if all(low is None for low, _ in ends):
        return None
    if not currencies:
        return ends[0]
    lows, highs = zip(*ends, strict=True)
    return tuple(zip(currencies, lows, strict=True)), tuple(zip(currencies, highs, strict=True))


def lower_end(doubt: Doubt, metric_id: str) -> int | None:
    """Return what rows are ranked by: the lower end in the first currency; None without one."""
    ends = doubt.intervals[metric_id]
    low = ends and ends[0]
    if isinstance(low, tuple):
        _, low = low[0]
    return None if low is None else _size(low)


def _pays(
    ratio: _Doubted, views: Sequence[Sequence[int | None]], ends: Sequence[_Ends]
) -> str | None:
    if all(ratio.value(view) is None for view in views):
        return None
    low, high = ends[0]
    if len(views) > 1 or low is None or high is None:
        return CANNOT_TELL
    if _size(low) > RATIO_STEPS:
        return YES
    return NO if _size(high) < RATIO_STEPS else CANNOT_TELL


def _size(value: Value) -> int:
    """Return what values of one metric are compared by, as shown: ratios have one denominator."""
    assert value is not None
    return value.numerator if isinstance(value, Ratio) else value
