"""Measures of the followers of the accounts that published placements with reported engagements.

No statement reads them: `audience` makes them of the counts and the catalog. Each placement counts
once in a sum, however many days it has reports on, so rows by day do not add up to the total.
"""

from typing import Final

from services.roi.answers.kinds import Fact, Measure, not_read
from services.roi.answers.measures.social_counts import ENGAGEMENTS_REPORTS
from services.roi.answers.values import Unit


def _once(measure_id: str, sentence: str) -> Measure:
    return Measure(
        id=measure_id,
        sentence=sentence,
        unit=Unit.COUNT,
        fact=Fact.FOLLOWERS,
        total=not_read,
        additive=False,
        made_of=(ENGAGEMENTS_REPORTS.id,),
    )


FOLLOWERS: Final = _once(
    "audience_followers",
    "Followers of the account that published, once for each placement with engagements.",
)
WITHOUT_FOLLOWERS: Final = _once(
    "placements_without_followers",
    "Placements with reported engagements whose account has no known number of followers.",
)
