"""Comparing a subject with its limit in one run: interleaved, the limit before and after each subject, the median reported.

Promise: a ratio is always of measurements that stood beside each other in time, so a machine that slows down in between slows
both. What can go wrong: a spread wider than the distance to the goal means that the machine was not quiet; it is shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers, and the least and greatest of them."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """The spread of at least one number."""
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 2, unit: str = "") -> str:
        """For a table: median, then the range in brackets."""
        low, high = f"{self.least:.{digits}f}", f"{self.greatest:.{digits}f}"
        return f"{self.median:.{digits}f}{unit} ({low}–{high})"


@dataclass(frozen=True, slots=True)
class Round(Generic[Measured]):
    """One subject's measurement between two of its limit."""

    before: Measured
    subject: Measured
    after: Measured

    def ratio(self, value: Callable[[Measured], float]) -> float:
        """The subject's value over the mean of the limit's."""
        limit = (value(self.before) + value(self.after)) / 2
        return value(self.subject) / limit if limit else float("nan")


def interleave(
    limit: Callable[[], Measured],
    subjects: Mapping[str, Callable[[], Measured]],
    rounds: int,
    tell: Callable[[str], None],
) -> dict[str, list[Round[Measured]]]:
    """Limit, subject, limit, next subject, limit, …, as many rounds as asked."""
    found: dict[str, list[Round[Measured]]] = {name: [] for name in subjects}
    before = limit()
    for number in range(rounds):
        for name, subject in subjects.items():
            tell(f"round {number + 1} of {rounds}: {name}")
            measured = subject()
            after = limit()
            found[name].append(Round(before, measured, after))
            before = after
    return found


def ratios(rounds: list[Round[Measured]], value: Callable[[Measured], float]) -> Spread:
    """The spread of the rounds' ratios."""
    return Spread.of([one.ratio(value) for one in rounds])


def limits(rounds: list[Round[Measured]], value: Callable[[Measured], float]) -> Spread:
    """The spread of the limit's own values."""
    return Spread.of([value(one) for pair in rounds for one in (pair.before, pair.after)])


def subjects(rounds: list[Round[Measured]], value: Callable[[Measured], float]) -> Spread:
    """The spread of the subject's own values."""
    return Spread.of([value(one.subject) for one in rounds])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
