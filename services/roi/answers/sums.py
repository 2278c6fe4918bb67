"""The sums of an answer: the sums of one row, and all rows of one model. Pure.

Promise: sums are integers. A measure that is counted in parts of its unit is rounded in two steps,
so that rounded figures add up: the headline figures to the rounded total, then the rows of each
headline figure to that figure. So a headline figure does not depend on the dimensions of the rows.
Where one currency was asked for, money of another one makes a measure missing, never 0 and never
converted 1:1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, Generic, TypeVar

from services.roi.answers.kinds import Headline, Measure
from services.roi.answers.values import Unit, round_to_sum, round_to_whole


@dataclass(frozen=True, slots=True)
class Rules:
    """The properties of an answer's measures, by their index.

    `alike`: for each money measure the indexes of the measures that are missing together with it.
    `told`: those per currency that make a row or a currency appear; squares alone do not.
    `divided`: for each measure that others divide, the indexes of those.
    """

    measures: tuple[Measure, ...]
    asked_currency: str | None
    per_currency: tuple[int, ...]
    told: tuple[int, ...]
    overall: tuple[int, ...]
    alike: dict[int, tuple[int, ...]]
    ranked: tuple[int, ...]
    divided: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, measures: tuple[Measure, ...], asked_currency: str | None) -> "Rules":
        """Return the rules of these measures."""
        places = range(len(measures))
        base = [measure.converted_with or measure.id for measure in measures]
        money = [place for place in places if measures[place].unit is Unit.MONEY]
        ranks = {measures[place].rank: place for place in places}
        by_id = {measure.id: place for place, measure in enumerate(measures)}
        divided: dict[int, tuple[int, ...]] = {}
        for place in places:
            if (whole := measures[place].part_of) is not None:
                divided[by_id[whole]] = (*divided.get(by_id[whole], ()), place)
        return cls(
            measures,
            asked_currency,
            per_currency=tuple(place for place in places if measures[place].per_currency),
            told=tuple(
                place
                for place in places
                if measures[place].per_currency and measures[place].power == 1
            ),
            overall=tuple(place for place in places if not measures[place].per_currency),
            alike={
                place: tuple(other for other in money if base[other] == base[place])
                for place in money
            },
            ranked=tuple(ranks[rank] for rank in sorted(r for r in ranks if r is not None)),
            divided=divided,
        )


class RowSums:
    """The sums of one row: for each currency one integer for each measure."""

    __slots__ = ("_rules", "by_currency")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.by_currency: dict[str, list[int]] = {}

    def add(self, places: Sequence[int], currency: str, sums: Sequence[int]) -> None:
        """Add sums of the measures at these places."""
        mine = self._of(currency)
        for place, number in zip(places, sums, strict=True):
            mine[place] += number

    def add_all(self, other: "RowSums") -> None:
        """Add another row, whose parts are rounded already."""
        for currency, numbers in other.by_currency.items():
            self.by_currency[currency] = list(map(add, self._of(currency), numbers))

    def _of(self, currency: str) -> list[int]:
        found = self.by_currency.get(currency)
        if found is None:
            found = self.by_currency[currency] = [0] * len(self._rules.measures)
        return found

    def overall(self) -> list[int]:
        """Return each measure's sum over all currencies."""
        every = list(self.by_currency.values())
        if len(every) == 1:
            return every[0].copy()
        return [sum(each) for each in zip(*every, strict=True)] or [0] * len(self._rules.measures)

    def is_zero(self) -> bool:
        """Return whether every sum is zero, over all currencies and in each one."""
        overall = self.overall()
        return not any(overall[place] for place in self._rules.overall) and not any(
            map(self.has, self.by_currency)
        )

    def has(self, currency: str) -> bool:
        """Return whether a measure of a currency is not zero; "" is no currency."""
        numbers = self.by_currency[currency]
        return bool(currency) and any(numbers[place] for place in self._rules.told)

    def has_money(self, currency: str) -> bool:
        """Return whether a currency has an amount that needs an exchange rate."""
        numbers = self.by_currency[currency]
        return any(numbers[place] for place in self._rules.alike)

    def in_currency(self, currency: str) -> list[int | None]:
        """Return every measure in one currency; None is missing."""
        rules = self._rules
        if rules.asked_currency is None:
            return [*self._apart(currency)]
        seen: list[int | None] = [*self.overall()]
        others = [numbers for code, numbers in self.by_currency.items() if code != currency]
        for place in rules.per_currency:
            alike = rules.alike.get(place, ())
            if any(numbers[other] for numbers in others for other in alike):
                seen[place] = None
        return seen

    def _apart(self, currency: str) -> list[int]:
        """Return every measure: those of a currency in this one, the others over all."""
        seen, here = self.overall(), self.by_currency.get(currency)
        for place in self._rules.per_currency:
            seen[place] = here[place] if here else 0
        return seen

    def ranking(self, currency: str) -> list[int]:
        """Return the sort key of a row: the ranked measures, the greatest first."""
        seen = self._apart(currency)
        return [-seen[place] for place in self._rules.ranked]


RowKey = TypeVar("RowKey")


class Ledger(Generic[RowKey]):
    """The rows of one model, apart for each headline figure; organic has one row."""

    def __init__(self, measures: tuple[Measure, ...], asked_currency: str | None) -> None:
        self._rules = Rules.of(measures, asked_currency)
        self._rows: dict[Headline, dict[RowKey, RowSums]] = {headline: {} for headline in Headline}

    def row(self, headline: Headline, key: RowKey) -> RowSums:
        """Return the sums of a row's part of a headline figure; a new row starts at zero."""
        rows = self._rows[headline]
        found = rows.get(key)
        if found is None:
            found = rows[key] = RowSums(self._rules)
        return found

    def round_parts(self, order: Callable[[RowKey], Any]) -> None:
        """Round measures that are counted in parts, for each currency; rows in `order`."""
        ordered = [[rows[key] for key in sorted(rows, key=order)] for rows in self._rows.values()]
        currencies = sorted({code for sums in self._all() for code in sums.by_currency})
        for currency in currencies:
            headlines = [_numbers(rows, currency) for rows in ordered]
            for place, measure in enumerate(self._rules.measures):
                if measure.parts != 1 and measure.part_of is None:
                    _round(place, measure.parts, headlines)
            for whole, places in self._rules.divided.items():
                for rows in headlines:
                    _round_divided(whole, places, self._rules.measures[whole].parts, rows)

    def headlines(self) -> dict[Headline, RowSums]:
        """Return the headline figures; call it after rounding."""
        return {headline: self._added(rows.values()) for headline, rows in self._rows.items()}

    def rows(self) -> Mapping[RowKey, RowSums]:
        """Return the rows without organic; call it after rounding."""
        parts: dict[RowKey, list[RowSums]] = {}
        for headline, rows in self._rows.items():
            if headline is not Headline.ORGANIC:
                for key, sums in rows.items():
                    parts.setdefault(key, []).append(sums)
        return {
            key: found[0] if len(found) == 1 else self._added(found) for key, found in parts.items()
        }

    def total(self) -> RowSums:
        """Return the sum of everything; call it after rounding."""
        return self._added(self._all())

    def currencies_found(self) -> set[str]:
        """Return the currencies with a measure that is not zero."""
        return {code for sums in self._all() for code in sums.by_currency if sums.has(code)}

    def missing_rates(self) -> set[str]:
        """Return the currencies without a rate into the requested one."""
        asked = self._rules.asked_currency
        if asked is None:
            return set()
        return {
            code
            for sums in self._all()
            for code in sums.by_currency
            if code != asked and sums.has_money(code)
        }

    def _added(self, parts: Iterable[RowSums]) -> RowSums:
        total = RowSums(self._rules)
        for sums in parts:
            total.add_all(sums)
        return total

    def _all(self) -> list[RowSums]:
        return [sums for rows in self._rows.values() for sums in rows.values()]


def _numbers(rows: Iterable[RowSums], currency: str) -> list[list[int]]:
    return [sums.by_currency[currency] for sums in rows if currency in sums.by_currency]


def _round(place: int, parts: int, headlines: Sequence[Sequence[list[int]]]) -> None:
    """Round one measure of one currency in place; `headlines`: the numbers of each one's rows."""
    exact = [[numbers[place] for numbers in rows] for rows in headlines]
    for rows, each, whole in zip(
        headlines, exact, round_to_whole(list(map(sum, exact)), parts), strict=True
    ):
        for numbers, rounded in zip(rows, round_to_sum(each, parts, whole), strict=True):
            numbers[place] = rounded


def _round_divided(whole: int, places: Sequence[int], parts: int, rows: list[list[int]]) -> None:
    """Round the measures at `places` in the rows of one headline figure.

    The measure at `whole` is rounded already. First the sums of the places are rounded so that they
    add up to its sum, then each place in the rows so that they add up to that.
    """
    exact = [[numbers[place] for numbers in rows] for place in places]
    total = sum(numbers[whole] for numbers in rows)
    sums = round_to_sum(list(map(sum, exact)), parts, total)
    for place, each, of_place in zip(places, exact, sums, strict=True):
        for numbers, rounded in zip(rows, round_to_sum(each, parts, of_place), strict=True):
            numbers[place] = rounded
