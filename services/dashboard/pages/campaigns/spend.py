"""What is spent of the budget of a campaign: the question, and the table by kind of cost. Pure.

Promise: a cost counts from the day on which it was incurred, in the whole life of the campaign and
whatever the filters of the page. What is left is the budget less what is spent, to the cent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from services.dashboard.charts.pacing import Mark, Pacing, pacing
from services.dashboard.layout.frame import Frame, why_link
from services.dashboard.layout.trend import row_of
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import (
    MISSING,
    figure_cell,
    figure_text,
    major,
    percent_text,
)

COST: Final = "cost"
_KIND: Final = "cost_of_"
Json = Mapping[str, Any]


def asked_spend(
    frame: Frame, currency: str, metrics: str, campaign: str | None = None
) -> Mapping[str, str | None]:
    """Return the question for what campaigns cost so far."""
    return {
        "group_by": "campaign",
        "metrics": metrics,
        "from": "all",
        "to": frame.today.isoformat(),
        "currency": currency,
        "filter.campaign": campaign,
    }


def kind_metrics(frame: Frame) -> str:
    """Return the metrics of all kinds of cost, with their sum first."""
    kinds = [metric for metric in frame.metrics.by_id if metric.startswith(_KIND)]
    return ",".join((COST, *sorted(kinds)))


def spent_of(answer: Json, campaign: str) -> Json | None:
    """Return what a campaign cost so far; None where the answer has no such figure."""
    row = row_of(answer, "campaign", campaign)
    found = (answer["program"] if row is None else row["measures"]).get(COST)
    if row is None and isinstance(found, Mapping):
        return {"amount_minor": 0, "currency": found["currency"]}
    return found if isinstance(found, Mapping) else None


def share_of(spent: Json, budget: Json) -> Decimal | None:
    """Return how much of a budget is spent, to 6 places; None for amounts of two currencies."""
    if spent["currency"] != budget["currency"] or not budget["amount_minor"]:
        return None
    return (major(spent) / major(budget)).quantize(Decimal("0.000001"))


def share_text(spent: Json, budget: Json) -> str | None:
    """Return that share as a text."""
    share = share_of(spent, budget)
    return None if share is None else percent_text(share)


def spend_table(frame: Frame, campaign: Json, answer: Json) -> Table:
    """Return what a campaign cost so far by kind, with its budget and what is left of it."""
    row = row_of(answer, "campaign", campaign["id"])
    measures: Json = {} if row is None else row["measures"]
    spent, budget = spent_of(answer, campaign["id"]), campaign["budget"]
    columns = (
        Column("kind", "Kind of cost"),
        Column("amount", "Amount", "number"),
        Column("share", "Share of the cost", "number"),
    )
    kinds = {
        metric: value
        for metric, value in measures.items()
        if metric.startswith(_KIND) and value and value["amount_minor"]
    }
    ranked = sorted(kinds, key=lambda metric: (-kinds[metric]["amount_minor"], metric))
    rows = [_kind_row(frame, campaign, metric, kinds[metric], spent) for metric in ranked]
    return Table(
        "spend",
        "Spent so far by kind of cost",
        columns,
        rows,
        _foot(frame, campaign, spent, budget),
    )


def _kind_row(frame: Frame, campaign: Json, metric: str, value: Json, spent: Json | None) -> Row:
    share = None if spent is None else share_of(value, spent)
    return Row(
        (
            Cell(frame.metrics.name(metric), metric.removeprefix(_KIND)),
            figure_cell(metric, value, why=_why(frame, campaign, metric, value)),
            Cell(MISSING if share is None else percent_text(share), share),
        )
    )


def _foot(frame: Frame, campaign: Json, spent: Json | None, budget: Json | None) -> Sequence[Row]:
    why = None if spent is None else _why(frame, campaign, COST, spent)
    found = [_foot_row("Spent so far", spent, None, why)]
    if budget is None:
        return found
    share = None if spent is None else share_text(spent, budget)
    found.append(_foot_row("Budget", budget, None))
    if spent is not None and spent["currency"] == budget["currency"]:
        left = {**budget, "amount_minor": budget["amount_minor"] - spent["amount_minor"]}
        found.append(_foot_row("Left", left, share and f"{share} of the budget spent"))
    return found


def _foot_row(label: str, amount: Json | None, note: str | None, why: str | None = None) -> Row:
    return Row(
        (Cell(label, label), figure_cell(COST, amount, why=why, note=note), Cell("")), "total"
    )


def _why(frame: Frame, campaign: Json, metric: str, amount: Json) -> str:
    """Return the address that explains a cost over the whole life of a campaign."""
    whole = replace(frame.view, first="all", last=None, currency=amount["currency"], filters=())
    return why_link(whole, metric, {"campaign": campaign["id"]})


def spend_chart(campaign: Json, answer: Json) -> str | None:
    """Return the drawing of what is spent of the budget; None without both in one currency."""
    spent, budget = spent_of(answer, campaign["id"]), campaign["budget"]
    if spent is None or budget is None or spent["currency"] != budget["currency"]:
        return None
    return pacing(
        Pacing(
            "spend-chart",
            "Spent of the budget",
            Mark(major(spent), figure_text(COST, spent)),
            Mark(major(budget), figure_text(COST, budget)),
        )
    )
