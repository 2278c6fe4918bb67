"""The sums of an answer that one figure is made of, and the parts of costs among them. Pure.

A figure is that of a row, named by its group and label, or a headline figure, or the total.

Promise: what is chosen is chosen as the answer puts sums into rows, so it adds up to the figure.
What can go wrong: `AnswerRefused` when no single figure is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.roi.answers.assemble import Layout, keys_of, label_of
from services.roi.answers.catalog_facts import CatalogFacts, Part
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.cost_spread import Cost, Spread
from services.roi.answers.filters import Filter
from services.roi.answers.kinds import Headline
from services.roi.answers.readers import meant_by, reader_of

TOTALS: Final = "totals"


@dataclass(frozen=True, slots=True)
class Figure:
    """Which figure is asked for.

    `group`: the value of each dimension of the row (None: no value); None where no row is asked
    for, but the headline figure `part`. `label` tells rows of the same group apart. `part` beside a
    group keeps what the row has of that headline figure.
    """

    group: Mapping[str, str | None] | None
    label: str | None
    part: str


class Chooser:
    """Tells which sums belong to a figure."""

    def __init__(
        self, layout: Layout, facts: CatalogFacts, figure: Figure, filters: Sequence[Filter]
    ) -> None:
        self._layout, self._facts, self.figure = layout, facts, figure
        self._is_meant = meant_by(filters, facts)
        self._readers = [reader_of(dimension, facts) for dimension in layout.dimensions]

    def takes(self, cell: Cell) -> bool:
        """Return whether the figure sums this cell."""
        figure = self.figure
        headline = self._facts.headline_of(cell.account, cell.owner)
        if figure.part not in (TOTALS, headline.value) or not self._is_meant(cell):
            return False
        if figure.group is None:
            return True
        if headline is Headline.ORGANIC:
            return False
        model = self._layout.models[0]
        return any(
            self._is_row(key) for key in keys_of(self._layout, headline, self._readers, cell, model)
        )

    def _is_row(self, key: tuple[Part, ...]) -> bool:
        group = self.figure.group
        assert group is not None
        ids = [part.id for part in key]
        if ids != [group[dimension.id] for dimension in self._layout.dimensions]:
            return False
        return self.figure.label in (None, label_of(key))

    def chosen(self, batches: Sequence[Batch]) -> list[Batch]:
        """Return the sums of the figure alone."""
        return [Batch(one.measures, list(filter(self.takes, one.cells))) for one in batches]


@dataclass(frozen=True, slots=True)
class CostPart:
    """The part of one cost that one placement carries, or nobody (`account` None).

    `place` is the cost's place in the order of (day, id).
    """

    place: int
    cost: Cost
    account: UUID | None
    amount_minor: int


def cost_parts(spread: Spread, costs: Sequence[Cost], chooser: Chooser) -> Iterator[CostPart]:
    """Yield the parts of each cost that a figure sums, the newest cost first."""
    for place in range(len(costs) - 1, -1, -1):
        for cell in spread.cells_of(costs[place]):
            if cell.sums[0] and chooser.takes(cell):
                yield CostPart(place, costs[place], cell.account, cell.sums[0])
