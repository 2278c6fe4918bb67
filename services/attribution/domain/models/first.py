"""The model `first`: the oldest step takes all."""

from services.attribution.domain.steps import ALL, NOTHING, ModelInput, Shares


def shares(given: ModelInput) -> Shares:
    """1 for the oldest step, 0 for the others."""
    return [ALL, *[NOTHING] * (len(given.steps) - 1)]
