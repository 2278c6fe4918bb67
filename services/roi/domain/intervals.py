"""Intervals of 90 %: the ends of a sum, a count, a mean and a rate that chance has moved. Pure.

Orders are taken as a compound Poisson process: they arrive by themselves, and each has an amount of
its own. Then the variance of a sum of amounts is estimated by the sum of their squares, and a count
is such a sum whose amounts are all 1 (Klugman, Panjer, Willmot, Loss Models, 4th ed., chapter 9).
Ends are the figure and 1.645 standard deviations on both sides, the normal approximation. A rate of
trials has Wilson's interval (Wilson, Probable Inference, the Law of Succession, and Statistical
Inference, Journal of the American Statistical Association 22, 1927).

Promise: integers in and out, in the unit of the figure, cut to whole ones. A credit of a part of an
order counts as if the order were credited whole with that probability, so `squares` is the sum of
amount × net of the order. It adds over any grouping, and it is never less than the sum of the
squared amounts: an interval of shared orders is rather too wide than too narrow.
"""

from math import isqrt
from typing import Final

Ends = tuple[int, int]

# The 95 % quantile of the normal distribution: 5 % lie above an interval of 90 %, 5 % below.
Z_MILLIONTHS: Final = 1_644_854
_Z_ONE: Final = 10**6
_Z_SQUARE: Final = Z_MILLIONTHS**2
_SQUARE_ONE: Final = _Z_ONE**2


def sum_ends(total: int, squares: int) -> Ends | None:
    """Return the ends of a sum of amounts; `squares` is the sum of amount × net.

    None where the squares are below 0, which no sum of squares is.
    """
    if squares < 0:
        return None
    margin = isqrt(squares * _Z_SQUARE // _SQUARE_ONE)
    return total - margin, total + margin


def count_ends(count: int, one: int) -> Ends | None:
    """Return the ends of a count; all numbers are in parts, of which `one` are one thing."""
    return sum_ends(count, count * one)


def mean_ends(total: int, squares: int, count: int, one: int) -> Ends | None:
    """Return the ends of a sum of so many amounts, of which each varies about their mean.

    The mean is the sum over `count`, which is in parts, of which `one` are one amount; the count
    itself is taken as it is. Cochran, Sampling Techniques, 3rd ed., section 2.8. Of orders of alike
    amounts that are shared, the rounded shares may give a variance below 0, which is 0 then.
    """
    if count <= 0 or squares < 0:
        return None
    return sum_ends(total, max(squares - total * total * one // count, 0))


def rate_ends(successes: int, trials: int, one: int) -> Ends | None:
    """Return the ends of the successes that so many trials are expected to have.

    Successes are in parts, of which `one` are one success. None without a trial, or where there are
    fewer than no successes or more than trials: what happened were no trials then.
    """
    if trials <= 0 or not 0 <= successes <= trials * one:
        return None
    spread = 4 * successes * (trials * one - successes) * _SQUARE_ONE
    spread += trials * one * one * _Z_SQUARE
    margin = isqrt(spread * _Z_SQUARE // (4 * trials * _SQUARE_ONE * _SQUARE_ONE))
    # Both ends and `trials` with a denominator of 2 × _SQUARE_ONE, to stay whole.
    middle = 2 * successes * _SQUARE_ONE + one * _Z_SQUARE
    shrunk = trials, 2 * (trials * _SQUARE_ONE + _Z_SQUARE)
    low = max(middle - 2 * margin * _SQUARE_ONE, 0) * shrunk[0] // shrunk[1]
    high = (middle + 2 * margin * _SQUARE_ONE) * shrunk[0] // shrunk[1]
    return low, high
