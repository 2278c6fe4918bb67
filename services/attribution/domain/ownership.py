"""Which placement a link or a code led to at a moment, and whose that placement is.

Promise: a link and a code are read as they stood at the touch's own time (a code on an order: the
conversion's). A placement has one creator at all times, so every credit of a placement is the credit
of that creator. An unknown link or placement has no owner.
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
    """Who owned a code then, one per placement; more than one means the code is shared.

    The creator is the placement's. Before the placement's record has come, it is the code's.
    """
    periods = _valid(facts.codes.get(normalise_code(text), ()), at)
    creators: dict[str, str] = {}
    for placement_id, creator_id in sorted({(p.placement_id, p.creator_id) for p in periods}):
        creators.setdefault(placement_id, facts.placements.get(placement_id, creator_id))
    return tuple(Owner(placement_id, creator) for placement_id, creator in creators.items())


def owners_of_touch(touch: Touch, facts: Facts) -> tuple[Owner, ...]:
    """The accounts a touch leads to at its own time: one for a link or a placement, each owner of a code, none when nobody owned it."""
    if touch.code is not None:
        return owners_of_code(touch.code, touch.occurred_at, facts)
    placement_id = touch.placement_id
    if touch.link_id is not None:
        links = _valid(facts.links.get(touch.link_id, ()), touch.occurred_at)
        placement_id = links[0].placement_id if links else None
    if placement_id is None or placement_id not in facts.placements:
        return ()
    return (Owner(placement_id, facts.placements[placement_id]),)


def _valid(periods: Iterable[_AnyPeriod], at: datetime) -> list[_AnyPeriod]:
    return [period for period in periods if period.covers(at)]
