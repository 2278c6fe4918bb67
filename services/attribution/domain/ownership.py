"""The placement of a link or a code at a moment, and the creator of a placement.

Promise: the period of a link or code at the time of the touch counts (for a code on an order, at
the time of the conversion). A placement has one creator at all times, so every credit of a
placement is credit of that creator. An unknown link or placement has no owner.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from services.attribution.domain.model import CatalogFacts, Touch
from shared.catalog import Period
from shared.code_texts import CodeText

_AnyPeriod = TypeVar("_AnyPeriod", bound=Period)


class Owner(Struct, frozen=True, order=True, gc=False):
    """An account that may earn: a placement and its creator ("" for content of the brand)."""

    placement_id: str
    creator: str

    @property
    def creator_id(self) -> str | None:
        """The creator; None for content of the brand."""
        return self.creator or None


def owners_of_code(code: CodeText, at: datetime, facts: CatalogFacts) -> tuple[Owner, ...]:
    """Return the owners of a code at a time, one for each placement; several mean "shared".

    The creator is that of the placement, or that of the code until the placement is known.
    """
    periods = _valid(facts.codes.get(code, ()), at)
    creators: dict[str, str] = {}
    for placement_id, creator_id in sorted({(p.placement_id, p.creator_id) for p in periods}):
        creators.setdefault(placement_id, facts.placements.get(placement_id, creator_id))
    return tuple(Owner(placement_id, creator) for placement_id, creator in creators.items())


def owners_of_touch(touch: Touch, facts: CatalogFacts) -> tuple[Owner, ...]:
    """Return the accounts of a touch at its time: one, or each owner of a code, or none."""
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
