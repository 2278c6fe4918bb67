"""Measures of what volumes are deemed worth by the value rates of the brand, by stage.

No statement reads them: `value_rates` makes them of the sums of other measures. A unit is what a
rate says the worth of one of; it is counted by one measure and belongs to one stage.

Promise: amounts are exact, in parts of a minor unit. What was counted without a rate is counted
apart, so that a figure with such volumes is missing and never 0. A rate for leads is not used where
their worth is measured, so what values leads is made of the open leads, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.roi.answers.kinds import Fact, Measure, not_read
from services.roi.answers.measures import social_counts
from services.roi.answers.measures.clicks import CLICKS
from services.roi.answers.measures.modelled_leads import OPEN_LEADS
from services.roi.answers.measures.units_by_kind import LEADS
from services.roi.answers.values import Unit
from shared.credits import UNITS_PER_CONVERSION
from shared.events import Stage

# A rate has up to six decimals, and conversions are counted in millionths.
RATE_STEPS: Final = 10**6
PARTS: Final = RATE_STEPS * UNITS_PER_CONVERSION


@dataclass(frozen=True, slots=True)
class ValuedUnit:
    """A unit of a value rate. `reports` says whether its count is known; None: it is measured."""

    stage: Stage
    counted: Measure
    reports: Measure | None = None
    one: int = 1


# By the word of the rate's `per`. A visit is a click that Laurel measured.
VALUED_UNITS: Final[Mapping[str, ValuedUnit]] = {
    "impression": ValuedUnit(
        "awareness", social_counts.IMPRESSIONS, social_counts.IMPRESSIONS_REPORTS
    ),
    "view": ValuedUnit("awareness", social_counts.VIEWS, social_counts.VIEWS_REPORTS),
    "like": ValuedUnit("engagement", social_counts.LIKES, social_counts.LIKES_REPORTS),
    "comment": ValuedUnit("engagement", social_counts.COMMENTS, social_counts.COMMENTS_REPORTS),
    "share": ValuedUnit("engagement", social_counts.SHARES, social_counts.SHARES_REPORTS),
    "save": ValuedUnit("engagement", social_counts.SAVES, social_counts.SAVES_REPORTS),
    "visit": ValuedUnit("consideration", CLICKS),
    "lead": ValuedUnit("consideration", LEADS, one=UNITS_PER_CONVERSION),
}
# The stages that a rate can value, in the order of the journey.
ASSUMED_STAGES: Final = tuple(dict.fromkeys(unit.stage for unit in VALUED_UNITS.values()))


def _inputs(stage: Stage) -> tuple[str, ...]:
    units = [unit for unit in VALUED_UNITS.values() if unit.stage == stage]
    read = [measure for unit in units for measure in (unit.counted, unit.reports) if measure]
    # Whether leads have a measured worth is found with the open ones.
    read += [OPEN_LEADS] if LEADS in read else []
    return tuple(measure.id for measure in read)


def _amount(stage: Stage) -> Measure:
    return Measure(
        id=f"assumed_at_{stage}",
        sentence=f"Volumes of the stage {stage} times the value rates of their day.",
        unit=Unit.MONEY,
        fact=Fact.VALUES,
        total=not_read,
        per_currency=True,
        parts=PARTS,
        made_of=_inputs(stage),
    )


def _known(stage: Stage) -> Measure:
    return Measure(
        id=f"assumed_at_{stage}_known",
        sentence=f"The sums of the stage {stage} that a value rate holds for.",
        unit=Unit.COUNT,
        fact=Fact.VALUES,
        total=not_read,
        made_of=_inputs(stage),
    )


def _without_rate(per: str) -> Measure:
    unit = VALUED_UNITS[per]
    return Measure(
        id=f"{unit.counted.id}_without_rate",
        sentence=f"The sums with a {per} on days without its value rate, which other days have.",
        unit=Unit.COUNT,
        fact=Fact.VALUES,
        total=not_read,
        made_of=_inputs(unit.stage),
    )


AT_AWARENESS: Final = _amount("awareness")
AT_ENGAGEMENT: Final = _amount("engagement")
AT_CONSIDERATION: Final = _amount("consideration")
KNOWN_AT_AWARENESS: Final = _known("awareness")
KNOWN_AT_ENGAGEMENT: Final = _known("engagement")
KNOWN_AT_CONSIDERATION: Final = _known("consideration")
IMPRESSIONS_WITHOUT_RATE: Final = _without_rate("impression")
VIEWS_WITHOUT_RATE: Final = _without_rate("view")
LIKES_WITHOUT_RATE: Final = _without_rate("like")
COMMENTS_WITHOUT_RATE: Final = _without_rate("comment")
SHARES_WITHOUT_RATE: Final = _without_rate("share")
SAVES_WITHOUT_RATE: Final = _without_rate("save")
VISITS_WITHOUT_RATE: Final = _without_rate("visit")
LEADS_WITHOUT_RATE: Final = _without_rate("lead")

AMOUNTS: Final[Mapping[Stage, Measure]] = {
    "awareness": AT_AWARENESS,
    "engagement": AT_ENGAGEMENT,
    "consideration": AT_CONSIDERATION,
}
KNOWN: Final[Mapping[Stage, Measure]] = {
    "awareness": KNOWN_AT_AWARENESS,
    "engagement": KNOWN_AT_ENGAGEMENT,
    "consideration": KNOWN_AT_CONSIDERATION,
}
WITHOUT_RATE: Final[Mapping[str, Measure]] = {
    "impression": IMPRESSIONS_WITHOUT_RATE,
    "view": VIEWS_WITHOUT_RATE,
    "like": LIKES_WITHOUT_RATE,
    "comment": COMMENTS_WITHOUT_RATE,
    "share": SHARES_WITHOUT_RATE,
    "save": SAVES_WITHOUT_RATE,
    "visit": VISITS_WITHOUT_RATE,
    "lead": LEADS_WITHOUT_RATE,
}
