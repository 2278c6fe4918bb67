"""The read of an answer from Postgres, at one moment: catalog facts, sums, costs.

Promise: everything runs in the caller's one read transaction, so sums, costs and facts are of one
moment. Statements come from `sql`; here they get their arguments, and their rows become cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers import sql
from services.roi.answers.catalog_facts import CatalogFacts, Margin, Owner
from services.roi.answers.cells import Batch, Cell
from services.roi.answers.context import AnswerContext
from services.roi.answers.cost_spread import Cost, spread_costs
from services.roi.answers.kinds import Dimension, Entity, Fact, FromCatalog, Measure
from services.roi.answers.plan import FactPlan, Plan, Wanted, plan_answer
from services.roi.answers.span import Span
from shared.db.engine import driver


@dataclass(frozen=True, slots=True)
class Gathered:
    """The data of an answer. Every cell is dated by the first day of its segment."""

    plan: Plan
    facts: CatalogFacts
    batches: Sequence[Batch]

    def models(self) -> set[str]:
        """Return the models that have credits."""
        return {
            cell.model
            for batch in self.batches
            for cell in batch.cells
            if cell.model is not None and any(cell.sums)
        }


async def gather(
    conn: AsyncConnection,
    at: AnswerContext,
    wanted: Wanted,
    span: Span,
    models: Sequence[str],
) -> Gathered:
    """Plan the reads of an answer and return their data."""
    connection = await driver(conn)
    common = {"workspace_id": at.workspace_id, "as_of": at.as_of, "time_zone": at.time_zone}
    facts = await _facts(connection, common, wanted.dimensions)
    margins: list[Margin] = []
    if any(measure.weighted_by_margin for measure in wanted.measures):
        margins = await _margins(connection, common)
    plan = plan_answer(wanted, span, margins, is_now=at.is_now)
    batches = []
    for fact_plan in plan.facts:
        given = common | _arguments(at, plan, fact_plan) | {"models": list(models)}
        batches.append(await _batch(connection, plan, fact_plan, given))
    if plan.cost_measures:
        costs = await _costs(connection, common, plan.cost_measures, span)
        cells = spread_costs(facts.owners, costs, plan.starts)
        batches.append(Batch(plan.cost_measures, cells))
    return Gathered(plan, facts, batches)


# --- sums ----------------------------------------------------------------------------------------


def _arguments(at: AnswerContext, plan: Plan, fact_plan: FactPlan) -> dict[str, Any]:
    """Return every argument that a planned statement may name."""
    starts = [first for first, _ in plan.margins]
    given: dict[str, Any] = {
        "generation": at.generation,
        "recorded_day": at.as_of.astimezone(UTC).date(),
        "days": fact_plan.days,
        "months": fact_plan.months,
        "starts": plan.starts,
        "margin_starts": starts,
        # The last margin needs no real end: no row of the span is after the last day.
        "margin_ends": [*starts[1:], date.max],
        "margins": [millionths for _, millionths in plan.margins],
    }
    for number, part in enumerate(fact_plan.moments):
        given |= {
            f"from_at_{number}": part.from_at,
            f"to_at_{number}": part.to_at,
            f"first_on_{number}": part.first_on,
            f"last_on_{number}": part.last_on,
        }
    return given


async def _batch(
    connection: Any, plan: Plan, fact_plan: FactPlan, given: Mapping[str, Any]
) -> Batch:
    """Return the cells of one fact."""
    shape = fact_plan.shape
    if not shape.sources and not shape.moments:
        return Batch(shape.measures, [])
    statement = sql.sums(shape)
    rows = await connection.fetch(statement.text, *statement.arguments(**given))
    of_credits = shape.fact is Fact.CREDITS
    first_sum = statement.keys
    cells = [
        Cell(
            segment=plan.starts[row["segment"] - 1],
            sums=tuple(map(int, row[first_sum:])),
            account=row["account"],
            model=row["model"] if of_credits else None,
            currency=row["currency"] if of_credits else "",
            columns={name: _text(row[f"of_{name}"]) for name in shape.columns},
        )
        for row in rows
    ]
    return Batch(shape.measures, cells)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


# --- the catalog ---------------------------------------------------------------------------------


async def _facts(
    connection: Any, common: Mapping[str, Any], dimensions: Sequence[Dimension]
) -> CatalogFacts:
    """Return the owners, values and labels that the dimensions need."""
    if not any(isinstance(dimension.source, FromCatalog) for dimension in dimensions):
        return CatalogFacts()
    asked = sql.facts_asked(dimensions)
    owners: dict[UUID, Owner] = {}
    values: dict[str, dict[UUID, str | None]] = {}
    for entity in sorted({Entity.PLACEMENT, *asked}):
        of_entity = asked.get(entity, {})
        stored = tuple(sorted({source.fact or "" for source in of_entity.values()}))
        statement = sql.entity_facts(entity, stored)
        rows = await connection.fetch(statement.text, *statement.arguments(**common))
        if entity is Entity.PLACEMENT:
            owners = {
                row["entity_id"]: Owner(row["creator_id"], row["campaign_id"], row["archived_on"])
                for row in rows
            }
        for dimension_id, source in of_entity.items():
            column = f"fact_{source.fact}"
            values[dimension_id] = {row["entity_id"]: source.read(row[column]) for row in rows}
    return CatalogFacts(owners, values, await _labels(connection, common, dimensions))


async def _labels(
    connection: Any, common: Mapping[str, Any], dimensions: Sequence[Dimension]
) -> dict[UUID, str]:
    """Return today's names of the placements, creators and campaigns of the dimensions."""
    labels: dict[UUID, str] = {}
    for dimension in dimensions:
        source = dimension.source
        if isinstance(source, FromCatalog) and source.fact is None:
            statement = sql.names(source.entity)
            rows = await connection.fetch(statement.text, *statement.arguments(**common))
            labels |= {row["id"]: row["label"] for row in rows}
    return labels


async def _margins(connection: Any, common: Mapping[str, Any]) -> list[Margin]:
    statement = sql.margins()
    rows = await connection.fetch(statement.text, *statement.arguments(**common))
    return [Margin(row["first_on"], row["margin_millionths"]) for row in rows]


async def _costs(
    connection: Any, common: Mapping[str, Any], measures: tuple[Measure, ...], span: Span
) -> list[Cost]:
    """Return the costs incurred in a span, as recorded at the answer's moment."""
    statement = sql.costs(measures, by_times=span.times is not None)
    given = {**common, "from_on": span.from_on, "to_on": span.to_on}
    if span.times is not None:
        given |= {"from_at": span.times[0], "to_at": span.times[1]}
    rows = await connection.fetch(statement.text, *statement.arguments(**given))
    return [_cost(row, measures) for row in rows]


def _cost(row: Any, measures: tuple[Measure, ...]) -> Cost:
    amounts = tuple(int(row[measure.id]) for measure in measures)
    for owner in (Entity.PLACEMENT, Entity.CREATOR, Entity.CAMPAIGN):
        owner_id = row[f"{owner.value}_id"]
        if owner_id is not None:
            return Cost(owner, owner_id, row["incurred_on"], row["currency"], amounts)
    raise LookupError("a cost has exactly one owner")
