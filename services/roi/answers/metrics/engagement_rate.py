"""Metrics `engagement_rate_by_views` and `engagement_rate_by_impressions`: each names its base."""

from fractions import Fraction
from typing import Final

from services.roi.answers.kinds import Example, Metric
from services.roi.answers.values import Unit, per_reported


def _rate(base: str, count: int, rate: Fraction) -> Metric:
    return Metric(
        id=f"engagement_rate_by_{base}",
        version=1,
        name=f"Engagement rate by {base}",
        formula=f"(likes + comments + shares + saves, those that are reported) ÷ {base}",
        inputs=("engagements", base, f"{base}_reports", "engagements_reports"),
        basis="reported by the source that counts",
        unit=Unit.RATIO,
        per_currency=False,
        additive=False,
        empty_value=f"null when {base} or all engagements are not reported or not above 0",
        source="MRC, Social Media Measurement Guidelines 1.0 (2015): engagement rate, base named",
        compute=per_reported,
        example=Example(
            {
                "engagements": 40_000,
                "engagements_reports": 12,
                base: count,
                f"{base}_reports": 3,
            },
            rate,
        ),
        by_default=False,
        no_interval=(
            "one view may bring several engagements, and one person several views: they are no"
            " trials, so no interval of a rate holds"
        ),
    )


BY_VIEWS: Final = _rate("views", 500_000, Fraction(2, 25))
BY_IMPRESSIONS: Final = _rate("impressions", 2_000_000, Fraction(1, 50))
