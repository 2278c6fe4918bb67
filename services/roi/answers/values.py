"""Exact values of answers: units, quotients, and how a value is rounded when it is shown. Pure.

Promise: a value is an integer or an exact quotient until it is shown. Missing is None and never 0.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from shared.credits import UNITS_PER_CONVERSION

# Ratios are shown to six decimal places.
RATIO_STEPS: Final = 1_000_000


class Unit(StrEnum):
    """How a value is counted and shown."""

    COUNT = "count"  # whole things
    CONVERSIONS = "conversions"  # may be a fraction, exact to the millionth
    MONEY = "money"  # minor units of a currency
    RATIO = "ratio"  # a number without unit, rounded half-even to 6 places


class Ratio(msgspec.Struct, frozen=True, gc=False):
    """An exact quotient, not reduced: the reduction took half the time of a long answer.

    A struct, because an answer makes some for each row and a dataclass takes five times as long.
    """

    numerator: int
    denominator: int

    def times(self, factor: int) -> int:
        """Return `factor` times the quotient as a whole number, rounded half to even."""
        whole, rest = divmod(self.numerator * factor, self.denominator)
        twice, size = 2 * abs(rest), abs(self.denominator)
        return whole + 1 if twice > size or (twice == size and whole % 2) else whole


Value = int | Ratio | None


def divide(numerator: int | None, denominator: int | None) -> Ratio | None:
    """Return the exact quotient; None when a part is missing or the denominator is zero."""
    if numerator is None or not denominator:
        return None
    return Ratio(numerator, denominator)


def reported(count: int | None, reports: int | None) -> int | None:
    """Return a count; None when no report tells it."""
    return count if reports else None


def per_reported(numerator: int | None, count: int | None, *reports: int | None) -> Ratio | None:
    """Return the exact quotient by a count; None unless it is above 0 and all are reported."""
    if count is None or count <= 0 or not all(reports):
        return None
    return divide(numerator, count)


def per_thousand_reported(
    numerator: int | None, count: int | None, *reports: int | None
) -> Ratio | None:
    """Return a thousand times the quotient by a count."""
    thousandfold = None if numerator is None else numerator * 1_000
    return per_reported(thousandfold, count, *reports)


def _itself(value: Ratio) -> Value:
    return value


def _to_six_places(value: Ratio) -> Value:
    return Ratio(value.times(RATIO_STEPS), RATIO_STEPS)


def _to_minor_units(value: Ratio) -> Value:
    return value.times(1)


_ROUNDINGS: Final[Mapping[Unit, Callable[[Ratio], Value]]] = {
    Unit.COUNT: _itself,
    Unit.CONVERSIONS: _itself,
    Unit.MONEY: _to_minor_units,
    Unit.RATIO: _to_six_places,
}


def rounded(unit: Unit, value: Value) -> Value:
    """Return a value as an answer shows it.

    Money is whole minor units, a ratio has six places, both rounded half-even. Counts and
    conversions stay exact.
    """
    # `isinstance` of a struct goes through its metaclass and takes ten times as long.
    return _ROUNDINGS[unit](value) if type(value) is Ratio else value


def round_to_whole(parts: list[int], one: int) -> list[int]:
    """Return parts that are counted in `one`ths as whole numbers, by largest remainder.

    The whole numbers add up to the sum of the parts, rounded half-even. Equal remainders go to the
    earlier part.
    """
    return round_to_sum(parts, one, Ratio(sum(parts), one).times(1))


def round_to_sum(parts: list[int], one: int, total: int) -> list[int]:
    """Return parts that are counted in `one`ths as whole numbers that add up to `total`.

    `total` is the sum of the parts, rounded up or down.
    """
    floors, remainders = [], []
    for part in parts:
        floor, remainder = divmod(part, one)
        floors.append(floor)
        remainders.append(remainder)
    if not any(remainders):
        return floors
    left = total - sum(floors)
    by_remainder = sorted(range(len(floors)), key=lambda i: (-remainders[i], i))
    for index in by_remainder[:left]:
        floors[index] += 1
    return floors


def per_conversion(amount_minor: int | None, units: int) -> Ratio | None:
    """Return an amount for each whole conversion; `units` are millionths of a conversion."""
    return divide(None if amount_minor is None else amount_minor * UNITS_PER_CONVERSION, units)
