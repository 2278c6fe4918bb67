"""The model `time_decay`: the weight of a step halves with each half-life of its age.

Formula: weight = 2^(-age / half-life), normalised to sum to 1. Source: Google Ads and Adobe
Analytics (half-life 7 days). Promise: the same shares on every machine: no float is used, and
`decimal` rounds `exp` correctly in any implementation.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from services.attribution.domain.steps import ModelInput, Shares

# The weight of the newest step. A step that is 30 half-lives older weighs less than half a part
# and gets nothing.
PARTS: Final = 10**9

_CONTEXT: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
_MINUS_LN_2: Final = Decimal("-0.6931471805599453094172321215")
_MICROSECOND: Final = timedelta(microseconds=1)


def shares(given: ModelInput) -> Shares:
    """Return exact shares that sum to 1. An age is the time from a step to the newest step."""
    weights = weights_of(
        [step.occurred_at for step in given.steps], given.parameters["half_life_days"]
    )
    total = sum(weights)
    return [Fraction(weight, total) for weight in weights]


def weights_of(moments: Sequence[datetime], half_life_days: int) -> list[int]:
    """Return the weight of each time; the newest has `PARTS`."""
    newest = max(moments)
    half_life = timedelta(days=half_life_days) // _MICROSECOND
    return [_weight((newest - moment) // _MICROSECOND, half_life) for moment in moments]


def _weight(age: int, half_life: int) -> int:
    half_lives = _CONTEXT.divide(Decimal(age), Decimal(half_life))
    factor = _CONTEXT.exp(_CONTEXT.multiply(_MINUS_LN_2, half_lives))
    return int(_CONTEXT.to_integral_value(_CONTEXT.multiply(factor, Decimal(PARTS))))
