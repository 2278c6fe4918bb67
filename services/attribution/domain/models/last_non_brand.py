"""The model `last_non_brand`: everything to the newest step that is not content of the brand.

It corresponds to "last non-direct" in web analytics.
"""

from services.attribution.domain.steps import ALL, NOTHING, ModelInput, Shares


def shares(given: ModelInput) -> Shares:
    """Return 1 for the newest step of a creator; without one, for the newest step."""
    newest = len(given.steps) - 1
    of_creators = [place for place, step in enumerate(given.steps) if not step.is_brand]
    chosen = of_creators[-1] if of_creators else newest
    return [ALL if place == chosen else NOTHING for place in range(newest + 1)]
