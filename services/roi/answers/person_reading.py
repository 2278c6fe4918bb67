"""The read of people: the open leads of an answer with their worth, its conversions by person.

Promise: everything runs in the caller's transaction. What is too much is known before it is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.catalog_facts import Margin
from services.roi.answers.context import AnswerContext
from services.roi.answers.fact_reading import FactRows, arguments_of, read_fact
from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.measures.units import UNITS
from services.roi.answers.measures.units_by_kind import LEADS, SIGN_UPS
from services.roi.answers.open_leads import (
    LeadRows,
    plan_of_leads,
    read_leads,
    worth_of,
)
from services.roi.answers.people import ids_of, plan_of_people
from services.roi.answers.plan import Plan, Wanted
from services.roi.answers.sizes import CELLS_MAX, PEOPLE_MAX
from services.roi.answers.span import Span
from services.roi.domain.lead_worth import LeadWorth
from services.roi.store.people_rows import people_of_conversions, records_of
from shared.credits import UNITS_PER_CONVERSION
from shared.db.engine import driver


@dataclass(frozen=True, slots=True)
class LeadsRead:
    """The worth of the open leads of an answer, and the sums of their entries.

    `is_too_many`: there are more leads than are looked at, so none has a worth.
    """

    worth: LeadWorth
    entries: FactRows
    is_too_many: bool


@dataclass(frozen=True, slots=True)
class PeopleRead:
    """The entries of conversions, and the person and the moment of each.

    `is_too_many`: there are more conversions, or sums of theirs, than are read.
    """

    entries: FactRows
    people: Mapping[UUID, tuple[str, datetime]]
    is_too_many: bool = False


async def lead_rows_of(conn: AsyncConnection, at: AnswerContext, wanted: Wanted) -> LeadRows | None:
    """Return what the worth of leads is measured of; None where no measure asks."""
    if all(measure.fact is not Fact.OPEN_LEADS for measure in wanted.measures):
        return None
    return await read_leads(conn, at)


async def open_leads_of(
    conn: AsyncConnection,
    at: AnswerContext,
    common: Mapping[str, Any],
    planned: tuple[Plan, Span, Sequence[Margin], Sequence[FactRows]],
    rows: LeadRows | None,
) -> LeadsRead | None:
    """Return the worth of the open leads, and the sums of their entries in the span.

    They are not read where the sums tell that the span has no lead.
    """
    if rows is None:
        return None
    plan, span, margins, facts = planned
    worth = worth_of(rows, margins, at.as_of)
    entries = plan_of_leads(plan, span)
    if not worth.open or not any(_units(facts, measure) for measure in (LEADS, SIGN_UPS)):
        return LeadsRead(worth, FactRows(entries, 0, ()), rows.is_too_many)
    records = await records_of(conn, at.workspace_id, at.as_of, list(worth.open))
    given = {**common, **arguments_of(at, plan, entries), "records": records}
    found = await read_fact(await driver(conn), entries, given)
    return LeadsRead(worth, found, rows.is_too_many)


async def people_read(
    conn: AsyncConnection,
    at: AnswerContext,
    wanted: Wanted,
    common: Mapping[str, Any],
    planned: tuple[Plan, Span, Sequence[FactRows]],
) -> PeopleRead | None:
    """Return the conversions of the span with their people; None where nobody asks for people.

    They are not read where the sums tell that they are too many. A conversion may be credited to
    many rows on many days, so sums of theirs may be too many where they are not.
    """
    if not wanted.with_people:
        return None
    plan, span, facts = planned
    entries = plan_of_people(plan, span)
    if _units(facts, UNITS) > PEOPLE_MAX * UNITS_PER_CONVERSION:
        return PeopleRead(FactRows(entries, 0, ()), {}, is_too_many=True)
    given = {**common, **arguments_of(at, plan, entries)}
    found = await read_fact(await driver(conn), entries, given)
    if len(found.rows) > CELLS_MAX:
        return PeopleRead(FactRows(entries, 0, ()), {}, is_too_many=True)
    people = await people_of_conversions(conn, at.workspace_id, at.as_of, ids_of(found.rows))
    return PeopleRead(found, people)


def _units(facts: Sequence[FactRows], measure: Measure) -> int:
    """Return the sum of a measure over all rows that were read."""
    return sum(
        int(row[measure.id])
        for fact in facts
        if measure in fact.plan.shape.measures
        for row in fact.rows
    )
