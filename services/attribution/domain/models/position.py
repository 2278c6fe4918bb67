"""The model `position` (U-shaped): fixed shares for the first and the last step.

The steps between share the rest equally. Source: Google Ads and Adobe Analytics, 40/20/40.
"""

from fractions import Fraction

from services.attribution.domain.steps import ModelInput, Shares

_PERCENT = 100


def shares(given: ModelInput) -> Shares:
    """Return the shares of n steps.

    n = 1: everything. n = 2: in the ratio of both shares (40/40 gives 50/50). n > 2: the steps
    between the first and the last share the rest equally.
    """
    count = len(given.steps)
    first = given.parameters["first_share_percent"]
    last = given.parameters["last_share_percent"]
    if count == 1:
        return [Fraction(1)]
    if count == 2:
        return [Fraction(first, first + last), Fraction(last, first + last)]
    between = Fraction(_PERCENT - first - last, _PERCENT * (count - 2))
    return [
        Fraction(first, _PERCENT),
        *[between] * (count - 2),
        Fraction(last, _PERCENT),
    ]
