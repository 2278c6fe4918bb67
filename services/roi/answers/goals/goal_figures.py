"""The figure that a goal is for: its value in an answer, of sums of measures, and as shown. Pure.

Promise: a value is exact until it is shown. Money is counted in minor units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from services.roi.answers.assemble import Figures
from services.roi.answers.dictionary import MEASURES, measures_of
from services.roi.answers.kinds import Fact, Measure, Metric
from services.roi.answers.measures.clicks import CLICKS
from services.roi.answers.measures.units import UNITS
from services.roi.answers.metrics.clicks import CLICKS as CLICKS_METRIC
from services.roi.answers.metrics.conversions import CONVERSIONS
from services.roi.answers.values import Ratio, Unit, Value, rounded
from shared.api.shapes import MoneyOut
from shared.credits import UNITS_PER_CONVERSION

_PLACES: Final = 6
# What a figure of a fact is made of: the metric that counts it, its measure, and what is one.
_SAMPLES: Final = {
    Fact.CREDITS: (CONVERSIONS, UNITS, UNITS_PER_CONVERSION),
    Fact.TOUCHES: (CLICKS_METRIC, CLICKS, 1),
}


def fraction_of(value: Value) -> Fraction | None:
    """Return a value of an answer as an exact fraction."""
    if isinstance(value, Ratio):
        return Fraction(value.numerator, value.denominator)
    return None if value is None else Fraction(value)


@dataclass(frozen=True, slots=True)
class GoalFigures:
    """The metric of a goal in its currency. `measures` are those of its inputs and its sample."""

    metric: Metric
    currency: str | None
    measures: tuple[Measure, ...]
    sample_fact: Fact | None

    @property
    def metric_ids(self) -> list[str]:
        """Return the metrics that an answer needs: its own, and the one that counts its sample."""
        sample = set() if self.sample_fact is None else {_SAMPLES[self.sample_fact][0].id}
        return sorted({self.metric.id} | sample)

    def target_of(self, stored: Any) -> Fraction:
        """Return a stored target."""
        return Fraction(stored["amount_minor"] if isinstance(stored, dict) else stored)

    def actual(self, figures: Figures | None) -> Fraction | None:
        """Return the figure of a row of an answer; without a row a sum is 0."""
        if figures is None:
            return Fraction(0) if self.metric.additive else None
        return fraction_of(_one(figures[self.metric.id]))

    def sample(self, figures: Figures | None) -> Fraction | None:
        """Return how many conversions or clicks the figure is made of; None: it needs none."""
        if self.sample_fact is None:
            return None
        metric, _, _ = _SAMPLES[self.sample_fact]
        return Fraction(0) if figures is None else fraction_of(_one(figures[metric.id]))

    def rounded(self, sums: Sequence[int | None]) -> Value:
        """Return the figure of sums of the measures, as an answer shows it."""
        return rounded(self.metric.unit, self._computed(sums))

    def of_sums(self, sums: Sequence[int | None]) -> Fraction | None:
        """Return the exact figure of sums of the measures."""
        return fraction_of(self._computed(sums))

    def sample_of_sums(self, sums: Sequence[int | None]) -> Fraction | None:
        """Return the sample of sums of the measures."""
        if self.sample_fact is None:
            return None
        _, measure, one = _SAMPLES[self.sample_fact]
        count = sums[self.measures.index(measure)]
        return None if count is None else Fraction(count, one)

    def _computed(self, sums: Sequence[int | None]) -> Value:
        places = [self.measures.index(MEASURES[name]) for name in self.metric.inputs]
        inputs = [sums[place] for place in places]
        if not self.metric.per_currency and None in inputs:
            return None
        return self.metric.compute(*inputs)

    def shown(self, value: Fraction | None) -> MoneyOut | float | None:
        """Return a figure as JSON: money in whole minor units, a number with six places."""
        if value is None:
            return None
        if self.metric.unit is Unit.MONEY:
            assert self.currency is not None
            return MoneyOut(amount_minor=round(value), currency=self.currency)
        return self.number(value)

    def number(self, value: Fraction) -> float:
        """Return a number with six places."""
        return float(round(value, _PLACES))


def figures_of(metric: Metric, currency: str | None) -> GoalFigures:
    """Return the figures of a metric in a currency."""
    facts = {MEASURES[name].fact for name in metric.inputs}
    sample = next((fact for fact in _SAMPLES if fact in facts), None)
    counted = {_SAMPLES[sample][1]} if sample is not None else set()
    wanted = {*measures_of((metric,)), *counted}
    measures = tuple(sorted(wanted, key=lambda measure: measure.id))
    return GoalFigures(metric, currency, measures, sample)


def _one(value: Any) -> Value:
    """Return the value of a figure that is asked for in one currency, or has none."""
    found: Value = value[0][1] if isinstance(value, tuple) else value
    return found
