"""The people of each stage: how many, and how long they took to the next stage. Pure.

A person is of a stage and row with a kept conversion of that stage that is credited to the row.
People are counted, each once, and never added: a person may be of several rows and stages. The time
to the next stage is that from a person's first conversion of the stage to the first of the next one
after it, both of the same row and days.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median_high, median_low
from typing import Final

from services.roi.answers.assemble import Layout, Row, keys_of, label_of
from services.roi.answers.building import Gathered
from services.roi.answers.catalog_facts import CatalogFacts
from services.roi.answers.funnel.stages import STAGES
from services.roi.answers.kinds import Headline
from services.roi.answers.people import Conversion
from services.roi.answers.readers import reader_of
from services.roi.answers.values import RATIO_STEPS, Ratio, Value
from shared.events import CONVERSIONS, Stage

# Stages of which nobody is 0 people; in the others things happen that no person is known of.
_COUNTED: Final = frozenset(conversion.stage for conversion in CONVERSIONS.values())
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StagePeople:
    """The people of one stage of a row; None: not known.

    `median_days` is the median time to the next stage of `sample` people.
    """

    count: int | None
    median_days: Value
    sample: int | None


UNKNOWN: Final = StagePeople(None, None, None)
RowName = tuple[tuple[str | None, ...], str]
ByStage = Sequence[StagePeople]


@dataclass(slots=True)
class _Moments:
    """The moments of conversions of one row, by stage and person."""

    found: dict[Stage, dict[str, list[datetime]]] = field(default_factory=dict)

    def add(self, stage: Stage, person: str, at: datetime) -> None:
        self.found.setdefault(stage, {}).setdefault(person, []).append(at)

    def by_stage(self) -> ByStage:
        """Return the people of the six stages."""
        following = (*STAGES[1:], None)
        return [self._stage(stage, after) for stage, after in zip(STAGES, following, strict=True)]

    def _stage(self, stage: Stage, after: Stage | None) -> StagePeople:
        people = self.found.get(stage, {})
        count = len(people) if people or stage in _COUNTED else None
        waits = sorted(self._waits(people, self.found.get(after, {}) if after else {}))
        if not waits:
            return StagePeople(count, None, None)
        both = median_low(waits) + median_high(waits)
        days = Ratio(both // timedelta(microseconds=1), 2 * (_DAY // timedelta(microseconds=1)))
        return StagePeople(count, Ratio(days.times(RATIO_STEPS), RATIO_STEPS), len(waits))

    @staticmethod
    def _waits(
        people: Mapping[str, list[datetime]], later: Mapping[str, list[datetime]]
    ) -> Iterable[timedelta]:
        for person, moments in people.items():
            first, following = min(moments), sorted(later.get(person, ()))
            place = bisect_left(following, first)
            if place < len(following):
                yield following[place] - first


@dataclass(frozen=True, slots=True)
class People:
    """The people of an answer: of each row, of headline figures, of all."""

    rows: Mapping[RowName, ByStage]
    headlines: Mapping[Headline, ByStage]
    totals: ByStage

    def of_row(self, row: Row) -> ByStage:
        """Return the people of a row."""
        return self.rows.get((tuple(row.group.values()), row.label), NOBODY)

    def of_headline(self, headline: Headline) -> ByStage:
        """Return the people of a headline figure."""
        return self.headlines.get(headline, NOBODY)


NOBODY: Final = _Moments().by_stage()


def people_of(layout: Layout, found: Gathered) -> People | None:
    """Return the people of an answer of one model; None where they were not read."""
    if found.conversions is None:
        return None
    rows: dict[RowName, _Moments] = {}
    headlines: dict[Headline, _Moments] = {}
    totals = _Moments()
    named = _Rows(layout, found.facts)
    for one in found.conversions:
        headline = found.facts.headline_of(one.cell.account, None)
        of_rows = [] if headline is Headline.ORGANIC else named.of(headline, one)
        sums = [rows.setdefault(name, _Moments()) for name in of_rows]
        for moments in (*sums, headlines.setdefault(headline, _Moments()), totals):
            moments.add(one.stage, one.person, one.at)
    return People(
        {name: moments.by_stage() for name, moments in rows.items()},
        {headline: moments.by_stage() for headline, moments in headlines.items()},
        totals.by_stage(),
    )


class _Rows:
    """Names the rows of a conversion."""

    def __init__(self, layout: Layout, facts: CatalogFacts) -> None:
        self._layout = layout
        self._readers = [reader_of(dimension, facts) for dimension in layout.dimensions]

    def of(self, headline: Headline, one: Conversion) -> list[RowName]:
        (model,) = self._layout.models
        keys = keys_of(self._layout, headline, self._readers, one.cell, model)
        return [(tuple(part.id for part in key), label_of(key)) for key in keys]
