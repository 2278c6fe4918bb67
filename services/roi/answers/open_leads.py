"""Open leads of an answer: what is read to value them, and the sums that they make.

Promise: a lead counts by its credited shares, so the leads of all rows and organic add up. The
worth of a lead is that of `domain/lead_worth.py`, at the moment of the answer and with the margins
of the policies. More leads than `LEADS_MAX` are not looked at: then no lead has a worth, and sums
with leads say that their open ones are not counted.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.catalog_facts import MARGIN_ONE_MILLIONTHS, Margin, margin_starts
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.context import AnswerContext
from services.roi.answers.kinds import Fact, Measure
from services.roi.answers.measures.modelled_leads import (
    LEADS_WITHOUT_WORTH,
    MODELLED_AT_CONSIDERATION,
    OPEN_LEADS,
    OPEN_LEADS_WITHOUT_COUNT,
)
from services.roi.answers.measures.units import UNITS
from services.roi.answers.measures.units_by_kind import LEADS, SIGN_UPS
from services.roi.answers.plan import FactPlan, Plan, plan_entries
from services.roi.answers.sizes import LEAD_ORDERS_MAX, LEADS_MAX
from services.roi.answers.span import Span
from services.roi.domain.lead_worth import LOOKED_BACK, Bought, Lead, LeadWorth, worth_of_leads
from services.roi.store.people_rows import bought_by, leads_of

CONVERSION: Final = "conversion_id"


@dataclass(frozen=True, slots=True)
class LeadRows:
    """The leads of an answer and what their people bought; `is_too_many`: they are not all."""

    leads: Sequence[Any]
    bought: Sequence[Any]
    is_too_many: bool = False


async def read_leads(conn: AsyncConnection, at: AnswerContext) -> LeadRows:
    """Return the leads before the moment of the answer, and what their people bought."""
    after = at.as_of - LOOKED_BACK
    leads = await leads_of(conn, at.workspace_id, at.as_of, after, LEADS_MAX + 1)
    if not leads or len(leads) > LEADS_MAX:
        return LeadRows((), (), bool(leads))
    people = sorted({row["person_ref"] for row in leads})
    bought = await bought_by(
        conn, at.workspace_id, at.as_of, people, at.time_zone, LEAD_ORDERS_MAX + 1
    )
    if len(bought) > LEAD_ORDERS_MAX:
        return LeadRows((), (), is_too_many=True)
    return LeadRows(leads, bought)


def worth_of(rows: LeadRows, margins: Sequence[Margin], as_of: datetime) -> LeadWorth:
    """Return the worth of the open leads; a year without a margin counts revenue."""
    if not rows.leads:
        return LeadWorth({}, is_measured=False)
    days = [row["bought_on"] for row in rows.bought]
    starts = margin_starts(margins, min(days), max(days)) if days else []
    firsts = [first for first, _ in starts]

    def margin(day: date) -> int:
        millionths = starts[bisect_right(firsts, day) - 1][1]
        return MARGIN_ONE_MILLIONTHS if millionths is None else millionths

    return worth_of_leads(
        [Lead(row[CONVERSION], row["person_ref"], row["occurred_at"]) for row in rows.leads],
        [
            Bought(
                row["person_ref"],
                row["occurred_at"],
                row["currency"] or "",
                int(row["amount_minor"]) * margin(row["bought_on"]),
            )
            for row in rows.bought
        ],
        as_of,
    )


def plan_of_leads(plan: Plan, span: Span) -> FactPlan:
    """Return the plan that reads the entries of open leads, one by one, with the asked columns.

    It reads the entries of their records alone, however many others the span has.
    """
    (credits,) = (one for one in plan.facts if one.shape.fact is Fact.CREDITS)
    entries = plan_entries(credits, span)
    shape = replace(
        entries.shape,
        measures=(UNITS,),
        columns=(*credits.shape.columns, CONVERSION),
        entries=False,
        of_records=True,
    )
    return replace(entries, shape=shape)


def lead_batch(wanted: Sequence[Measure], cells: Sequence[Cell], worth: LeadWorth) -> Batch:
    """Return what open leads are worth, of the sums of their entries."""
    measures = _measures_in(wanted)
    return Batch(measures, list(_valued(measures, cells, worth)))


def uncounted(wanted: Sequence[Measure], batches: Sequence[Batch]) -> Batch:
    """Return which sums have leads, where there are too many to find those that are open."""
    measures = _measures_in(wanted)
    marks = [int(measure.id == OPEN_LEADS_WITHOUT_COUNT.id) for measure in measures]
    cells: list[Cell] = []
    for batch in batches:
        of_leads = [place for place, one in enumerate(batch.measures) if one in (LEADS, SIGN_UPS)]
        cells += [
            _cell(cell, cell.columns, "", marks)
            for cell in batch.cells
            if any(cell.sums[place] for place in of_leads)
        ]
    return Batch(measures, cells)


def _measures_in(wanted: Sequence[Measure]) -> tuple[Measure, ...]:
    return tuple(measure for measure in wanted if measure.fact is Fact.OPEN_LEADS)


def _valued(measures: Sequence[Measure], cells: Sequence[Cell], worth: LeadWorth) -> Iterator[Cell]:
    for cell in cells:
        (units,) = cell.sums
        columns = {name: word for name, word in cell.columns.items() if name != CONVERSION}
        value = worth.open[UUID(cell.columns[CONVERSION])]
        counted = {OPEN_LEADS.id: units, LEADS_WITHOUT_WORTH.id: int(value is None and units != 0)}
        yield _cell(cell, columns, "", [counted.get(measure.id, 0) for measure in measures])
        for currency, each in (value or {}).items():
            sums = [
                units * each if measure.id == MODELLED_AT_CONSIDERATION.id else 0
                for measure in measures
            ]
            yield _cell(cell, columns, currency, sums)


def _cell(
    cell: Cell, columns: Mapping[str, str | None], currency: str, sums: Sequence[int]
) -> Cell:
    return Cell(
        segment=cell.segment,
        sums=tuple(sums),
        account=cell.account,
        model=cell.model,
        currency=currency,
        columns=columns,
    )
