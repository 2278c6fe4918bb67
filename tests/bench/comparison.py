"""Comparison of a subject with its limit in one run: limit, subject, limit, and so on; the median.

Promise: a ratio is of measurements next to each other in time, so a slow machine slows both.
What can go wrong: on a busy machine the spread is wider than the distance to the goal; it is shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, the least and the greatest of some numbers."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Return the spread of at least one number."""
        return cls(median(values), min(values), max(values))

    def text(self, digits: int = 2, unit: str = "") -> str:
        """Return the text for a table: the median, then the range in brackets."""
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
    """Measure limit, subject, limit, next subject, limit, and so on, for a number of rounds."""
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
    """Return the spread of the ratios of the rounds."""
    return Spread.of([one.ratio(value) for one in rounds])


def limits(rounds: list[Round[Measured]], value: Callable[[Measured], float]) -> Spread:
    """Return the spread of a value of the limit."""
    return Spread.of([value(one) for pair in rounds for one in (pair.before, pair.after)])


def subjects(rounds: list[Round[Measured]], value: Callable[[Measured], float]) -> Spread:
    """Return the spread of a value of the subject."""
    return Spread.of([value(one.subject) for one in rounds])


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
