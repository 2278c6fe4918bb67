"""Goals: what is expected to date, the status, and the forecast with its interval. Pure.

The rule of the status, for a goal of `at_least`:

- A sum is `reached` as soon as it meets the target. A quotient may fall again, so it is `reached`
  or `missed` when the last day is over; so is a sum that does not meet the target by then.
- `too_early`: less than a tenth of the days is over, or a quotient is made of fewer than
  `SAMPLE_LEAST` conversions or clicks.
- Otherwise the figure is compared with what is expected to date: `on_track` within 5 % of it,
  `ahead` above, `behind` below. A sum is expected to grow alike on each day; a quotient is expected
  to be the target on every day.

For `at_most` the rule is mirrored: a sum is `missed` as soon as it exceeds the target, `ahead` is
below what is expected and `behind` above it.

The forecast of a sum goes on at its run rate, that of a quotient stays what it is. The interval
assumes that orders arrive as a compound Poisson process: the sums of days are independent and
alike. Its variance is the jackknife's over the stretches that are over (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapter 11); of a sum this is the sample variance of its days.
With `rest` of `days` to come, the error of the forecast has that variance × rest ÷ days, and its
quantile is Student's t (Hahn and Meeker, Statistical Intervals, 1991, section 4.8: the mean of
future observations).

Promise: everything is exact but the interval, which has six decimals. A figure
that is missing has no status and no forecast, once a status would need it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from math import isqrt
from typing import Final, Literal

from services.roi.domain.intervals import Z_MILLIONTHS

Direction = Literal["at_least", "at_most"]

# A quotient of fewer conversions or clicks moves by more than the band with the next one.
SAMPLE_LEAST: Final = 10
# Fewer whole stretches tell too little about how much they differ; a week has every weekday.
STRETCHES_LEAST: Final = 7
_EARLY: Final = Fraction(1, 10)
_BAND: Final = Fraction(1, 20)
_Z: Final = Fraction(Z_MILLIONTHS, 10**6)
_SCALE: Final = 10**6


class Status(StrEnum):
    """How a goal stands."""

    TOO_EARLY = "too_early"
    AHEAD = "ahead"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    REACHED = "reached"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Goal:
    """A target for a figure from one local day to another, both included.

    `is_sum`: the figure is a sum over the days; otherwise it is a quotient of sums.
    """

    target: Fraction
    direction: Direction
    starts_on: date
    ends_on: date
    is_sum: bool

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.ends_on - self.starts_on).days + 1

    def elapsed(self, today: date, part_of_today: Fraction) -> Fraction:
        """Return how many of its days are over, with the part of today."""
        days = (today - self.starts_on).days + part_of_today
        return min(max(days, Fraction(0)), Fraction(self.days))

    def expected(self, elapsed: Fraction) -> Fraction:
        """Return what is expected when so many days are over."""
        return self.target * elapsed / self.days if self.is_sum else self.target

    def status(
        self, actual: Fraction | None, elapsed: Fraction, sample: Fraction | None
    ) -> Status | None:
        """Return the status; None where the figure is missing and the status would need it.

        `sample`: how many conversions or clicks the figure is made of; None: it needs none.
        """
        is_over = elapsed >= self.days
        if actual is not None:
            is_met = (
                actual >= self.target if self.direction == "at_least" else actual <= self.target
            )
            is_final = is_over or (self.is_sum and is_met == (self.direction == "at_least"))
            if is_final:
                return Status.REACHED if is_met else Status.MISSED
        if elapsed < self.days * _EARLY:
            return Status.TOO_EARLY
        if actual is None:
            return None
        if not self.is_sum and sample is not None and sample < SAMPLE_LEAST:
            return Status.TOO_EARLY
        return self._pace(actual, self.expected(elapsed))

    def _pace(self, actual: Fraction, expected: Fraction) -> Status:
        lead = actual - expected if self.direction == "at_least" else expected - actual
        band = abs(expected) * _BAND
        if lead > band:
            return Status.AHEAD
        return Status.BEHIND if lead < -band else Status.ON_TRACK


@dataclass(frozen=True, slots=True)
class Forecast:
    """The figure at the end, and the ends of its 90 % interval; None where they are unknown."""

    value: Fraction | None
    low: Fraction | None
    high: Fraction | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days that are over, the last of them, and the sum of each measure over them."""

    last_on: date
    days: int
    sums: tuple[int | None, ...]


Figure = Callable[[Sequence[int | None]], Fraction | None]
"""A figure of the sums of its measures; None where it has no value."""


def forecast(
    goal: Goal,
    actual: Fraction | None,
    elapsed: Fraction,
    stretches: Sequence[Stretch],
    figure: Figure,
) -> Forecast:
    """Return the forecast from the figure to date and from the stretches that are over."""
    if actual is None or not elapsed:
        return Forecast(None, None, None)
    if elapsed >= goal.days:
        return Forecast(actual, actual, actual)
    value = actual * goal.days / elapsed if goal.is_sum else actual
    variance = _variance(goal, stretches, figure)
    if variance is None:
        return Forecast(value, None, None)
    rest = (goal.days - elapsed) / goal.days
    margin = _quantile(len(stretches) - 1) * _root(variance * rest)
    return Forecast(value, value - margin, value + margin)


def added(rows: Sequence[Sequence[int | None]]) -> list[int | None]:
    """Return the sum of each measure over rows; None where a part is missing."""
    found: list[int | None] = []
    for column in zip(*rows, strict=True):
        known = [value for value in column if value is not None]
        found.append(sum(known) if len(known) == len(column) else None)
    return found


def _variance(goal: Goal, stretches: Sequence[Stretch], figure: Figure) -> Fraction | None:
    """Return the variance of the whole goal's figure; None where it cannot be told."""
    if len(stretches) < STRETCHES_LEAST:
        return None
    total, days = added([one.sums for one in stretches]), sum(one.days for one in stretches)
    without: list[Fraction] = []
    for one in stretches:
        rest = [
            None if every is None or part is None else every - part
            for every, part in zip(total, one.sums, strict=True)
        ]
        found = figure(rest)
        if found is None:
            return None
        whole = found * goal.days / (days - one.days) if goal.is_sum else found
        # A common denominator: that of hundreds of quotients would have thousands of digits.
        without.append(Fraction(round(whole * _SCALE), _SCALE))
    count = len(without)
    mean = sum(without, Fraction(0)) / count
    return sum(((one - mean) ** 2 for one in without), Fraction(0)) * (count - 1) / count


def _root(value: Fraction) -> Fraction:
    """Return the square root, cut to six decimals."""
    return Fraction(isqrt(int(value * _SCALE**2)), _SCALE)


def _quantile(freedom: int) -> Fraction:
    """Return the 95 % quantile of Student's t for at least 6 degrees of freedom.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5, with two terms: the error is
    below 0.3 %.
    """
    first = (_Z**3 + _Z) / 4
    second = (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96
    return _Z + first / freedom + second / freedom**2
