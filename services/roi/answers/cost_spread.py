"""Costs and how they are spread over the placements of their owner, in equal parts. Pure.

Promise: the parts of a cost add up to it exactly. Equal parts are made by largest remainder: the
first placements, in the order of their ids, get the remainder. A cost is shared by the placements
that were published by the last day that it serves and not archived before the first; so planning a
placement or archiving one changes no cost of before. A cost that no placement shares stays with its
owner, and one without an owner is overhead.
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
        self._pools: dict[
            tuple[tuple[Entity, UUID] | None, str, date, Stretch], list[tuple[int, ...]]
        ] = {}
        for cost in costs:
            stretch = self._carriers.stretch_of(cost)
            segment = segment_of(starts, cost.incurred_on)
            key = (cost.owner, cost.currency, segment, stretch)
            self._pools.setdefault(key, []).append(cost.amounts_minor)

    def cells_at_most(self) -> int:
        """Return how many cells there are at most; archived placements count, too."""
        if not self._by_account:
            return 2 * len(self._pools)
        return sum(max(1, self._carriers.owned_count(owner)) for owner, *_ in self._pools)

    def cells(self) -> list[Cell]:
        """Return the cells of the costs over placements, dated by the segments of the span."""
        cells: list[Cell] = []
        for (owner, currency, segment, stretch), amounts in self._pools.items():
            sharing = self._carriers.sharing(owner, stretch)
            by_measure = list(zip(*amounts, strict=True))
            if not sharing.accounts:
                totals = tuple(map(sum, by_measure))
                cells.append(Cell(segment, totals, currency=currency, owner=owner))
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
