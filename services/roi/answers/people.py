"""The conversions of an answer with their people: what is read, and how they become cells.

Promise: the person and the moment of a conversion are those that were known at the answer's moment.
More conversions than `PEOPLE_MAX` are not read; their number is known from the sums before. Of more
sums of theirs than `CELLS_MAX` nobody is counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from services.roi.answers.cells import Cell
from services.roi.answers.kinds import Fact
from services.roi.answers.measures.units import UNITS
from services.roi.answers.open_leads import CONVERSION
from services.roi.answers.plan import FactPlan, Plan, plan_entries
from services.roi.answers.span import Span
from shared.events import Stage

STAGE: Final = "stage"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is credited to one row of a kept conversion: its cell, stage, person and moment."""

    cell: Cell
    stage: Stage
    person: str
    at: datetime


def plan_of_people(plan: Plan, span: Span) -> FactPlan:
    """Return the plan that reads the credited units of each conversion, with the asked columns."""
    (credits,) = (one for one in plan.facts if one.shape.fact is Fact.CREDITS)
    entries = plan_entries(credits, span)
    columns = tuple(dict.fromkeys((*credits.shape.columns, STAGE, CONVERSION)))
    shape = replace(entries.shape, measures=(UNITS,), columns=columns, entries=False)
    return replace(entries, shape=shape)


def conversions_of(
    cells: Iterable[Cell], people: Mapping[UUID, tuple[str, datetime]]
) -> Iterator[Conversion]:
    """Yield the kept conversions of cells with their people."""
    for cell in cells:
        known = people.get(UUID(cell.columns[CONVERSION]))
        stage = cell.columns[STAGE]
        if known is not None and stage is not None and cell.sums[0] > 0:
            yield Conversion(cell, cast("Stage", stage), *known)


def ids_of(rows: Sequence[Mapping[str, UUID]]) -> list[UUID]:
    """Return the conversions of rows, each once."""
    return list({row[f"of_{CONVERSION}"] for row in rows})
