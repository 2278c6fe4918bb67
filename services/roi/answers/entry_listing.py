"""The entries behind a figure: ledger entries, touch counts or parts of costs, with their sum.

Promise: the entries of all pages add up to `sum`, and `sum` is the figure of the answer to the same
question. All pages are of one moment. The transaction of a page ends before it is encoded.
What can go wrong: `AnswerRefused`, which says what to ask instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.roi.answers.answering import AnswerInput
from services.roi.answers.assemble import Layout, assemble
from services.roi.answers.building import Gathered, gathered, spread_of
from services.roi.answers.cells import Cell
from services.roi.answers.entries import Chooser, CostPart, Figure, cost_parts
from services.roi.answers.entry_question import Before
from services.roi.answers.entry_sql import OF_CREDITS, OF_TOUCHES, page_of_entries
from services.roi.answers.fact_reading import arguments_of, common_arguments
from services.roi.answers.kinds import Fact
from services.roi.answers.plan import narrowing, plan_entries
from services.roi.answers.sizes import check_parts
from services.roi.answers.tables import NEW_CUSTOMER
from services.roi.answers.value_json import value_as_json
from services.roi.answers.values import Value, rounded
from services.roi.domain.rollup import ORGANIC_ACCOUNT
from shared.credits import ORGANIC
from shared.db.engine import driver
from shared.moments import MOMENT_END

_START: Final = Before(MOMENT_END, 2**63 - 1, 2**31 - 1)

Item = dict[str, object]


@dataclass(frozen=True, slots=True)
class Opened:
    """A figure that was opened: its question, its sums and what lists its entries."""

    given: AnswerInput
    layout: Layout
    facts: Gathered
    chooser: Chooser
    cells: Sequence[Cell]
    total: object


def opened(given: AnswerInput, figure: Figure) -> Opened:
    """Return a figure with its sum; raise `AnswerRefused`. It runs in a thread."""
    question = given.question
    found = gathered(given.read)
    layout = Layout(
        dimensions=question.dimensions,
        metrics=question.metrics,
        measures=question.wanted.measures,
        models=question.models,
        currency=question.currency,
        default_currency=given.at.currency,
    )
    chooser = Chooser(layout, found.facts, figure, question.filters)
    chosen = chooser.chosen(found.batches)
    # Rows are of no interest here, and organic has none.
    answer = assemble(replace(layout, dimensions=()), found.facts, chosen)
    (metric,) = question.metrics
    (totals,) = answer.totals.values()
    total = value_as_json(metric, answer.currencies, totals[metric.id])
    cells = [cell for batch in chosen for cell in batch.cells]
    return Opened(given, layout, found, chooser, cells, total)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of entries, and where it ended; None: it is the last one."""

    items: list[Item]
    last: Before | None


async def ledger_page(
    conn: AsyncConnection, figure: Opened, before: Before | None, limit: int
) -> Listed:
    """Return ledger entries or touch counts before a cursor, newest first."""
    given = figure.given
    (summed,) = given.read.plan.facts
    plan = plan_entries(summed, given.span)
    statement = page_of_entries(plan.shape)
    place = before or _START
    pg = await driver(conn)
    rows = await pg.fetch(
        statement.text,
        *statement.arguments(
            **common_arguments(given.at),
            **arguments_of(given.at, given.read.plan, plan),
            **{f"only_{name}": words for name, words in narrowing(given.question.filters).items()},
            **_chosen(figure, plan.shape.columns),
            models=list(given.question.models),
            before_at=place.at,
            before_sequence=place.sequence,
            before_position=place.position,
            page_rows=limit + 1,
        ),
    )
    shown = rows[:limit]
    is_last = len(rows) <= limit
    last = None if is_last else Before(*(shown[-1][name] for name in _ORDER))
    return Listed([_ledger_item(figure, row, plan.shape.fact) for row in shown], last)


_ORDER: Final = ("moment", "sequence", "position")


def _chosen(figure: Opened, columns: Sequence[str]) -> dict[str, list[Any]]:
    """Return the chosen sums as arrays, each once: account, segment and the asked columns."""
    numbers = {first: number for number, first in enumerate(figure.given.read.plan.starts, 1)}
    keys = {
        (cell.account, numbers[cell.segment], *(_stored(cell, name) for name in columns))
        for cell in figure.cells
    }
    names = ("account", "segment", *columns)
    arrays = [list(values) for values in zip(*keys, strict=True)] or [[] for _ in names]
    return {f"chosen_{name}": values for name, values in zip(names, arrays, strict=True)}


def _stored(cell: Cell, column: str) -> str | None:
    """Return a cell's value of a column as Postgres writes it as text."""
    value = cell.columns[column]
    return value.lower() if value is not None and column == NEW_CUSTOMER else value


def _ledger_item(figure: Opened, row: Mapping[str, Any], fact: Fact) -> Item:
    is_credit = fact is Fact.CREDITS
    item: Item = {"entry": "credit" if is_credit else "touches"}
    for name in OF_CREDITS if is_credit else OF_TOUCHES:
        if name != "currency":
            item[name] = row[name]
    item["account"] = ORGANIC if row["account"] == ORGANIC_ACCOUNT else row["account"]
    item["sequence"], item["position"] = row["sequence"], row["position"]
    item["value"] = _value(figure, (row["currency"] or "") if is_credit else "", row["value"])
    return item


def _value(figure: Opened, currency: str, amount: int) -> object:
    """Return the value of one entry in the metric of the figure."""
    (metric,) = figure.layout.metrics
    value: Value = rounded(metric.unit, metric.compute(amount))
    if not metric.per_currency:
        return value_as_json(metric, (), value)
    return value_as_json(metric, (currency,), ((currency, value),))


def cost_page(figure: Opened, before: Before | None, limit: int) -> Listed:
    """Return parts of costs after a cursor, the newest cost first; raise `AnswerTooLarge`."""
    spread, costs = spread_of(figure.given.read, figure.facts.facts)
    check_parts(spread.parts_at_most(costs))
    parts = enumerate(cost_parts(spread, costs, figure.chooser))
    first = 0 if before is None else before.position + 1
    found = list(islice(parts, first, first + limit + 1))
    shown = found[:limit]
    is_last = len(found) <= limit
    last = None if is_last else Before(figure.given.at.as_of, 0, shown[-1][0])
    return Listed([_cost_item(figure, part) for _, part in shown], last)


def _cost_item(figure: Opened, part: CostPart) -> Item:
    row = figure.given.read.costs[part.place]
    return {
        "entry": "cost",
        "cost_id": row["cost_id"],
        "kind": row["kind"],
        "incurred_on": part.cost.incurred_on,
        "from": part.cost.from_on,
        "to": part.cost.to_on,
        "spread": part.cost.spread.value,
        "creator_id": row["creator_id"],
        "campaign_id": row["campaign_id"],
        "placement_id": row["placement_id"],
        "account": part.account,
        "amount": {"amount_minor": part.cost.amounts_minor[0], "currency": part.cost.currency},
        "value": _value(figure, part.cost.currency, part.amount_minor),
    }
