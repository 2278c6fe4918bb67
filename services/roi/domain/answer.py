"""From sums by account to an answer: rows by one or two dimensions, what is organic, and the totals. Pure.

Promise: for every additive measure and every model, rows + organic = totals, to the minor unit: sums are integers, and what rounding
a margin leaves over is given out by largest remainder. Rows that sum to nothing are left out, so an answer does not tell in which order its
events arrived. Clicks and costs belong to every model alike: with `model` as a dimension each model carries all of them, and has totals
of its own. Costs have no stage. What no row can carry is a row whose group holds null, label `unallocated`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from services.roi.domain.answer_facts import MARGIN_ONE_MILLIONTHS, CostShare, Facts
from services.roi.domain.metrics.dictionary import DICTIONARY, Figures, Ratio, Unit, Value
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from shared.models import CREDIT_MODELS, is_additive

DIMENSIONS: Final = ("creator", "campaign", "placement", "platform", "stage", "model", "day")
DIMENSIONS_MAX: Final = 2
# What stands side by side when no model is named: models that do not add up are asked for by name.
MODELS: Final = tuple(name for name in CREDIT_MODELS if is_additive(name))
BASES: Final = ("conversion_time", "touch_time")
# Ratios are shown to six places.
RATIO_STEPS: Final = 1_000_000

UNALLOCATED: Final = "unallocated"
_NAMELESS: Final = {
    "creator": "brand",
    "campaign": "no campaign",
    "platform": "no platform",
}


@dataclass(frozen=True, slots=True)
class CreditCell:
    """Credit of one account between two changes of facts. `stage` is None where the question does not ask for it; where it does not ask
    whose credit it is, `account` stands for all that are not organic."""

    model: str
    account: UUID
    day: date
    stage: str | None
    currency: str
    amount_minor: int
    units: int
    paid_units: int


@dataclass(frozen=True, slots=True)
class TouchCell:
    """Clicks of one account between two changes of facts."""

    account: UUID
    day: date
    stage: str | None
    clicks: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as far as sums by account leave it open. `currency` None: every currency by itself."""

    group_by: tuple[str, ...]
    models: tuple[str, ...]
    currency: str | None
    default_currency: str


Values = tuple[tuple[str, Value], ...]
Measures = Mapping[str, Value | Values]
"""Metric id to its value, or for a metric per currency to (currency, value) of each currency of the answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: an id or a word for each dimension (None: none), a label of today, and its measures."""

    group: Mapping[str, str | None]
    label: str
    measures: Measures


@dataclass(frozen=True, slots=True)
class Answer:
    """All rows, and by model what is organic and the totals. `missing_rates`: currencies that would have to be converted."""

    rows: tuple[Row, ...]
    organic: Mapping[str, Measures]
    totals: Mapping[str, Measures]
    currencies: tuple[str, ...]
    missing_rates: tuple[str, ...]


@dataclass(slots=True)
class _MoneySums:
    net_revenue_minor: int = 0
    cost_minor: int = 0
    paid_units: int = 0
    contribution_millionths: int = 0
    contribution_minor: int = 0

    def is_zero(self) -> bool:
        return not (
            self.net_revenue_minor or self.cost_minor or self.paid_units or self.contribution_minor
        )

    def is_money(self) -> bool:
        """Whether there is an amount that a rate would have to convert."""
        return bool(self.net_revenue_minor or self.cost_minor or self.contribution_minor)


@dataclass(slots=True)
class _Sums:
    clicks: int = 0
    units: int = 0
    paid_units: int = 0
    money: dict[str, _MoneySums] = field(default_factory=dict)

    def of(self, currency: str) -> _MoneySums:
        return self.money.setdefault(currency, _MoneySums())

    def is_zero(self) -> bool:
        return not (self.clicks or self.units or self.paid_units) and all(
            sums.is_zero() for sums in self.money.values()
        )

    def add(self, other: "_Sums") -> None:
        """Add sums whose contributions are rounded already."""
        self.clicks += other.clicks
        self.units += other.units
        self.paid_units += other.paid_units
        for currency, theirs in other.money.items():
            mine = self.of(currency)
            mine.net_revenue_minor += theirs.net_revenue_minor
            mine.cost_minor += theirs.cost_minor
            mine.paid_units += theirs.paid_units
            mine.contribution_minor += theirs.contribution_minor


@dataclass(frozen=True, slots=True)
class _Part:
    """One dimension's value of a row: an id, or None with the words that say why."""

    label: str
    id: str | None


_Key = tuple[_Part, ...]


def _canonical(key: _Key) -> tuple[tuple[str, str], ...]:
    """An order that today's labels have no part in: it decides who gets a cent that rounding leaves over."""
    return tuple((part.id, "") if part.id is not None else ("", part.label) for part in key)


_NOTHING: Final = _Part(UNALLOCATED, None)


def build_answer(
    question: Question,
    facts: Facts,
    credits: Iterable[CreditCell],
    touches: Iterable[TouchCell],
    costs: Iterable[CostShare],
) -> Answer:
    """Put sums by account into the rows that the question asks for."""
    book = _Book(question, facts)
    for credit in credits:
        book.add_credit(credit)
    for touch in touches:
        book.add_touch(touch)
    for share in costs:
        book.add_cost(share)
    return book.close()


class _Book:
    """The sums of one answer while they are added up: for each model its rows and what is organic."""

    def __init__(self, question: Question, facts: Facts) -> None:
        self._question = question
        self._facts = facts
        self._rows: dict[str, dict[_Key, _Sums]] = {model: {} for model in question.models}
        self._organic = {model: _Sums() for model in question.models}

    def add_credit(self, cell: CreditCell) -> None:
        sums = self._sums(cell.model, cell.account, cell.day, cell.stage)
        sums.units += cell.units
        sums.paid_units += cell.paid_units
        if cell.currency:
            money = sums.of(cell.currency)
            money.net_revenue_minor += cell.amount_minor
            money.paid_units += cell.paid_units
            margin_millionths = self._facts.margin_millionths_on(cell.day)
            money.contribution_millionths += cell.amount_minor * margin_millionths

    def add_touch(self, cell: TouchCell) -> None:
        for model in self._question.models:
            self._sums(model, cell.account, cell.day, cell.stage).clicks += cell.clicks

    def add_cost(self, share: CostShare) -> None:
        """A cost lies on its placement's row, without a stage; one without a placement on the row of its owner, if there is one."""
        day, currency = share.cost.incurred_on, share.cost.currency
        for model in self._question.models:
            if share.account is not None:
                sums = self._sums(model, share.account, day, None)
            else:
                sums = self._row(model, self._ownerless_key(model, share))
            sums.of(currency).cost_minor += share.amount_minor

    def close(self) -> Answer:
        """Round, leave out what is nothing, and measure."""
        for model in self._question.models:
            self._round_contributions(model)
        totals = {model: _Sums() for model in self._question.models}
        kept: list[tuple[_Key, _Sums]] = []
        for model, rows in self._rows.items():
            for key, sums in rows.items():
                totals[model].add(sums)
                if not sums.is_zero():
                    kept.append((key, sums))
            totals[model].add(self._organic[model])
        found = self._currencies_found()
        asked = self._question.currency
        shown = (asked,) if asked else found or (self._question.default_currency,)
        kept.sort(key=lambda item: self._order(item, shown[0]))
        return Answer(
            rows=tuple(self._row_answer(key, sums, shown) for key, sums in kept),
            organic={model: self._measures(sums, shown) for model, sums in self._organic.items()},
            totals={model: self._measures(sums, shown) for model, sums in totals.items()},
            currencies=shown,
            missing_rates=self._missing_rates(),
        )

    def _sums(self, model: str, account: UUID, day: date, stage: str | None) -> _Sums:
        if account == ORGANIC_ACCOUNT:
            return self._organic[model]
        return self._row(model, self._key(model, account, day, stage))

    def _row(self, model: str, key: _Key) -> _Sums:
        rows = self._rows[model]
        found = rows.get(key)
        if found is None:
            found = rows[key] = _Sums()
        return found

    def _key(self, model: str, account: UUID, day: date, stage: str | None) -> _Key:
        return tuple(
            self._part(dimension, model, account, day, stage)
            for dimension in self._question.group_by
        )

    def _part(
        self, dimension: str, model: str, account: UUID, day: date, stage: str | None
    ) -> _Part:
        match dimension:
            case "model":
                return _Part(model, model)
            case "day":
                return _Part(day.isoformat(), day.isoformat())
            case "stage":
                return _Part(stage, stage) if stage is not None else _NOTHING
            case "placement":
                return self._named(account)
            case _:
                return self._owned(dimension, account, day)

    def _owned(self, dimension: str, account: UUID, day: date) -> _Part:
        """Creator, campaign or platform, as the placement's period of that day says."""
        period = self._facts.placement_on(account, day)
        if period is None:
            return _Part("unknown", None)
        if dimension == "platform":
            name = period.platform
            return _Part(name, name) if name else _Part(_NAMELESS[dimension], None)
        owner = period.creator_id if dimension == "creator" else period.campaign_id
        return self._named(owner) if owner is not None else _Part(_NAMELESS[dimension], None)

    def _named(self, entity_id: UUID) -> _Part:
        text = str(entity_id)
        return _Part(self._facts.labels.get(entity_id, text), text)

    def _ownerless_key(self, model: str, share: CostShare) -> _Key:
        """The row of a cost that no placement carries: it keeps its day, its model and its owner, and nothing else."""
        known = {
            "model": _Part(model, model),
            "day": _Part(share.cost.incurred_on.isoformat(), share.cost.incurred_on.isoformat()),
            share.cost.owner: self._named(share.cost.owner_id),
        }
        return tuple(known.get(dimension, _NOTHING) for dimension in self._question.group_by)

    def _round_contributions(self, model: str) -> None:
        """Whole minor units for each row and organic, which add up to the rounded whole, currency by currency."""
        rows = self._rows[model]
        parts = [rows[key] for key in sorted(rows, key=_canonical)]
        parts.append(self._organic[model])
        for currency in sorted({code for sums in parts for code in sums.money}):
            money = [sums.money[currency] for sums in parts if currency in sums.money]
            rounded = round_to_whole([sums.contribution_millionths for sums in money])
            for sums, amount_minor in zip(money, rounded, strict=True):
                sums.contribution_minor = amount_minor

    def _all_money(self) -> list[tuple[str, _MoneySums]]:
        everything = [sums for rows in self._rows.values() for sums in rows.values()]
        everything += self._organic.values()
        return [item for sums in everything for item in sums.money.items()]

    def _currencies_found(self) -> tuple[str, ...]:
        return tuple(sorted({code for code, money in self._all_money() if not money.is_zero()}))

    def _missing_rates(self) -> tuple[str, ...]:
        """The currencies that the one asked for would need a rate of."""
        asked = self._question.currency
        if asked is None:
            return ()
        foreign = {code for code, money in self._all_money() if code != asked and money.is_money()}
        return tuple(sorted(foreign))

    def _order(self, item: tuple[_Key, _Sums], currency: str) -> tuple[object, ...]:
        """Days and models in their order; then the most revenue first; what nobody carries last."""
        key, sums = item
        ordered = [
            part.label
            for dimension, part in zip(self._question.group_by, key, strict=True)
            if dimension in ("day", "model")
        ]
        money = sums.money.get(currency)
        revenue_minor = money.net_revenue_minor if money is not None else 0
        best_first = (-revenue_minor, -sums.units, -sums.clicks)
        return (ordered, _NOTHING in key, *best_first, _canonical(key))

    def _row_answer(self, key: _Key, sums: _Sums, currencies: Sequence[str]) -> Row:
        group = dict(zip(self._question.group_by, (part.id for part in key), strict=True))
        is_nothing = all(part == _NOTHING for part in key)
        label = UNALLOCATED if is_nothing else " · ".join(part.label for part in key)
        return Row(group, label, self._measures(sums, currencies))

    def _measures(self, sums: _Sums, currencies: Sequence[str]) -> Measures:
        views = [(currency, self._figures(sums, currency)) for currency in currencies]
        measures: dict[str, Value | Values] = {}
        for metric in DICTIONARY:
            if metric.per_currency:
                measures[metric.id] = tuple(
                    (currency, _rounded(metric.unit, metric.compute(view)))
                    for currency, view in views
                )
            else:
                measures[metric.id] = _rounded(metric.unit, metric.compute(views[0][1]))
        return measures

    def _figures(self, sums: _Sums, currency: str) -> Figures:
        """The sums in one currency. Where that currency alone was asked for, money in another one makes a figure missing."""
        here = sums.money.get(currency) or _MoneySums()
        is_asked = self._question.currency is not None
        others = [money for code, money in sums.money.items() if is_asked and code != currency]
        lacks_revenue = any(m.net_revenue_minor or m.contribution_minor for m in others)
        lacks_cost = any(money.cost_minor for money in others)
        return Figures(
            clicks=sums.clicks,
            units=sums.units,
            paid_units=sums.paid_units,
            paid_units_in_currency=sums.paid_units if is_asked else here.paid_units,
            net_revenue_minor=None if lacks_revenue else here.net_revenue_minor,
            contribution_minor=None if lacks_revenue else here.contribution_minor,
            cost_minor=None if lacks_cost else here.cost_minor,
        )


def round_to_whole(parts_millionths: Sequence[int]) -> list[int]:
    """Whole numbers next to the parts that add up to their sum rounded half-even, by largest remainder; ties go to the earlier."""
    floors, remainders = [], []
    for part in parts_millionths:
        floor, remainder = divmod(part, MARGIN_ONE_MILLIONTHS)
        floors.append(floor)
        remainders.append(remainder)
    if not any(remainders):
        return floors
    left = Ratio(sum(parts_millionths), MARGIN_ONE_MILLIONTHS).times(1) - sum(floors)
    by_remainder = sorted(range(len(floors)), key=lambda i: (-remainders[i], i))
    for index in by_remainder[:left]:
        floors[index] += 1
    return floors


def _rounded(unit: Unit, value: Value) -> Value:
    """As an answer gives it: money in whole minor units, ratios to six places, both half-even; counts and conversions are exact."""
    if value is None or isinstance(value, int):
        return value
    match unit:
        case Unit.MONEY:
            return value.times(1)
        case Unit.RATIO:
            return Ratio(value.times(RATIO_STEPS), RATIO_STEPS)
        case Unit.COUNT | Unit.CONVERSIONS:
            return value
