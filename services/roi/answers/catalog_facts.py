"""The catalog data of an answer: owners of placements, dimension values, labels, margins. Pure.

Promise: a placement has one set of facts, as recorded at the answer's moment; labels are always
today's. A margin belongs to days: a policy is valid on a local day when it is valid at the day's
first moment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from services.roi.answers.kinds import Dimension, Entity, FromCatalog, Headline
from services.roi.domain.rollup import ORGANIC_ACCOUNT

# The margin where none is set: all revenue is contribution, and the answer has a warning.
MARGIN_ONE_MILLIONTHS: Final = 1_000_000
UNKNOWN: Final = "unknown"
# They stand for all placements of creators and of the brand, where no dimension tells them apart.
CREATOR_ACCOUNT: Final = UUID(int=2**128 - 1)
BRAND_ACCOUNT: Final = UUID(int=2**128 - 2)


class Part(NamedTuple):
    """One dimension's value of a row: an id or word, or None with the words that say why.

    A tuple, because rows are found by their parts and a tuple is compared faster than a dataclass.
    """

    label: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Owner:
    """Creator and campaign of a placement, and the local days of its publishing and archiving.

    `creator_id` None: the brand's own content. `published_on` None: it is planned only. The first
    day on which it was archived as a whole is `archived_on`.
    """

    creator_id: UUID | None
    campaign_id: UUID | None
    published_on: date | None
    archived_on: date | None = None


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """The catalog as recorded at the answer's moment.

    `owners`: by placement. `values`: by dimension id, then by the id of the placement, creator or
    campaign that the dimension asks: none, one, or several words. `labels`: today's names by id.
    """

    owners: Mapping[UUID, Owner] = field(default_factory=dict)
    values: Mapping[str, Mapping[UUID, tuple[str, ...]]] = field(default_factory=dict)
    labels: Mapping[UUID, str] = field(default_factory=dict)

    def headline_of(self, account: UUID | None, owner_of_cost: object | None) -> Headline:
        """Return the headline figure of an account; None is a cost that no placement carries.

        `owner_of_cost` is the owner of such a cost; it has none when it is overhead.
        """
        if account is None:
            return Headline.OVERHEAD if owner_of_cost is None else Headline.PROGRAM
        if account == ORGANIC_ACCOUNT:
            return Headline.ORGANIC
        owner = self.owners.get(account)
        is_own = account == BRAND_ACCOUNT or (owner is not None and owner.creator_id is None)
        return Headline.BRAND if is_own else Headline.PROGRAM

    def parts_of_account(self, dimension: Dimension, account: UUID) -> tuple[Part, ...]:
        """Return a dimension's values for a credited placement.

        The placement may be missing in the catalog.
        """
        source = dimension.source
        assert isinstance(source, FromCatalog)
        if source.entity is Entity.PLACEMENT and source.fact is None:
            return (self._named(account),)
        owner = self.owners.get(account)
        if owner is None:
            return (Part(UNKNOWN, None),)
        entity_id = {
            Entity.PLACEMENT: account,
            Entity.CREATOR: owner.creator_id,
            Entity.CAMPAIGN: owner.campaign_id,
        }[source.entity]
        return self.parts_of_entity(dimension, entity_id)

    def parts_of_entity(self, dimension: Dimension, entity_id: UUID | None) -> tuple[Part, ...]:
        """Return a dimension's values for its placement, creator or campaign."""
        source = dimension.source
        assert isinstance(source, FromCatalog)
        if entity_id is not None and source.fact is None:
            return (self._named(entity_id),)
        words = self.values.get(dimension.id, {}).get(entity_id, ()) if entity_id else ()
        return tuple(Part(word, word) for word in words) or (Part(dimension.empty, None),)

    def words_of(self, dimension: Dimension) -> set[str]:
        """Return the values of a dimension that something in the catalog has."""
        return {word for words in self.values.get(dimension.id, {}).values() for word in words}

    def labels_of_ids(self) -> Mapping[str, str]:
        """Return today's names by the id as text."""
        return {str(entity_id): label for entity_id, label in self.labels.items()}

    def _named(self, entity_id: UUID) -> Part:
        text = str(entity_id)
        return Part(self.labels.get(entity_id, text), text)


@dataclass(frozen=True, slots=True)
class Margin:
    """The margin from a local day on; None: from the beginning. `millionths` None: no margin."""

    first_on: date | None
    millionths: int | None


def margin_starts(
    margins: Sequence[Margin], from_on: date, to_on: date
) -> list[tuple[date, int | None]]:
    """Return the margins of a span: the day from which each is valid, and its millionths.

    The first one starts on the span's first day. `margins` are in the order in which they become
    valid. A policy that does not change the margin starts none.
    """
    first: int | None = None
    starts: dict[date, int | None] = {}
    for margin in margins:
        if margin.first_on is None or margin.first_on <= from_on:
            first = margin.millionths
        elif margin.first_on <= to_on:
            starts[margin.first_on] = margin.millionths
    found = [(from_on, first)]
    for day, millionths in sorted(starts.items()):
        if millionths != found[-1][1]:
            found.append((day, millionths))
    return found


def words_of_fact(source: FromCatalog, stored: str | None) -> tuple[str, ...]:
    """Return the words of a stored fact as text; none when it has no value."""
    value = source.read(stored)
    if value is None:
        return ()
    if not source.is_list:
        return (value,)
    return tuple(dict.fromkeys(msgspec.json.decode(value, type=list[str])))


def facts_asked(dimensions: Sequence[Dimension]) -> dict[Entity, dict[str, FromCatalog]]:
    """Return the stored facts that dimensions need, by entity and dimension id."""
    asked: dict[Entity, dict[str, FromCatalog]] = {}
    for dimension in dimensions:
        source = dimension.source
        if isinstance(source, FromCatalog) and source.fact is not None:
            asked.setdefault(source.entity, {})[dimension.id] = source
    return asked
