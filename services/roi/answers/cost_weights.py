"""What costs are spread by besides equal parts: clicks, views or credit in days. Pure.

Promise: a weight is a sum over whole local days, of what was known at the answer's moment, so it
changes only as the other figures do. Clicks and views are those of the measures of that name: the
views that reports of these days show. Credit is the credited net under the model `last`, by the
time of the conversion, in the currency of the cost. A weight is never below 0.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

# The model whose credit is a weight.
CREDIT_MODEL: Final = "last"


class SpreadBy(StrEnum):
    """What the placements that share a cost share it by."""

    EQUAL = "equal"
    CLICKS = "clicks"
    VIEWS = "views"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a cost is spread by: a kind of weight in the days from `from_on` to `to_on`."""

    by: SpreadBy
    from_on: date
    to_on: date


@dataclass(frozen=True, slots=True)
class Weight:
    """A sum of one account over the days of a stretch; `currency` is "" for all but credit."""

    by: SpreadBy
    account: UUID
    first_on: date
    currency: str
    amount: int


class Weights:
    """The weights of accounts, looked up for the days of a cost."""

    def __init__(self, found: Iterable[Weight] = ()) -> None:
        by_slot: defaultdict[tuple[SpreadBy, UUID, str], list[tuple[date, int]]]
        by_slot = defaultdict(list)
        for weight in found:
            slot = (weight.by, weight.account, weight.currency)
            by_slot[slot].append((weight.first_on, weight.amount))
        self._by_slot = {slot: sorted(sums) for slot, sums in by_slot.items()}

    def of(self, basis: Basis, account: UUID, currency: str) -> int:
        """Return the weight of an account for a cost in a currency."""
        slot = (basis.by, account, currency if basis.by is SpreadBy.CREDIT else "")
        sums = self._by_slot.get(slot, ())
        within = (amount for first_on, amount in sums if basis.from_on <= first_on <= basis.to_on)
        return max(sum(within), 0)


def days_of(bases: Iterable[Basis]) -> tuple[list[date], list[date]]:
    """Return the days of all bases, and the first days of stretches that no basis divides."""
    days: set[date] = set()
    starts: set[date] = set()
    for basis in bases:
        length = (basis.to_on - basis.from_on).days + 1
        days.update(basis.from_on + timedelta(days=number) for number in range(length))
        starts.add(basis.from_on)
        if basis.to_on < date.max:
            starts.add(basis.to_on + timedelta(days=1))
    return sorted(days), sorted(starts)
