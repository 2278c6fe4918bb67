"""What an open lead is expected to bring: the measured later worth of leads like it. Pure.

A lead here is a lead or sign-up that was kept. It counts when its person had no lead in the 90 days
before it, so each person has one open lead at most, and had not bought by then. It is *matured*
after 90 days, for the rest of a year. Before that it is *open*, until its person buys. A lead that
is older than a year only tells that a later one is not the first.

An open lead of some age is worth the mean contribution that matured leads brought within their 90
days, of those leads whose person had not bought at that age. What the others brought is booked
already. It is the mean of a cohort that is followed up (Farris, Bendle, Pfeifer, Reibstein,
Marketing Metrics, 2nd ed., chapter 5: prospect lifetime value, the expected contribution of a
prospect).

Promise: the mean is exact and rounded once, half to even, to a millionth of a minor unit. With
fewer than `MATURED_LEAST` such leads a lead has no worth.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

MATURE_AFTER: Final = timedelta(days=90)
# Older leads tell nothing about what people do now.
YEAR: Final = timedelta(days=365)
# Leads of this time before the answer are looked at: those of a year, and the leads before them,
# because a lead counts only without another one in the 90 days before it.
LOOKED_BACK: Final = YEAR + MATURE_AFTER
# A mean of fewer leads says little: the usual least sample of the normal approximation.
MATURED_LEAST: Final = 30


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead or sign-up that was kept."""

    conversion_id: UUID
    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bought:
    """An order or renewal that was kept, with its contribution in millionths of a minor unit."""

    person: str
    at: datetime
    currency: str
    contribution_millionths: int


@dataclass(frozen=True, slots=True)
class LeadWorth:
    """The worth of each open lead: by currency, in millionths of a minor unit; None: not known.

    `is_measured`: enough leads matured, so that a lead of age 0 has a worth.
    """

    open: Mapping[UUID, Mapping[str, int] | None]
    is_measured: bool


def worth_of_leads(
    leads: Iterable[Lead],
    bought: Iterable[Bought],
    now: datetime,
    matured_least: int = MATURED_LEAST,
) -> LeadWorth:
    """Return what the open leads are worth at a moment; all that is given happened by then."""
    orders: dict[str, list[Bought]] = {}
    for order in sorted(bought, key=lambda order: order.at):
        orders.setdefault(order.person, []).append(order)
    matured: list[tuple[timedelta, Mapping[str, int]]] = []
    opened: list[Lead] = []
    for lead in _counting(leads, orders):
        age = now - lead.at
        if MATURE_AFTER <= age <= YEAR:
            matured.append(_later(lead, orders.get(lead.person, ())))
        elif age < MATURE_AFTER and lead.person not in orders:
            opened.append(lead)
    means = _Means(matured, matured_least)
    return LeadWorth(
        {lead.conversion_id: means.at_age(now - lead.at) for lead in opened},
        means.at_age(timedelta(0)) is not None,
    )


def _counting(leads: Iterable[Lead], orders: Mapping[str, Sequence[Bought]]) -> Iterable[Lead]:
    """Yield the leads that open: no lead of the person in 90 days, and nothing bought before."""
    last: dict[str, datetime] = {}
    for lead in sorted(leads, key=lambda lead: (lead.at, lead.conversion_id)):
        before = last.get(lead.person)
        last[lead.person] = lead.at
        theirs = orders.get(lead.person)
        has_bought = theirs is not None and theirs[0].at <= lead.at
        if (before is None or lead.at - before >= MATURE_AFTER) and not has_bought:
            yield lead


def _later(lead: Lead, orders: Sequence[Bought]) -> tuple[timedelta, Mapping[str, int]]:
    """Return when the person first bought, at most 90 days later, and what came in that time."""
    brought: dict[str, int] = {}
    within = [order for order in orders if lead.at < order.at <= lead.at + MATURE_AFTER]
    for order in within:
        brought[order.currency] = brought.get(order.currency, 0) + order.contribution_millionths
    return (within[0].at - lead.at if within else timedelta.max), brought


class _Means:
    """Mean contributions of the matured leads that had not bought at an age."""

    def __init__(
        self, matured: Iterable[tuple[timedelta, Mapping[str, int]]], matured_least: int
    ) -> None:
        self._least = matured_least
        self._matured = sorted(matured, key=lambda item: item[0])
        self._first_bought = [delay for delay, _ in self._matured]
        # Sums of the leads from each place on.
        sums: dict[str, int] = {}
        self._sums: list[Mapping[str, int]] = [{}]
        for _, brought in reversed(self._matured):
            sums = {
                code: sums.get(code, 0) + brought.get(code, 0)
                for code in sums.keys() | brought.keys()
            }
            self._sums.append(sums)
        self._sums.reverse()

    def at_age(self, age: timedelta) -> Mapping[str, int] | None:
        """Return the mean by currency; None with too few leads."""
        place = bisect_right(self._first_bought, age)
        count = len(self._matured) - place
        if count < self._least:
            return None
        return {code: round(Fraction(total, count)) for code, total in self._sums[place].items()}
