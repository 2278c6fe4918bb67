"""Whose a link, a placement or a code was at a moment: the only reader of the catalog's periods.

Promise: ownership is read as it held at the touch's own time (a code on an order: the conversion's), so a corrected owner restates and a
new owner does not. Unknown ids own nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from services.attribution.domain.model import Facts, Touch
from shared.catalog import Period, normalise_code

_AnyPeriod = TypeVar("_AnyPeriod", bound=Period)


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """An account that may earn: a placement, and its creator ("" for the brand's own content)."""

    placement_id: str
    creator: str

    @property
    def creator_id(self) -> str | None:
        """The creator, None for the brand's own content."""
        return self.creator or None


def owners_of_code(text: str, at: datetime, facts: Facts) -> tuple[Owner, ...]:
    """Who owned a code then, one per placement; more than one means the code is shared."""
    periods = _valid(facts.codes.get(normalise_code(text), ()), at)
    owners = sorted({Owner(period.placement_id, period.creator_id) for period in periods})
    first_by_placement: dict[str, Owner] = {}
    for owner in owners:
        first_by_placement.setdefault(owner.placement_id, owner)
    return tuple(first_by_placement.values())


def owners_of_touch(touch: Touch, facts: Facts) -> tuple[Owner, ...]:
    """The accounts a touch leads to at its own time: one for a link or a placement, each owner of a code, none when nobody owned it."""
    if touch.code is not None:
        return owners_of_code(touch.code, touch.occurred_at, facts)
    placement_id = touch.placement_id
    if touch.link_id is not None:
        links = _valid(facts.links.get(touch.link_id, ()), touch.occurred_at)
        placement_id = links[0].placement_id if links else None
    if placement_id is None:
        return ()
    periods = _valid(facts.placements.get(placement_id, ()), touch.occurred_at)
    return (Owner(placement_id, periods[0].creator_id or ""),) if periods else ()


def _valid(periods: Iterable[_AnyPeriod], at: datetime) -> list[_AnyPeriod]:
    return [period for period in periods if period.covers(at)]
