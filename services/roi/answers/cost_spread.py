"""Costs and how they are spread over the placements of their owner, equally or by weights. Pure.

Promise: the parts of a cost add up to it exactly. Each cost is split alone, by largest remainder:
of equal remainders the first placements, in the order of their ids, get one more. So a sum over
days equals the sum of the days. A cost is shared by the placements that were published by the last
day that it serves and not archived before the first; so planning a placement or archiving one
changes no cost of before. A cost whose placements have no weight at all is shared equally, and is
told as `unweighted`. A cost that no placement shares stays with its owner, and one without an owner
is overhead.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from services.roi.answers.catalog_facts import BRAND_ACCOUNT, CREATOR_ACCOUNT, Owner
from services.roi.answers.cells import Cell
from services.roi.answers.cost_weights import Basis, SpreadBy, Weights
from services.roi.answers.kinds import Entity
from services.roi.answers.segments import segment_of
from shared.money import split

Stretch = tuple[int, int]
"""How many of an owner's placements were published by a day, and archived by another."""
_ALWAYS: Stretch = (0, 0)


@dataclass(frozen=True, slots=True)
class Cost:
    """One cost of at most one owner; `amounts_minor` has the amount of each cost measure.

    It serves the local days from `from_on` to `to_on`.
    """

    owner: tuple[Entity, UUID] | None
    incurred_on: date
    from_on: date
    to_on: date
    currency: str
    amounts_minor: tuple[int, ...]
    spread: SpreadBy = SpreadBy.EQUAL

    @property
    def basis(self) -> Basis | None:
        """What it is spread by; None: equally, or its only placement carries it."""
        is_shared = self.owner is not None and self.owner[0] is not Entity.PLACEMENT
        if self.spread is SpreadBy.EQUAL or not is_shared:
            return None
        return Basis(self.spread, self.from_on, self.to_on)


class _Pool(NamedTuple):
    """What costs have in common that are shared alike and come out added up."""

    owner: tuple[Entity, UUID] | None
    currency: str
    segment: date
    stretch: Stretch
    basis: Basis | None


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
        weights: Weights | None = None,
        *,
        by_account: bool = True,
    ) -> None:
        self._by_account = by_account
        self._carriers = _Carriers(owners)
        self._weights = weights or Weights()
        self._pools: dict[_Pool, list[tuple[int, ...]]] = {}
        self._starts = starts
        for cost in costs:
            self._pools.setdefault(self._pool_of(cost), []).append(cost.amounts_minor)

    def _pool_of(self, cost: Cost) -> _Pool:
        stretch = self._carriers.stretch_of(cost)
        segment = segment_of(self._starts, cost.incurred_on)
        return _Pool(cost.owner, cost.currency, segment, stretch, cost.basis)

    def cells_at_most(self) -> int:
        """Return how many cells there are at most; archived placements count, too.

        A cost that is spread by weights counts alone, because it is split over each placement.
        """
        return sum(self._most_of(pool, len(amounts)) for pool, amounts in self._pools.items())

    def _most_of(self, pool: _Pool, costs: int) -> int:
        owned = max(1, self._carriers.owned_count(pool.owner))
        if pool.basis is not None:
            return costs * owned
        return owned if self._by_account else 2

    def cells(self) -> list[Cell]:
        """Return the cells of the costs over placements, dated by the segments of the span."""
        return [
            cell for pool, amounts in self._pools.items() for cell in self._cells(pool, amounts)
        ]

    def cells_of(self, cost: Cost) -> list[Cell]:
        """Return the cells of one cost alone."""
        return self._cells(self._pool_of(cost), [cost.amounts_minor])

    def parts_at_most(self, costs: Iterable[Cost]) -> int:
        """Return how many cells costs have at most, when each is spread alone."""
        return sum(max(1, self._carriers.owned_count(cost.owner)) for cost in costs)

    def _cells(self, pool: _Pool, amounts: Sequence[tuple[int, ...]]) -> list[Cell]:
        sharing = self._carriers.sharing(pool.owner, pool.stretch)
        by_measure = list(zip(*amounts, strict=True))
        if not sharing.accounts:
            return [_whole(pool, by_measure)]
        weights = self._weights_of(pool, sharing)
        shared = sharing.by_account if self._by_account else sharing.by_headline
        return [
            Cell(pool.segment, part, account=account, currency=pool.currency)
            for account, part in shared(by_measure, weights)
        ]

    def unweighted(self) -> list[Cell]:
        """Return the costs that were to be spread by weights and have none, added up by pool."""
        found: list[Cell] = []
        for pool, amounts in self._pools.items():
            sharing = self._carriers.sharing(pool.owner, pool.stretch)
            is_alone = len(sharing.accounts) <= 1
            if pool.basis is not None and not is_alone and not self._weights_of(pool, sharing):
                found.append(_whole(pool, list(zip(*amounts, strict=True))))
        return found

    def _weights_of(self, pool: _Pool, sharing: "_Sharing") -> Sequence[int]:
        """Return the weight of each placement that shares; none where all are 0."""
        basis = pool.basis
        if basis is None:
            return ()
        weights = [self._weights.of(basis, one, pool.currency) for one in sharing.accounts]
        return weights if any(weights) else ()


def _whole(pool: _Pool, by_measure: Sequence[Amounts]) -> Cell:
    """Return the cell of costs that no placement carries."""
    totals = tuple(map(sum, by_measure))
    return Cell(pool.segment, totals, currency=pool.currency, owner=pool.owner)


def _by_weights(amounts: Iterable[int], weights: Sequence[int]) -> list[int]:
    """Return amounts split one by one in proportion to the weights; the parts added up by place."""
    total = sum(weights)
    shares = [Fraction(weight, total) for weight in weights]
    parts = [split(amount_minor, shares) for amount_minor in amounts]
    return [sum(of_place) for of_place in zip(*parts, strict=True)]


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

    def by_account(self, by_measure: Sequence[Amounts], weights: Sequence[int]) -> Iterable[Part]:
        """Return the part of each placement; without weights the parts are equal."""
        count = len(self.accounts)
        nothing = [0] * count
        by_place = [
            (_by_weights(each, weights) if weights else _in_equal_parts(each, count))
            if any(each)
            else nothing
            for each in by_measure
        ]
        return zip(self.accounts, zip(*by_place, strict=True), strict=True)

    def by_headline(self, by_measure: Sequence[Amounts], weights: Sequence[int]) -> Iterable[Part]:
        """Return the part of all placements of the brand, and of all others."""
        count, places = len(self.accounts), self.own_places
        if weights:
            by_place = [_by_weights(each, weights) for each in by_measure]
            own = [sum(parts[place] for place in places) for parts in by_place]
        else:
            own = [_part_of_places(each, count, places) for each in by_measure]
        others = [sum(each) - part for each, part in zip(by_measure, own, strict=True)]
        return [(BRAND_ACCOUNT, tuple(own)), (CREATOR_ACCOUNT, tuple(others))]


class _Owned:
    """The published placements of one creator or campaign, and when that changed."""

    def __init__(self) -> None:
        self.accounts: list[UUID] = []
        self.published_on: list[date] = []
        self.archived_on: list[date] = []

    def add(self, account: UUID, placement: Owner) -> None:
        """Add a placement that was published on a day."""
        assert placement.published_on is not None
        self.accounts.append(account)
        self.published_on.append(placement.published_on)
        if placement.archived_on is not None:
            self.archived_on.append(placement.archived_on)

    def sort(self) -> None:
        """Sort the days, after the last placement was added."""
        self.published_on.sort()
        self.archived_on.sort()


class _Carriers:
    """The placements that share the costs of an owner, cached between two of its changes.

    Each owner's placements are looked through once for each stretch in which it has a cost.
    """

    def __init__(self, owners: Mapping[UUID, Owner]) -> None:
        self._owners = owners
        self._owned: dict[UUID, _Owned] = {}
        for account in sorted(owners):
            placement = owners[account]
            if placement.published_on is not None:
                for owner_id in filter(None, (placement.creator_id, placement.campaign_id)):
                    self._owned.setdefault(owner_id, _Owned()).add(account, placement)
        for owned in self._owned.values():
            owned.sort()
        self._by_stretch: dict[tuple[UUID, Stretch], _Sharing] = {}

    def stretch_of(self, cost: Cost) -> Stretch:
        """Return the stretch of a cost: all costs of an owner's stretch are shared alike."""
        owned = None if cost.owner is None else self._owned.get(cost.owner[1])
        if owned is None:
            return _ALWAYS
        published = bisect_right(owned.published_on, cost.to_on)
        return published, bisect_right(owned.archived_on, cost.from_on)

    def owned_count(self, owner: tuple[Entity, UUID] | None) -> int:
        """Return how many published placements an owner has, archived or not."""
        owned = None if owner is None else self._owned.get(owner[1])
        return 1 if owned is None else len(owned.accounts)

    def sharing(self, owner: tuple[Entity, UUID] | None, stretch: Stretch) -> _Sharing:
        """Return the placements that share the costs of a stretch."""
        if owner is None:
            return _Sharing((), ())
        entity, owner_id = owner
        found = self._by_stretch.get((owner_id, stretch))
        if found is None:
            is_itself = entity is Entity.PLACEMENT
            accounts = [owner_id] if is_itself else self._carriers_of(owner_id, stretch)
            own = [place for place, one in enumerate(accounts) if self._is_own(one)]
            found = self._by_stretch[owner_id, stretch] = _Sharing(accounts, own)
        return found

    def _carriers_of(self, owner_id: UUID, stretch: Stretch) -> list[UUID]:
        owned = self._owned.get(owner_id)
        if owned is None:
            return []
        published, archived = stretch
        last_on = owned.published_on[published - 1] if published else date.min
        gone_on = owned.archived_on[archived - 1] if archived else date.min
        return [one for one in owned.accounts if self._is_open(one, last_on, gone_on)]

    def _is_own(self, account: UUID) -> bool:
        owner = self._owners.get(account)
        return owner is not None and owner.creator_id is None

    def _is_open(self, account: UUID, last_on: date, gone_on: date) -> bool:
        placement = self._owners[account]
        assert placement.published_on is not None
        is_gone = placement.archived_on is not None and placement.archived_on <= gone_on
        return placement.published_on <= last_on and not is_gone
