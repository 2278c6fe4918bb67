"""The read of an answer from Postgres, at one moment: rows of catalog facts, sums and costs.

Promise: everything runs in the caller's one read transaction, so sums, costs and facts are of one
moment. Statements come from `sql`; here they get their arguments. Nothing is computed from the
rows here: `building` does that beside the event loop. Each statement returns at most one row more
than `sizes` allows; `building` refuses it.
What can go wrong: `AnswerTooLarge` for a margin that changes too often, or for costs whose weights
lie on too many days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers import catalog_sql
from services.roi.answers.catalog_facts import Margin, facts_asked
from services.roi.answers.context import AnswerContext
from services.roi.answers.cost_views import CostView
from services.roi.answers.cost_weights import CREDIT_MODEL, Basis, SpreadBy, days_of
from services.roi.answers.dimensions.campaign import CAMPAIGN
from services.roi.answers.fact_reading import (
    DatabaseRows,
    FactRows,
    arguments_of,
    common_arguments,
    of_rollups,
    read_fact,
)
from services.roi.answers.filters import Filter, is_canonical_id, is_of_ids
from services.roi.answers.kinds import Dimension, Entity, Fact, FromCatalog, FromRow, Measure
from services.roi.answers.measures.assumed_by_stage import RATE_STEPS
from services.roi.answers.measures.clicks import CLICKS
from services.roi.answers.measures.net_revenue import NET_REVENUE
from services.roi.answers.measures.social_counts import VIEWS
from services.roi.answers.person_reading import (
    LeadsRead,
    PeopleRead,
    lead_rows_of,
    open_leads_of,
    people_read,
)
from services.roi.answers.plan import (
    Plan,
    Wanted,
    narrowing,
    plan_answer,
    plan_weights,
)
from services.roi.answers.segments import segment_starts
from services.roi.answers.sizes import (
    CATALOG_ROWS_MAX,
    check_margins,
    check_value_rates,
    check_weighted_days,
)
from services.roi.answers.span import Span
from services.roi.answers.value_rates import ValueRate, ValueRates
from services.roi.store.goal_rows import campaigns_with_goals
from services.roi.store.rate_rows import value_rows
from shared.db.engine import driver

_MEASURES_OF_WEIGHTS: Final = {
    SpreadBy.CLICKS: CLICKS,
    SpreadBy.VIEWS: VIEWS,
    SpreadBy.CREDIT: NET_REVENUE,
}


@dataclass(frozen=True, slots=True)
class WeightRows:
    """The sums that costs are spread by; `starts` are the first days of their segments."""

    by: SpreadBy
    starts: Sequence[date]
    sums: FactRows


@dataclass(frozen=True, slots=True)
class RowsRead:
    """The rows of an answer.

    `catalog`: placements and what else dimensions ask, as recorded at the answer's moment; where no
    dimension tells placements apart, those that the headline figures need.
    `labels`: today's names. `known_ids`: by dimension id, the ids of its filter that exist.
    `cost_days`: the first and the last day that begins in the span.
    `with_goals`: the campaigns that have a goal, where a dimension asks. `value_rates`: what
    volumes are deemed worth, `leads` the open leads; each None where no measure asks.
    `people`: conversions with their people, where they are asked for.
    """

    wanted: Wanted
    plan: Plan
    catalog: Mapping[Entity, DatabaseRows]
    labels: Sequence[DatabaseRows]
    facts: Sequence[FactRows]
    costs: DatabaseRows
    cost_days: tuple[date, date]
    weights: Sequence[WeightRows] = ()
    known_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    with_goals: frozenset[UUID] = frozenset()
    value_rates: ValueRates | None = None
    leads: LeadsRead | None = None
    people: PeopleRead | None = None


async def read_rows(
    conn: AsyncConnection,
    at: AnswerContext,
    wanted: Wanted,
    span: Span,
    models: Sequence[str],
    starts: Sequence[date] | None = None,
) -> RowsRead:
    """Return the rows of an answer; `starts`: first days of segments, if not the span's own."""
    connection = await driver(conn)
    common = common_arguments(at)
    value_rates = await _value_rates(conn, at, wanted, span)
    if value_rates is not None:
        wanted, starts = _by_value_rates(value_rates, wanted, span, starts)
    labels = await _labels(connection, common, wanted.dimensions)
    known_ids = await _known_ids(connection, common, wanted.filters)
    margins: list[Margin] = []
    lead_rows = await lead_rows_of(conn, at, wanted)
    if lead_rows is not None or any(measure.weighted_by_margin for measure in wanted.measures):
        margins = await _margins(connection, common)
    plan = plan_answer(wanted, span, margins, is_now=at.is_now, starts=starts)
    check_margins(len(plan.margins))
    costs = await _costs(connection, common, plan.cost_measures, wanted.cost_view, span)
    weights = await _weights(connection, at, common, costs)
    catalog = await _catalog(connection, common, wanted, costs)
    common |= {"models": list(models), "brand_accounts": _own(catalog[Entity.PLACEMENT])}
    common |= {f"only_{name}": words for name, words in narrowing(wanted.filters).items()}
    facts = [
        await read_fact(connection, one, common | arguments_of(at, plan, one)) for one in plan.facts
    ]
    leads = await open_leads_of(conn, at, common, (plan, span, margins, facts), lead_rows)
    people = await people_read(conn, at, wanted, common, (plan, span, facts))
    with_goals = await _with_goals(conn, at, wanted)
    return RowsRead(
        wanted,
        plan,
        catalog,
        labels,
        facts,
        costs,
        (span.first_on, span.to_on),
        weights,
        known_ids,
        with_goals,
        value_rates,
        leads,
        people,
    )


async def _with_goals(conn: AsyncConnection, at: AnswerContext, wanted: Wanted) -> frozenset[UUID]:
    """Return the campaigns that have a goal, where a dimension asks."""
    if CAMPAIGN not in wanted.dimensions:
        return frozenset()
    return await campaigns_with_goals(conn, at.workspace_id, at.as_of)


def _by_value_rates(
    rates: ValueRates, wanted: Wanted, span: Span, starts: Sequence[date] | None
) -> tuple[Wanted, Sequence[date] | None]:
    """Return what is wanted apart for each stretch of value rates, and the starts with theirs."""
    if starts is not None:
        own = segment_starts([rates.stretches], span.from_on, span.to_on)
        starts = sorted({*starts, *own})
    return rates.told_apart(wanted), starts


async def _value_rates(
    conn: AsyncConnection, at: AnswerContext, wanted: Wanted, span: Span
) -> ValueRates | None:
    """Return the value rates of an answer; None where no measure asks for them."""
    if all(measure.fact is not Fact.VALUES for measure in wanted.measures):
        return None
    asked = span.to_on, CATALOG_ROWS_MAX + 1
    rows = await value_rows(conn, at.workspace_id, at.as_of, asked)
    check_value_rates(len(rows))
    return ValueRates(
        ValueRate(
            row["per"],
            row["platform"],
            row["valid_from"],
            row["currency"],
            int(Fraction(row["amount"]) * RATE_STEPS),
        )
        for row in rows
    )


# --- the catalog ---------------------------------------------------------------------------------


async def _catalog(
    connection: Any, common: Mapping[str, Any], wanted: Wanted, costs: DatabaseRows
) -> dict[Entity, DatabaseRows]:
    """Return the facts of the placements, and of what else the dimensions ask.

    Where no dimension tells placements apart, only those are read that the headline figures need.
    """
    if not wanted.by_account:
        owners = {row[name] for row in costs for name in ("creator_id", "campaign_id")} - {None}
        statement = catalog_sql.placements_of_headlines()
        given = statement.arguments(**common, owners=sorted(owners))
        return {Entity.PLACEMENT: await connection.fetch(statement.text, *given)}
    asked = facts_asked(wanted.read)
    found: dict[Entity, DatabaseRows] = {}
    for entity in sorted({Entity.PLACEMENT, *asked}):
        of_entity = asked.get(entity, {})
        stored = tuple(sorted({source.fact or "" for source in of_entity.values()}))
        statement = catalog_sql.entity_facts(entity, stored)
        found[entity] = await connection.fetch(statement.text, *statement.arguments(**common))
    return found


def _own(placements: DatabaseRows) -> list[UUID]:
    """Return the brand's own placements."""
    return [row["entity_id"] for row in placements if row["creator_id"] is None]


async def _labels(
    connection: Any, common: Mapping[str, Any], dimensions: Sequence[Dimension]
) -> list[DatabaseRows]:
    """Return today's names of the placements, creators, campaigns and stores of the dimensions."""
    found: list[DatabaseRows] = []
    for dimension in dimensions:
        source = dimension.source
        named = None
        if isinstance(source, FromCatalog) and source.fact is None:
            named = source.entity.value
        elif isinstance(source, FromRow):
            named = source.names
        if named is not None:
            statement = catalog_sql.names(named)
            found.append(await connection.fetch(statement.text, *statement.arguments(**common)))
    return found


async def _known_ids(
    connection: Any, common: Mapping[str, Any], filters: Sequence[Filter]
) -> dict[str, frozenset[str]]:
    """Return the ids that filters name and that exist, by dimension id."""
    found: dict[str, frozenset[str]] = {}
    for asked in filters:
        kind = is_of_ids(asked.dimension)
        if kind is not None:
            ids = [UUID(word) for word in asked.named() if is_canonical_id(word)]
            statement = catalog_sql.known_ids(kind)
            rows = await connection.fetch(statement.text, *statement.arguments(**common, ids=ids))
            found[asked.dimension.id] = frozenset(str(row["id"]) for row in rows)
    return found


async def _margins(connection: Any, common: Mapping[str, Any]) -> list[Margin]:
    statement = catalog_sql.margins()
    rows = await connection.fetch(statement.text, *statement.arguments(**common))
    return [Margin(row["first_on"], row["margin_millionths"]) for row in rows]


async def _costs(
    connection: Any,
    common: Mapping[str, Any],
    measures: tuple[Measure, ...],
    view: CostView,
    span: Span,
) -> DatabaseRows:
    """Return the costs of a span by their view, as recorded at the answer's moment."""
    if not measures:
        return ()
    statement = catalog_sql.costs(measures, view, by_times=span.times is not None)
    first_on = span.first_on if view is CostView.ACCRUAL else span.from_on
    given = {**common, "from_on": first_on, "to_on": span.to_on}
    if span.times is not None:
        given |= {"from_at": span.times[0], "to_at": span.times[1]}
    rows: DatabaseRows = await connection.fetch(statement.text, *statement.arguments(**given))
    return rows


async def _weights(
    connection: Any, at: AnswerContext, common: Mapping[str, Any], costs: DatabaseRows
) -> list[WeightRows]:
    """Return the sums by placement that some of these costs are spread by."""
    found: list[WeightRows] = []
    for by, measure in _MEASURES_OF_WEIGHTS.items():
        bases = {
            Basis(by, row["from_on"], row["to_on"]) for row in costs if row["spread"] == by.value
        }
        days, starts = days_of(bases)
        check_weighted_days(len(days))
        if days:
            plan = plan_weights(measure, days, is_now=at.is_now)
            given = {**common, **of_rollups(at), "days": days, "starts": starts}
            sums = await read_fact(connection, plan, given | {"models": [CREDIT_MODEL]})
            found.append(WeightRows(by, starts, sums))
    return found
