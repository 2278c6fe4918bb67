"""The data of an answer, made from the rows that were read: catalog facts and cells. Pure.

It runs beside the event loop. Promise: every size is checked before the work that it costs.
What can go wrong: `AnswerTooLarge`; `AnswerRefused` for a filter that names what the catalog does
not have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.roi.answers import sizes
from services.roi.answers.audience import audience
from services.roi.answers.catalog_facts import CatalogFacts, Owner, facts_asked, words_of_fact
from services.roi.answers.cells import NO_COLUMNS, Batch, Cell
from services.roi.answers.cost_spread import Cost, Spread
from services.roi.answers.cost_views import CostView, accrued
from services.roi.answers.cost_weights import SpreadBy, Weight, Weights
from services.roi.answers.fact_reading import DatabaseRows, FactRows
from services.roi.answers.filters import Filter, WrongFilter, check_known, is_of_ids
from services.roi.answers.kinds import Entity, Fact, FromCatalog, Measure
from services.roi.answers.open_leads import lead_batch, uncounted
from services.roi.answers.people import Conversion, conversions_of
from services.roi.answers.person_reading import LeadsRead
from services.roi.answers.plan import Plan
from services.roi.answers.readers import meant_by
from services.roi.answers.reading import RowsRead
from services.roi.answers.value_rates import LEAD, ValueRates, valued


@dataclass(frozen=True, slots=True)
class Gathered:
    """The data of an answer. Every cell is dated by the first day of its segment.

    `unweighted` are the costs that were to be spread by weights and have none, `unpaid` those that
    a view of cash leaves out. `value_rates` are those that volumes are valued by.
    `has_too_many_leads`: so many that no lead was looked at. `conversions`: those of the answer
    with their people; None where they were not asked for, or are too many
    (`has_too_many_people`).
    """

    plan: Plan
    facts: CatalogFacts
    batches: Sequence[Batch]
    unweighted: Sequence[Cell] = ()
    unpaid: Sequence[Cell] = ()
    value_rates: ValueRates | None = None
    has_too_many_leads: bool = False
    conversions: Sequence[Conversion] | None = None
    has_too_many_people: bool = False

    def models(self) -> set[str]:
        """Return the models that have credits."""
        return {
            cell.model
            for batch in self.batches
            for cell in batch.cells
            if cell.model is not None and any(cell.sums)
        }

    def additions(self, models: int) -> int:
        """Return how many sums are added up; touches and costs belong to every model."""
        return sum(
            len(batch.cells) * (1 if batch.measures[0].fact is Fact.CREDITS else models)
            for batch in self.batches
        )

    def filtered(self, filters: Sequence[Filter], shift: timedelta = timedelta()) -> "Gathered":
        """Return what the filters mean; `shift` is added to days before they are looked at."""
        if not filters:
            return self
        is_meant = meant_by(filters, self.facts, shift)
        batches = [Batch(one.measures, list(filter(is_meant, one.cells))) for one in self.batches]
        conversions = self.conversions
        if conversions is not None:
            conversions = [one for one in conversions if is_meant(one.cell)]
        unweighted = list(filter(is_meant, self.unweighted))
        return replace(self, batches=batches, unweighted=unweighted, conversions=conversions)


def gathered(read: RowsRead) -> Gathered:
    """Return the data of an answer; raise `AnswerTooLarge`."""
    plan = read.plan
    sizes.check_costs(len(read.costs))
    sizes.check_placements(max(map(len, read.catalog.values()), default=0))
    count = sum(len(fact.rows) for fact in read.facts)
    sizes.check_cells(count)
    facts = _facts(read)
    _check_filters(read, facts)
    batches = [_batch(plan, fact) for fact in read.facts]
    batches += audience(read.wanted.measures, batches, facts)
    leads, people, rates = read.leads, read.people, read.value_rates
    if leads is not None:
        sizes.check_cells(count + len(leads.entries.rows))
        batches.append(_lead_batch(read, leads, batches))
        if rates is not None and leads.worth.is_measured:
            # What was measured is not assumed.
            rates = rates.without(LEAD)
    if rates is not None:
        batches += valued(rates, read.wanted.measures, batches, facts)
    found = Gathered(
        plan,
        facts,
        batches,
        value_rates=rates,
        has_too_many_leads=leads is not None and leads.is_too_many,
        conversions=_conversions(read),
        has_too_many_people=people is not None and people.is_too_many,
    )
    if not plan.cost_measures:
        return found
    spread, _ = spread_of(read, facts)
    sizes.check_cells(count + spread.cells_at_most())
    spent = Batch(plan.cost_measures, spread.cells())
    return replace(
        found,
        batches=[*batches, spent],
        unweighted=spread.unweighted(),
        unpaid=_unpaid(read),
    )


def _unpaid(read: RowsRead) -> Sequence[Cell]:
    """Return the costs that a view of cash leaves out, because they are not paid yet."""
    if read.wanted.cost_view is not CostView.CASH:
        return ()
    costs = [_cost(row, read.plan.cost_measures) for row in read.costs if row["paid_on"] is None]
    return [Cell(one.incurred_on, one.amounts_minor, currency=one.currency) for one in costs]


def _check_filters(read: RowsRead, facts: CatalogFacts) -> None:
    """Raise `WrongFilter` when a filter names what the catalog does not have."""
    for asked in read.wanted.filters:
        dimension = asked.dimension
        if is_of_ids(dimension):
            known = {*dimension.words, *read.known_ids[dimension.id]}
        elif isinstance(dimension.source, FromCatalog) and not dimension.words:
            known = facts.words_of(dimension)
        else:
            continue
        try:
            check_known(asked, known)
        except WrongFilter as wrong:
            raise sizes.AnswerRefused(asked.field, str(wrong)) from None


def spread_of(read: RowsRead, facts: CatalogFacts) -> tuple[Spread, list[Cost]]:
    """Return the costs of an answer, spread, and each of them in the order of its rows."""
    sizes.check_cells(sum(len(found.sums.rows) for found in read.weights))
    weights = Weights(
        Weight(
            found.by,
            row["account"],
            found.starts[row["segment"] - 1],
            row["currency"] if found.by is SpreadBy.CREDIT else "",
            int(row[found.sums.first_sum]),
        )
        for found in read.weights
        for row in found.sums.rows
    )
    view = read.wanted.cost_view
    costs = [
        _cost(row, read.plan.cost_measures)
        for row in read.costs
        if view is not CostView.CASH or row["paid_on"] is not None
    ]
    if view is CostView.ACCRUAL:
        costs = accrued(costs, read.cost_days, read.plan.starts)
    by_account = read.wanted.by_account
    return Spread(facts.owners, costs, read.plan.starts, weights, by_account=by_account), costs


def _batch(plan: Plan, fact: FactRows) -> Batch:
    """Return the cells of one fact."""
    return Batch(fact.plan.shape.measures, _cells(plan, fact))


def _cells(plan: Plan, fact: FactRows) -> list[Cell]:
    shape, first_sum = fact.plan.shape, fact.first_sum
    of_credits = shape.fact is Fact.CREDITS
    named = [(name, f"of_{name}") for name in shape.columns]
    return [
        Cell(
            plan.starts[row["segment"] - 1],
            tuple(map(int, row[first_sum:])),
            row["account"],
            row["model"] if of_credits else None,
            row["currency"] if of_credits else "",
            {name: _text(row[column]) for name, column in named} if named else NO_COLUMNS,
        )
        for row in fact.rows
    ]


def _conversions(read: RowsRead) -> Sequence[Conversion] | None:
    """Return the conversions of the answer with their people; None where they are not known."""
    told = read.people
    if told is None or told.is_too_many:
        return None
    return list(conversions_of(_cells(read.plan, told.entries), told.people))


def _lead_batch(read: RowsRead, leads: LeadsRead, batches: Sequence[Batch]) -> Batch:
    if leads.is_too_many:
        return uncounted(read.wanted.measures, batches)
    return lead_batch(read.wanted.measures, _cells(read.plan, leads.entries), leads.worth)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _facts(read: RowsRead) -> CatalogFacts:
    """Return the owners, values and labels that the dimensions need."""
    owners = {
        row["entity_id"]: Owner(
            row["creator_id"], row["campaign_id"], row["published_on"], row["archived_on"]
        )
        for row in read.catalog.get(Entity.PLACEMENT, ())
    }
    values: dict[str, dict[UUID, tuple[str, ...]]] = {}
    for entity, of_entity in facts_asked(read.wanted.read).items():
        for dimension_id, source in of_entity.items():
            column = f"fact_{source.fact}"
            values[dimension_id] = {
                row["entity_id"]: words_of_fact(source, row[column]) for row in read.catalog[entity]
            }
    return CatalogFacts(owners, values, _labels(read.labels))


def _labels(named: Sequence[DatabaseRows]) -> Mapping[UUID, str]:
    return {row["id"]: row["label"] for rows in named for row in rows}


def _cost(row: Any, measures: tuple[Measure, ...]) -> Cost:
    named = ((owner, row[f"{owner.value}_id"]) for owner in Entity)
    return Cost(
        owner=next(((owner, owner_id) for owner, owner_id in named if owner_id is not None), None),
        incurred_on=row["incurred_on"],
        from_on=row["from_on"],
        to_on=row["to_on"],
        currency=row["currency"],
        amounts_minor=tuple(int(row[measure.id]) for measure in measures),
        spread=SpreadBy(row["spread"]),
    )
