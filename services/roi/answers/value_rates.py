"""What volumes are deemed worth by the value rates of a brand, sum by sum. Pure.

A rate says what one unit (a view, a like, a lead) is worth from a local day on, on one platform or
on those without a rate of their own. Sums are read apart for each stretch of days without a change
of a rate (`ValueRates.stretches`), and by platform where a rate has one, so every sum has one rate.

Promise: worth is exact in parts of a minor unit. A sum without a rate is counted as such, and never
valued as 0. What no placement is credited with is not valued: no content brought it.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from services.roi.answers.catalog_facts import CatalogFacts
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.dimensions.platform import PLATFORM
from services.roi.answers.kinds import Dimension, Fact, FromTime, Measure
from services.roi.answers.measures.assumed_by_stage import (
    AMOUNTS,
    KNOWN,
    PARTS,
    RATE_STEPS,
    VALUED_UNITS,
    WITHOUT_RATE,
    ValuedUnit,
)
from services.roi.answers.plan import Wanted
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from shared.money import minor_decimals

# The unit that is not assumed where its worth is measured.
LEAD: Final = "lead"


@dataclass(frozen=True, slots=True)
class ValueRate:
    """What one unit is worth from a local day on, in millionths of its currency's main unit.

    `platform` None: on every platform without a rate of its own.
    """

    per: str
    platform: str | None
    first_on: date
    currency: str
    millionths: int


class Worth(NamedTuple):
    """What one unit is worth: parts of a minor unit of a currency."""

    currency: str
    parts: int


class ValueRates:
    """The value rates of an answer; of two of one unit, platform and day the later one holds."""

    def __init__(self, rates: Iterable[ValueRate]) -> None:
        self._given = tuple(rates)
        held: dict[tuple[str, str | None], dict[date, Worth]] = {}
        for rate in self._given:
            in_minor = rate.millionths * 10 ** minor_decimals(rate.currency)
            worth = Worth(rate.currency, in_minor * (PARTS // RATE_STEPS))
            held.setdefault((rate.per, rate.platform), {})[rate.first_on] = worth
        self._rates: Mapping[tuple[str, str | None], Sequence[tuple[date, Worth]]] = {
            key: sorted(by_day.items()) for key, by_day in held.items()
        }
        self._starts = sorted({day for by_day in held.values() for day in by_day})
        self._known: dict[tuple[str, str | None, date], Worth | None] = {}
        self.units: frozenset[str] = frozenset(per for per, _ in held)
        self._has_platforms = any(platform is not None for _, platform in held)

    @property
    def stretches(self) -> Dimension:
        """Return the dimension of time whose values are the days between two changes of a rate."""
        return Dimension("value_rates", "Value rates", FromTime(self._stretch_of, date.isoformat))

    def _stretch_of(self, day: date) -> date:
        place = bisect_right(self._starts, day)
        return self._starts[place - 1] if place else date.min

    def without(self, per: str) -> "ValueRates":
        """Return the rates of all other units."""
        return ValueRates(one for one in self._given if one.per != per)

    def told_apart(self, wanted: Wanted) -> Wanted:
        """Return what is wanted, apart for each stretch, and for platforms where rates have one."""
        if not self._rates:
            return wanted
        more = (self.stretches, PLATFORM) if self._has_platforms else (self.stretches,)
        return replace(wanted, dimensions=(*wanted.dimensions, *more))

    def worth(self, per: str, platform: str | None, day: date) -> Worth | None:
        """Return what one unit is worth on a day; None without a rate."""
        key = per, platform, day
        if key not in self._known:
            own = None if platform is None else self._on(per, platform, day)
            self._known[key] = own or self._on(per, None, day)
        return self._known[key]

    def _on(self, per: str, platform: str | None, day: date) -> Worth | None:
        rates = self._rates.get((per, platform), ())
        place = bisect_right(rates, day, key=lambda rate: rate[0])
        return rates[place - 1][1] if place else None

    def platform_of(self, facts: CatalogFacts, account: UUID) -> str | None:
        """Return the platform of a placement; None where it has none or no rate asks for it."""
        if not self._has_platforms:
            return None
        return facts.parts_of_account(PLATFORM, account)[0].id


def valued(
    rates: ValueRates, measures: Sequence[Measure], batches: Sequence[Batch], facts: CatalogFacts
) -> list[Batch]:
    """Return what the sums of batches are worth, in those of `measures` that are values."""
    wanted = tuple(measure for measure in measures if measure.fact is Fact.VALUES)
    if not wanted or not rates.units:
        return []
    return [
        Batch(wanted, list(_cells(rates, wanted, batch, units, facts)))
        for batch in batches
        if (units := _units_of(rates, batch))
    ]


# A unit of a batch: its word, itself, and the places of its count and of its reports.
_Placed = tuple[str, ValuedUnit, int, int | None]


def _units_of(rates: ValueRates, batch: Batch) -> list[_Placed]:
    """Return the units that a batch counts and a rate values."""
    places = {measure.id: place for place, measure in enumerate(batch.measures)}
    return [
        (per, unit, places[unit.counted.id], places[unit.reports.id] if unit.reports else None)
        for per, unit in VALUED_UNITS.items()
        if per in rates.units and unit.counted.id in places
    ]


def _cells(
    rates: ValueRates,
    wanted: Sequence[Measure],
    batch: Batch,
    units: Sequence[_Placed],
    facts: CatalogFacts,
) -> Iterator[Cell]:
    names = [measure.id for measure in wanted]
    for cell in batch.cells:
        if cell.account is None or cell.account == ORGANIC_ACCOUNT:
            continue
        platform = rates.platform_of(facts, cell.account)
        by_currency: dict[str, Counter[str]] = {}
        for per, unit, place, reports in units:
            count = cell.sums[place]
            if not count and (reports is None or not cell.sums[reports]):
                continue
            worth = rates.worth(per, platform, cell.segment)
            told = by_currency.setdefault("", Counter())
            if worth is None:
                told[WITHOUT_RATE[per].id] += 1 if count else 0
                continue
            told[KNOWN[unit.stage].id] += 1
            amounts = by_currency.setdefault(worth.currency, Counter())
            amounts[AMOUNTS[unit.stage].id] += count * worth.parts // unit.one
        for currency, sums in by_currency.items():
            yield Cell(
                segment=cell.segment,
                sums=tuple(sums[name] for name in names),
                account=cell.account,
                model=cell.model,
                currency=currency,
                columns=cell.columns,
            )
