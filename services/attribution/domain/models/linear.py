"""The model `linear`: all steps share equally; repeated steps of one account count each."""

from fractions import Fraction

from services.attribution.domain.steps import ModelInput, Shares


def shares(given: ModelInput) -> Shares:
    """1/n for each of n steps."""
    count = len(given.steps)
    return [Fraction(1, count)] * count
