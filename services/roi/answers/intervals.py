"""The kinds of intervals that metrics have, each with its assumption and its source. Pure.

A metric names the measures in its own file. Reasons of several metrics without one stand here, too.

Promise: chance moves one measure of a metric, and the other inputs, such as cost, are known. The
ends of that measure are put into the metric's own formula, so a figure and its interval never have
two formulas.
"""

from typing import Final

from services.roi.answers.kinds import Interval
from services.roi.domain.intervals import Ends, count_ends, mean_ends, rate_ends, sum_ends
from shared.credits import UNITS_PER_CONVERSION

# How often an interval is meant to cover what it is about.
LEVEL: Final = 0.9
# The least number of kept purchases and renewals of an interval of orders. The normal approximation
# is commonly used from about 30 on. By simulation, of the intervals that are shown 88 % or more
# cover where the standard deviation of the amounts of orders is up to three quarters of their mean,
# 87 % where it is their mean, and 85 % where it is 1.5 times their mean.
ORDERS_LEAST: Final = 30

_ORDERS: Final = (
    "orders are a compound Poisson process: they arrive by themselves, each with an amount of its"
    " own; normal approximation with the sum of squares as variance; costs and margins are known."
    " By simulation it covers 88 % or more where the standard deviation of the amounts is up to"
    " 0.75 times their mean, 87 % up to their mean, 85 % up to 1.5 times; more where orders are"
    " shared by several placements"
)
_ORDERS_SOURCE: Final = "Klugman, Panjer, Willmot, Loss Models, 4th ed., chapter 9"

# Why costs over a number of things have none.
COST_OVER_COUNT: Final = "a cost over a count, which are both taken as they were counted and booked"
COST_OVER_SOME: Final = (
    "the least number for an interval is of purchases and renewals together, over which `cpa` has"
    " one; a part of the conversions has no least number of its own"
)


def _known_sum(total: int, squares: int | None, without_net: int | None) -> Ends | None:
    if squares is None or without_net != 0:
        return None
    return sum_ends(total, squares)


def _mean(total: int, squares: int | None, without_net: int | None, units: int) -> Ends | None:
    if squares is None or without_net != 0:
        return None
    return mean_ends(total, squares, units, UNITS_PER_CONVERSION)


def of_orders(total: str, squares: str, unknown: str, orders: str) -> Interval:
    """Return the interval of a sum over orders.

    `unknown`: the part of the sum that is not in the squares. `orders`: how many were kept.
    """
    return Interval(
        id="compound_poisson",
        inputs=(total, squares, unknown),
        ends=_known_sum,
        assumption=_ORDERS,
        source=_ORDERS_SOURCE,
        orders=orders,
    )


def of_count(count: str, orders: str) -> Interval:
    """Return the interval of a cost for each of a number of orders, in millionths."""
    return Interval(
        id="poisson",
        inputs=(count,),
        ends=lambda units: count_ends(units, UNITS_PER_CONVERSION),
        assumption="orders arrive by themselves (Poisson), normal approximation; costs are known",
        source=_ORDERS_SOURCE,
        orders=orders,
        more_is_better=False,
    )


def of_mean(total: str, squares: str, unknown: str, orders: str) -> Interval:
    """Return the interval of a sum over its number of orders, in millionths."""
    return Interval(
        id="mean",
        inputs=(total, squares, unknown, orders),
        ends=_mean,
        assumption=(
            "the amounts of orders are independent and alike, normal approximation; by simulation"
            " it covers 83 to 90 % where their standard deviation is up to their mean"
        ),
        source="Cochran, Sampling Techniques, 3rd ed., section 2.8: confidence limits of a mean",
        orders=orders,
    )


def of_trials(successes: str, trials: str) -> Interval:
    """Return the interval of a rate; successes are in millionths."""
    return Interval(
        id="wilson",
        inputs=(successes, trials),
        ends=lambda units, count: rate_ends(units, count, UNITS_PER_CONVERSION),
        assumption=(
            "each click is a trial that may convert once; null where there are more conversions"
            " than clicks, as with codes that nobody clicked for"
        ),
        source=(
            "Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal"
            " of the American Statistical Association 22 (1927): score interval"
        ),
    )
