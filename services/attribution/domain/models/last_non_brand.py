"""The model `last_non_brand`: the newest step that is not the brand's own content takes all.

It answers which creator came last, as "last non-direct" does in web analytics.
"""

from services.attribution.domain.steps import ALL, NOTHING, ModelInput, Shares


def shares(given: ModelInput) -> Shares:
    """1 for the newest step of a creator; when all are the brand's, 1 for the newest step."""
    newest = len(given.steps) - 1
    of_creators = [place for place, step in enumerate(given.steps) if not step.is_brand]
    chosen = of_creators[-1] if of_creators else newest
    return [ALL if place == chosen else NOTHING for place in range(newest + 1)]
