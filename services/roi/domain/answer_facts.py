"""What an answer knows of the catalog: whose a placement was on a day, the margin of a day, and how costs are spread. Pure.

Promise: facts change at local days only. A period or policy holds on a day when it holds at the day's first moment, so a placement
that moves at noon belongs to its old owner until midnight; a day before a placement's first period belongs to that first period.
`segment_starts` names every day in a span at which any such fact changes: between two of them sums may be taken without looking.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate
from typing import Final, Literal
from uuid import UUID

MARGIN_ONE_MILLIONTHS: Final = 1_000_000

CostOwner = Literal["placement", "creator", "campaign"]


@dataclass(frozen=True, slots=True)
class OwnedPeriod:
    """Whose a placement is on the days before `until_on` (None: for ever), as far back as the period before it."""

    until_on: date | None
    creator_id: UUID | None
    campaign_id: UUID | None
    platform: str | None


@dataclass(frozen=True, slots=True)
class PlacementFacts:
    """A placement's periods in order of time, without overlap, and the first day on which it was archived."""

    periods: tuple[OwnedPeriod, ...]
    archived_on: date | None = None

    def on(self, day: date) -> OwnedPeriod:
        """The period that holds on a day: the first one that ends after it, else the last."""
        for period in self.periods:
            if period.until_on is None or day < period.until_on:
                return period
        return self.periods[-1]


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin from a day on; None is since ever."""

    first_on: date | None
    millionths: int


@dataclass(frozen=True, slots=True)
class Cost:
    """One cost with its one owner."""

    owner: CostOwner
    owner_id: UUID
    incurred_on: date
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CostShare:
    """A part of the costs of one owner and segment; `cost` tells which. `account` None: the owner has no placement to carry it."""

    account: UUID | None
    cost: Cost
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Facts:
    """The catalog as recorded at the answer's moment; `labels` alone are today's."""

    placements: Mapping[UUID, PlacementFacts] = field(default_factory=dict)
    margins: Sequence[Margin] = ()
    labels: Mapping[UUID, str] = field(default_factory=dict)

    def placement_on(self, account: UUID, day: date) -> OwnedPeriod | None:
        """The period of an account on a day; None for a placement that the catalog did not know at that moment."""
        found = self.placements.get(account)
        return found.on(day) if found is not None else None

    def margin_millionths_on(self, day: date) -> int:
        """The margin of the last policy that holds on a day; 1 before the first."""
        millionths = MARGIN_ONE_MILLIONTHS
        for margin in self.margins:
            if margin.first_on is None or margin.first_on <= day:
                millionths = margin.millionths
        return millionths


def segment_starts(facts: Facts, from_on: date, to_on: date) -> list[date]:
    """The days of a span at which a segment starts: its first, and each day on which a placement moves or a margin changes."""
    changes = {margin.first_on for margin in facts.margins}
    for placement in facts.placements.values():
        changes |= {period.until_on for period in placement.periods[:-1]}
    inside = {day for day in changes if day is not None and from_on < day <= to_on}
    return [from_on, *sorted(inside)]


def segment_of(starts: Sequence[date], day: date) -> date:
    """The start of the segment that a day of the span lies in."""
    return starts[bisect_right(starts, day) - 1]


def whole_months(starts: Sequence[date], from_on: date, to_on: date) -> list[date]:
    """The first days of the calendar months that lie in a span and in one segment each: their sums can be taken whole."""
    months: list[date] = []
    first = from_on.replace(day=1)
    while first <= to_on:
        following = _next_month(first)
        is_inside = from_on <= first and following <= to_on + timedelta(days=1)
        if is_inside and segment_of(starts, following - timedelta(days=1)) <= first:
            months.append(first)
        first = following
    return months


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def spread_costs(facts: Facts, costs: Iterable[Cost], starts: Sequence[date]) -> list[CostShare]:
    """Each cost in equal parts over the placements of its owner, in order of their ids; the first ones carry what does not divide.

    Costs of one owner, currency and segment come out added up, dated by the segment's start: a creator with hundreds of costs and
    placements has one share a placement.
    """
    owners = _Owners(facts)
    pools: dict[tuple[str, UUID, str, date, int], list[Cost]] = {}
    for cost in costs:
        dated = replace(cost, incurred_on=segment_of(starts, cost.incurred_on))
        stretch = owners.stretch_of(cost.incurred_on)
        key = (cost.owner, cost.owner_id, cost.currency, dated.incurred_on, stretch)
        pools.setdefault(key, []).append(dated)
    shares: list[CostShare] = []
    for (_, _, _, _, stretch), pool in pools.items():
        accounts = owners.accounts_of(pool[0], stretch)
        amounts = [cost.amount_minor for cost in pool]
        if not accounts:
            shares.append(CostShare(None, pool[0], sum(amounts)))
            continue
        parts = zip(accounts, _in_equal_parts(amounts, len(accounts)), strict=True)
        shares += [CostShare(account, pool[0], part) for account, part in parts]
    return shares


def _in_equal_parts(amounts: Iterable[int], count: int) -> list[int]:
    """Amounts split one by one into equal parts by largest remainder, the parts added up place by place. All remainders of one
    amount tie, so its first places get one more: `steps` remembers where that begins and ends."""
    base, steps = 0, [0] * (count + 1)
    for amount_minor in amounts:
        sign = -1 if amount_minor < 0 else 1
        each, left = divmod(abs(amount_minor), count)
        base += sign * each
        steps[0] += sign
        steps[left] -= sign
    return [base + extra for extra in accumulate(steps[:count])]


class _Owners:
    """Which placements an owner has on a day; remembered from change to change, because costs are many and changes few."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._ordered = sorted(facts.placements)
        changes = {placement.archived_on for placement in facts.placements.values()}
        for placement in facts.placements.values():
            changes |= {period.until_on for period in placement.periods[:-1]}
        self._changes = sorted(day for day in changes if day is not None)
        self._by_stretch: dict[int, dict[UUID, list[UUID]]] = {}

    def stretch_of(self, day: date) -> int:
        """The stretch of days, between two changes, that a day lies in."""
        return bisect_right(self._changes, day)

    def accounts_of(self, cost: Cost, stretch: int) -> list[UUID]:
        """The placements that carry a cost of a stretch, in order of their ids."""
        if cost.owner == "placement":
            return [cost.owner_id]
        owned = self._by_stretch.get(stretch)
        if owned is None:
            start = self._changes[stretch - 1] if stretch else date.min
            owned = self._by_stretch[stretch] = self._owned_on(start)
        return owned.get(cost.owner_id, [])

    def _owned_on(self, day: date) -> dict[UUID, list[UUID]]:
        """Placements by creator and by campaign; one archived before the day carries nothing of it."""
        owned: dict[UUID, list[UUID]] = {}
        for account in self._ordered:
            placement = self._facts.placements[account]
            if placement.archived_on is not None and placement.archived_on <= day:
                continue
            period = placement.on(day)
            for owner in (period.creator_id, period.campaign_id):
                if owner is not None:
                    owned.setdefault(owner, []).append(account)
        return owned
