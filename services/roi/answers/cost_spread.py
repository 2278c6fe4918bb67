"""Costs and how they are spread: in equal parts over the placements of their owner. Pure.

Promise: the parts of a cost add up to it exactly. Equal parts are made by largest remainder: the
first placements, in the order of their ids, get the remainder. A placement that was archived before
the cost's day gets no part of it. A cost without a placement stays with its owner.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from uuid import UUID

from services.roi.answers.catalog_facts import BRAND_ACCOUNT, CREATOR_ACCOUNT, Owner
from services.roi.answers.cells import Cell
from services.roi.answers.kinds import Entity
from services.roi.answers.segments import segment_of


@dataclass(frozen=True, slots=True)
class Cost:
    """One cost with its one owner; `amounts_minor` has the amount of each cost measure."""

    owner: Entity
    owner_id: UUID
    incurred_on: date
    currency: str
    amounts_minor: tuple[int, ...]


Amounts = tuple[int, ...]
"""One amount of each cost of a pool."""
Part = tuple[UUID, tuple[int, ...]]
"""An account, and its part of each measure."""


class Spread:
    """The costs of a span, collected by owner, currency, segment and the placements that share.

    Costs of one owner, currency and segment come out added up: a creator with hundreds of costs and
    placements has one cell for each placement. Without `by_account` it has one for all placements
    of creators, and one for those of the brand.
    """

    def __init__(
        self,
        owners: Mapping[UUID, Owner],
        costs: Iterable[Cost],
        starts: Sequence[date],
        *,
        by_account: bool = True,
    ) -> None:
        self._by_account = by_account
        self._carriers = _Carriers(owners)
        self._pools: dict[tuple[Entity, UUID, str, date, int], list[tuple[int, ...]]] = {}
        for cost in costs:
            stretch = self._carriers.stretch_of(cost.incurred_on)
            segment = segment_of(starts, cost.incurred_on)
            key = (cost.owner, cost.owner_id, cost.currency, segment, stretch)
            self._pools.setdefault(key, []).append(cost.amounts_minor)

    def cells_at_most(self) -> int:
        """Return how many cells there are at most; archived placements count, too."""
        if not self._by_account:
            return 2 * len(self._pools)
        return sum(
            max(1, self._carriers.owned_count(owner, owner_id))
            for owner, owner_id, *_ in self._pools
        )

    def cells(self) -> list[Cell]:
        """Return the cells of the costs over placements, dated by the segments of the span."""
        cells: list[Cell] = []
        for (owner, owner_id, currency, segment, stretch), amounts in self._pools.items():
            sharing = self._carriers.sharing(owner, owner_id, stretch)
            by_measure = list(zip(*amounts, strict=True))
            if not sharing.accounts:
                totals = tuple(map(sum, by_measure))
                cells.append(Cell(segment, totals, currency=currency, owner=(owner, owner_id)))
                continue
            shared = sharing.by_account if self._by_account else sharing.by_headline
            cells += [
                Cell(segment, part, account=account, currency=currency)
                for account, part in shared(by_measure)
            ]
        return cells


def _in_equal_parts(amounts: Iterable[int], count: int) -> list[int]:
    """Amounts split one by one into equal parts by largest remainder; the parts added up by place.

    All remainders of one amount are equal, so its first places get one more. `steps` has the
    changes at the places where that begins and ends.
    """
    base, steps = 0, [0] * (count + 1)
    for amount_minor in amounts:
        sign = -1 if amount_minor < 0 else 1
        each, left = divmod(abs(amount_minor), count)
        base += sign * each
        steps[0] += sign
        steps[left] -= sign
    return [base + extra for extra in accumulate(steps[:count])]


def _part_of_places(amounts: Iterable[int], count: int, places: Sequence[int]) -> int:
    """Return what these places (sorted) get of amounts that are split into `count` equal parts."""
    total = 0
    for amount_minor in amounts:
        each, left = divmod(abs(amount_minor), count)
        part = each * len(places) + bisect_left(places, left)
        total += -part if amount_minor < 0 else part
    return total


@dataclass(frozen=True, slots=True)
class _Sharing:
    """The placements that share costs, in the order of their ids.

    `own_places`: the places of the brand's own among them.
    """

    accounts: Sequence[UUID]
    own_places: Sequence[int]

    def by_account(self, by_measure: Sequence[Amounts]) -> Iterable[Part]:
        """Return the part of each placement."""
        count = len(self.accounts)
        parts = zip(*(_in_equal_parts(each, count) for each in by_measure), strict=True)
        return zip(self.accounts, parts, strict=True)

    def by_headline(self, by_measure: Sequence[Amounts]) -> Iterable[Part]:
        """Return the part of all placements of the brand, and of all others."""
        count = len(self.accounts)
        own = [_part_of_places(each, count, self.own_places) for each in by_measure]
        others = [sum(each) - part for each, part in zip(by_measure, own, strict=True)]
        return [(BRAND_ACCOUNT, tuple(own)), (CREATOR_ACCOUNT, tuple(others))]


class _Carriers:
    """The placements that share an owner's costs of a day, cached between two archivings.

    Each owner's placements are looked through once for each stretch in which it has a cost.
    """

    def __init__(self, owners: Mapping[UUID, Owner]) -> None:
        self._owners = owners
        archived = {owner.archived_on for owner in owners.values()}
        self._changes = sorted(day for day in archived if day is not None)
        self._owned: dict[UUID, list[UUID]] = {}
        for account in sorted(owners):
            placement = owners[account]
            for owner_id in (placement.creator_id, placement.campaign_id):
                if owner_id is not None:
                    self._owned.setdefault(owner_id, []).append(account)
        self._by_stretch: dict[tuple[UUID, int], _Sharing] = {}

    def stretch_of(self, day: date) -> int:
        """Return the number of the stretch of days, between two archivings, that has this day."""
        return bisect_right(self._changes, day)

    def owned_count(self, owner: Entity, owner_id: UUID) -> int:
        """Return how many placements an owner has, archived or not."""
        return 1 if owner is Entity.PLACEMENT else len(self._owned.get(owner_id, ()))

    def sharing(self, owner: Entity, owner_id: UUID, stretch: int) -> _Sharing:
        """Return the placements that share a cost of a stretch."""
        found = self._by_stretch.get((owner_id, stretch))
        if found is None:
            accounts = [owner_id]
            if owner is not Entity.PLACEMENT:
                day = self._changes[stretch - 1] if stretch else date.min
                accounts = [one for one in self._owned.get(owner_id, ()) if self._is_open(one, day)]
            own = [place for place, one in enumerate(accounts) if self._is_own(one)]
            found = self._by_stretch[owner_id, stretch] = _Sharing(accounts, own)
        return found

    def _is_own(self, account: UUID) -> bool:
        owner = self._owners.get(account)
        return owner is not None and owner.creator_id is None

    def _is_open(self, account: UUID, day: date) -> bool:
        archived_on = self._owners[account].archived_on
        return archived_on is None or archived_on > day
