"""Amounts in one currency: each (currency, local day) at the exchange rate of that day. Pure.

Rates say what one unit of a currency is in the workspace's currency. An answer in another currency
divides two of them. Sums are read apart for each stretch of days without a change of a rate
(`Exchange.stretches`), so every cell has one rate.

Promise: a converted amount is exact in parts of a minor unit: an amount × a rate with 18 decimals,
to which only a quotient of two rates is rounded, half to even. Rows are rounded later, by largest
remainder, as all sums in parts are. An amount without a rate keeps its currency and is never
converted 1:1, so the figures that it belongs to are missing.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from services.roi.answers.cells import Batch, Cell
from services.roi.answers.kinds import Dimension, FromTime, Measure
from services.roi.answers.values import Unit
from shared.money import minor_decimals

# Parts of a minor unit in which amounts are converted.
PARTS: Final = 10**18


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is in the workspace's currency, from a local day on."""

    currency: str
    first_on: date
    amount: Fraction


class Gap(NamedTuple):
    """Days with amounts of a currency that has no rate: the first day of their stretch."""

    currency: str
    first_on: date


class Exchange:
    """The rates of an answer in the currency `into`; `base` is the workspace's currency."""

    def __init__(self, into: str, base: str, rates: Iterable[Rate]) -> None:
        self.into, self._base = into, base
        held: dict[str, dict[date, Fraction]] = {}
        for rate in rates:
            held.setdefault(rate.currency, {})[rate.first_on] = rate.amount
        self._rates: Mapping[str, Sequence[tuple[date, Fraction]]] = {
            currency: sorted(by_day.items()) for currency, by_day in held.items()
        }
        self._starts = sorted({day for by_day in held.values() for day in by_day})
        self._known: dict[tuple[str, date], int | None] = {}

    @property
    def stretches(self) -> Dimension:
        """Return the dimension of time whose values are the days between two changes of a rate."""
        return Dimension("rates", "Rates", FromTime(self._stretch_of, date.isoformat))

    def _stretch_of(self, day: date) -> date:
        place = bisect_right(self._starts, day)
        return self._starts[place - 1] if place else date.min

    def factor(self, currency: str, day: date) -> int | None:
        """Return the minor units of `into`, in `PARTS`, of one minor unit; None without a rate."""
        key = currency, day
        if key not in self._known:
            self._known[key] = self._factor(currency, day)
        return self._known[key]

    def _factor(self, currency: str, day: date) -> int | None:
        if currency == self.into:
            return PARTS
        amounts = self._amount(currency, day), self._amount(self.into, day)
        if amounts[0] is None or amounts[1] is None:
            return None
        decimals = minor_decimals(self.into) - minor_decimals(currency)
        return round(amounts[0] / amounts[1] * Fraction(10) ** decimals * PARTS)

    def _amount(self, currency: str, day: date) -> Fraction | None:
        if currency == self._base:
            return Fraction(1)
        rates = self._rates.get(currency, ())
        place = bisect_right(rates, day, key=lambda rate: rate[0])
        return rates[place - 1][1] if place else None


def in_parts(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """Return the measures of a converted answer: money is summed in parts of a minor unit."""
    return tuple(
        replace(measure, parts=measure.parts * PARTS**measure.power)
        if _is_money(measure)
        else measure
        for measure in measures
    )


def converted(exchange: Exchange, batches: Iterable[Batch]) -> tuple[list[Batch], set[Gap]]:
    """Return the batches in the exchange's currency, and what has no rate."""
    gaps: set[Gap] = set()
    found = [
        Batch(
            in_parts(batch.measures),
            [_converted(exchange, batch.measures, cell, gaps) for cell in batch.cells],
        )
        for batch in batches
    ]
    return found, gaps


def _converted(exchange: Exchange, measures: Sequence[Measure], cell: Cell, gaps: set[Gap]) -> Cell:
    if not cell.currency:
        return cell
    powers = [measure.power if _is_money(measure) else 0 for measure in measures]
    factor, currency = exchange.factor(cell.currency, cell.segment), exchange.into
    if factor is None:
        factor, currency = PARTS, cell.currency
        if any(value and power for value, power in zip(cell.sums, powers, strict=True)):
            gaps.add(Gap(cell.currency, cell.segment))
    factors = 1, factor, factor * factor
    sums = tuple(value * factors[power] for value, power in zip(cell.sums, powers, strict=True))
    return Cell(
        segment=cell.segment,
        sums=sums,
        account=cell.account,
        model=cell.model,
        currency=currency,
        columns=cell.columns,
        owner=cell.owner,
    )


def _is_money(measure: Measure) -> bool:
    return measure.unit is Unit.MONEY and measure.per_currency
