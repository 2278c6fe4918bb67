"""What volumes of an answer have no value rate, in one sentence for people. Pure.

Promise: the sentence names the stages that no rate values at all, and where other days or platforms
have a rate, the units, platforms and days without one. Visits and leads are measured, so a brand
need not set a rate for them.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from services.roi.answers.building import Gathered
from services.roi.answers.kinds import Fact
from services.roi.answers.measures.assumed_by_stage import (
    ASSUMED_STAGES,
    VALUED_UNITS,
    WITHOUT_RATE,
)
from services.roi.answers.value_rates import ValueRates
from shared.events import Stage

# Gaps in one sentence; the others are counted.
_NAMED_MAX: Final = 3
_HOW: Final = "`POST /v1/rates` with `kind: value` sets one."


def value_rates_lacking(found: Gathered) -> str | None:
    """Return what has no value rate; None when nothing was counted that needs one."""
    rates = found.value_rates
    if rates is None:
        return None
    stages = _stages_without(found, rates)
    if not rates.units:
        if not stages:
            return None
        return f"No value rate is set, so nothing is assumed of {' and '.join(stages)}: {_HOW}"
    gaps = _gaps(found, rates)
    parts = []
    if gaps:
        named = ", ".join(gaps[:_NAMED_MAX])
        more = f" and {len(gaps) - _NAMED_MAX} more" if len(gaps) > _NAMED_MAX else ""
        parts.append(f"no value rate holds for {named}{more}, so such figures are missing")
    if stages:
        parts.append(f"no value rate is set for {' and '.join(stages)}")
    if not parts:
        return None
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}: {_HOW}"


def _stages_without(found: Gathered, rates: ValueRates) -> list[Stage]:
    """Return the stages with reported counts of which no rate values a unit."""
    reported: set[str] = set()
    for batch in found.batches:
        if batch.measures[0].fact is Fact.COUNTS:
            reported |= {
                measure.id
                for place, measure in enumerate(batch.measures)
                if any(cell.sums[place] for cell in batch.cells)
            }
    return [
        stage
        for stage in ASSUMED_STAGES
        if not any(VALUED_UNITS[per].stage == stage for per in rates.units)
        and any(
            unit.counted.id in reported
            for unit in VALUED_UNITS.values()
            if unit.stage == stage and unit.reports is not None
        )
    ]


def _gaps(found: Gathered, rates: ValueRates) -> list[str]:
    """Return each unit and platform with volumes without a rate, and their days."""
    days: dict[tuple[str, str], set[date]] = {}
    for per, platform, segment in _lacking(found, rates):
        days.setdefault((per, platform), set()).add(segment)
    return [
        f"a {per}{platform} {_stretch(found, sorted(starts))}"
        for (per, platform), starts in sorted(days.items())
    ]


def _lacking(found: Gathered, rates: ValueRates) -> Iterator[tuple[str, str, date]]:
    for batch in found.batches:
        if batch.measures[0].fact is not Fact.VALUES:
            continue
        places = {measure.id: place for place, measure in enumerate(batch.measures)}
        lacking = [
            (per, places[measure.id])
            for per, measure in WITHOUT_RATE.items()
            if measure.id in places
        ]
        for cell in batch.cells:
            for per, place in lacking:
                if cell.sums[place]:
                    assert cell.account is not None
                    platform = rates.platform_of(found.facts, cell.account)
                    yield per, f" on {platform}" if platform else "", cell.segment


def _stretch(found: Gathered, segments: list[date]) -> str:
    """Return the days from the first to the last of these segments."""
    starts = found.plan.starts
    following = bisect_right(starts, segments[-1])
    if following == len(starts):
        return f"from {segments[0]} on"
    last = starts[following] - timedelta(days=1)
    return f"on {last}" if last == segments[0] else f"from {segments[0]} to {last}"
