"""Metrics `engagement_rate_by_views`, `_by_impressions`, `_by_reach`, `_by_followers`.

Each names its base.
"""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Ratio, Unit, per_reported

_MRC: Final = "MRC, Social Media Measurement Guidelines 1.0 (2015): engagement rate, base named"


_ENGAGEMENTS: Final = "(likes + comments + shares + saves, those that are reported)"
_NO_INTERVAL: Final = (
    "one view may bring several engagements, and one person several views: they are no trials, so"
    " no interval of a rate holds"
)


def _rate(base: str, counted: str, count: int, rate: Fraction, source: str = _MRC) -> Metric:
    """Return the rate by a base; `counted` is the measure that counts the base."""
    name = counted.replace("_", " ")
    return Metric(
        id=f"engagement_rate_by_{base}",
        version=1,
        name=f"Engagement rate by {name}",
        formula=f"{_ENGAGEMENTS} ÷ {name}",
        inputs=("engagements", counted, f"{counted}_reports", "engagements_reports"),
        basis="reported by the source that counts",
        unit=Unit.RATIO,
        per_currency=False,
        additive=False,
        empty_value=f"null when {name} or all engagements are not reported or not above 0",
        source=source,
        compute=per_reported,
        example=Example(
            {
                "engagements": 40_000,
                "engagements_reports": 12,
                counted: count,
                f"{counted}_reports": 3,
            },
            rate,
        ),
        by_default=False,
        no_interval=_NO_INTERVAL,
    )


BY_VIEWS: Final = _rate("views", "views", 500_000, Fraction(2, 25))
BY_IMPRESSIONS: Final = _rate("impressions", "impressions", 2_000_000, Fraction(1, 50))
# 40,000 ÷ 800,000.
BY_REACH: Final = _rate(
    "reach",
    "gross_reach",
    800_000,
    Fraction(1, 20),
    f"{_MRC}; LiveDune, ER, ERR and other formulas: ERR is reactions ÷ reach",
)


def _per_follower(
    engagements: int | None, reports: int | None, followers: int | None, unknown: int | None
) -> Ratio | None:
    return None if unknown else per_reported(engagements, followers, reports)


# Three reels of an account with 100,000 followers: 30,000 ÷ 300,000.
BY_FOLLOWERS: Final = Metric(
    id="engagement_rate_by_followers",
    version=1,
    name="Engagement rate by followers",
    formula=f"{_ENGAGEMENTS} ÷ followers of the account that published, once for each placement",
    inputs=(
        "engagements",
        "engagements_reports",
        "audience_followers",
        "placements_without_followers",
    ),
    basis="reported by the source that counts; followers as recorded at `as_of`",
    unit=Unit.RATIO,
    per_currency=False,
    additive=False,
    empty_value=(
        "null when no engagement is reported, or the followers of an account are not known or 0"
    ),
    source=(
        "NapoleonCat Help, Engagement rate: interactions of a post ÷ followers; Traackr Help: of"
        " several posts, engagements ÷ sum of followers"
    ),
    compute=_per_follower,
    example=Example(
        {
            "engagements": 30_000,
            "engagements_reports": 3,
            "audience_followers": 300_000,
            "placements_without_followers": 0,
        },
        Fraction(1, 10),
    ),
    by_default=False,
    no_interval=_NO_INTERVAL,
)
