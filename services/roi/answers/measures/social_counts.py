"""Measures of social counts: of each count its changes, and how many reports told it.

A change lies on the local day of the report that shows it. The number of reports says whether a
count is known at all: without any, it is missing and not 0. Reach is gross: placements have people
in common, and each placement counts them.
"""

from typing import Final

from sqlalchemy import func

from services.roi.answers.kinds import Fact, Measure, Only
from services.roi.answers.values import Unit
from shared.credits import COUNT_NAMES


def _counted(measure_id: str, what: str, *metrics: str) -> Measure:
    return Measure(
        id=measure_id,
        sentence=f"{what}, by the day of the report that shows them.",
        unit=Unit.COUNT,
        fact=Fact.COUNTS,
        total=lambda row: func.sum(row.change),
        only=Only("metric", metrics or (measure_id,)),
        warned_by="counts_fallen",
    )


def _reports(counted: Measure) -> Measure:
    return Measure(
        id=f"{counted.id}_reports",
        sentence=f"The reports that count and tell {counted.id}.",
        unit=Unit.COUNT,
        fact=Fact.COUNTS,
        total=lambda row: func.sum(row.reports),
        only=counted.only,
    )


IMPRESSIONS: Final = _counted("impressions", "Showings of placements, repeats included")
GROSS_REACH: Final = _counted(
    "gross_reach", "People whom placements reached, each placement by itself", "reach"
)
VIEWS: Final = _counted("views", "Views of placements, by the rule of their platforms")
LIKES: Final = _counted("likes", "Likes of placements")
COMMENTS: Final = _counted("comments", "Comments on placements")
SHARES: Final = _counted("shares", "Shares of placements")
SAVES: Final = _counted("saves", "Saves of placements")
WATCH_SECONDS: Final = _counted("watch_seconds", "Seconds for which placements were watched")
LINK_TAPS: Final = _counted("link_taps", "Taps on the links of placements, as platforms count them")
FOLLOWERS_GAINED: Final = _counted("followers_gained", "New followers from placements")
ENGAGEMENTS: Final = _counted(
    "engagements",
    "Likes, comments, shares and saves of placements",
    "comments",
    "likes",
    "saves",
    "shares",
)
IMPRESSIONS_REPORTS: Final = _reports(IMPRESSIONS)
GROSS_REACH_REPORTS: Final = _reports(GROSS_REACH)
VIEWS_REPORTS: Final = _reports(VIEWS)
LIKES_REPORTS: Final = _reports(LIKES)
COMMENTS_REPORTS: Final = _reports(COMMENTS)
SHARES_REPORTS: Final = _reports(SHARES)
SAVES_REPORTS: Final = _reports(SAVES)
WATCH_SECONDS_REPORTS: Final = _reports(WATCH_SECONDS)
LINK_TAPS_REPORTS: Final = _reports(LINK_TAPS)
FOLLOWERS_GAINED_REPORTS: Final = _reports(FOLLOWERS_GAINED)
ENGAGEMENTS_REPORTS: Final = _reports(ENGAGEMENTS)
COUNTS_FALLEN: Final = Measure(
    id="counts_fallen",
    sentence="By how much counts fell from one report to the next, all of them together.",
    unit=Unit.COUNT,
    fact=Fact.COUNTS,
    total=lambda row: func.sum(row.fallen),
    only=Only("metric", COUNT_NAMES),
)
