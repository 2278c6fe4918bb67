"""Metrics of social counts: impressions, gross reach, views, watch time, engagements, link taps.

A count is null where no report tells it, and never 0 by default.
"""

from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, reported
from shared.events import Stage

_MRC: Final = "MRC, Social Media Measurement Guidelines 1.0 (2015)"
_ANA: Final = "ANA, Influencer Marketing Measurement Guidelines (2022)"


def _count(
    metric_id: str,
    name: str,
    what: str,
    source: str,
    stage: Stage,
    leads_stage: int | None = None,
) -> Metric:
    return Metric(
        id=metric_id,
        version=1,
        name=name,
        formula=f"{what}: differences of the reported counts, by the day of the report",
        inputs=(metric_id, f"{metric_id}_reports"),
        basis="reported by the source that counts",
        unit=Unit.COUNT,
        per_currency=False,
        additive=True,
        empty_value="null when nobody reported it, never 0",
        source=source,
        compute=reported,
        example=Example({metric_id: 30_000, f"{metric_id}_reports": 3}, 30_000),
        may_be_missing=True,
        stage=stage,
        leads_stage=leads_stage,
        by_default=False,
    )


IMPRESSIONS: Final = _count(
    "impressions",
    "Impressions",
    "times shown, repeats included",
    f"{_ANA}: awareness",
    "awareness",
    leads_stage=1,
)
GROSS_REACH: Final = _count(
    "gross_reach",
    "Gross reach",
    "people reached, added over placements: who saw two of them counts twice",
    f"{_ANA}: awareness, reach; Farris, Bendle, Pfeifer, Reibstein, Marketing Metrics, 2nd ed.,"
    " chapter 9: net reach counts each person once, so this sum is gross",
    "awareness",
)
VIEWS: Final = _count(
    "views",
    "Views",
    "times viewed, by the platform's own rule",
    f"{_ANA}: awareness",
    "awareness",
    leads_stage=2,
)
WATCH_SECONDS: Final = _count(
    "watch_seconds",
    "Watch time in seconds",
    "seconds watched by all together",
    "YouTube Analytics: estimatedMinutesWatched, in seconds",
    "awareness",
)
ENGAGEMENTS: Final = _count(
    "engagements",
    "Engagements",
    "likes, comments, shares and saves together",
    f"{_MRC}: engagement",
    "engagement",
    leads_stage=1,
)
LIKES: Final = _count("likes", "Likes", "likes", f"{_MRC}: interaction", "engagement")
COMMENTS: Final = _count("comments", "Comments", "comments", f"{_MRC}: interaction", "engagement")
SHARES: Final = _count("shares", "Shares", "shares", f"{_MRC}: redistribution", "engagement")
SAVES: Final = _count("saves", "Saves", "saves", f"{_MRC}: interaction", "engagement")
FOLLOWERS_GAINED: Final = _count(
    "followers_gained",
    "Followers gained",
    "people who began to follow",
    "YouTube Analytics: subscribersGained; Instagram insights: follows",
    "engagement",
)
LINK_TAPS: Final = _count(
    "link_taps",
    "Link taps",
    "taps on the link, by the platform's count",
    f"{_ANA}: conversion, traffic; `clicks` are those that Laurel measured itself",
    "consideration",
)
