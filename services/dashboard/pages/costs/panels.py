"""The panels of costs: by kind, by month, and the list of what was entered. Pure.

Promise: both tables of figures are of one answer of `GET /v1/roi`, so their sums are the same; the
sum of the program is the cost that Overview shows. The list adds up the entered amounts by
currency.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.charts.bar_chart import PARTS_MOST, Bar, BarChart, Part, bar_chart
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame
from services.dashboard.pages.costs.cost_form import KINDS, SPREAD_WORDS
from services.dashboard.tables.answers import Shown, answer_table
from services.dashboard.tables.series import bucket_label
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import (
    MISSING,
    day_text,
    figure_cell,
    figure_text,
    figure_value,
    money_text,
)

COST: Final = "cost"
METRICS: Final = {kind: f"cost_of_{kind}" for kind in KINDS}
# Which day a cost counts on, as the API names it, and in words.
VIEWS: Final = {
    "incurred": "on the day it was spent",
    "accrual": "over the days it serves",
    "cash": "on the day it was paid",
}
INCURRED: Final = "incurred"
# More bars than these are too long to be looked at; the table has every month.
MONTHS_DRAWN_MAX: Final = 24
OTHER_KINDS: Final = "Other kinds"
_PARTS: Final = (
    ("program", "Creators and campaigns"),
    ("brand", "The brand's own content"),
    ("overhead", "Overhead"),
)
Json = Mapping[str, Any]


def view_of(frame: Frame) -> str:
    """Return which day a cost counts on: of the address, else the day it was spent."""
    asked = frame.view.get("cost_view")
    return asked if asked in VIEWS else INCURRED


def why_of(frame: Frame, metric: str, **group: str | None) -> str | None:
    """Return the address that explains a figure; the API opens figures by the day spent alone."""
    return frame.why(metric, **group) if view_of(frame) == INCURRED else None


def kinds_table(frame: Frame, answer: Json) -> Table:
    """Return what each kind cost: of the program, of the brand's own content, and overhead."""
    columns = (
        Column("kind", "Kind"),
        *(Column(part, label, "number") for part, label in _PARTS),
        Column("totals", "All together", "number"),
    )
    shown = used_kinds(answer)
    longest = max((_minor(answer["totals"][METRICS[kind]]) for kind in shown), default=0)
    rows = [_kind_row(frame, answer, METRICS[kind], longest) for kind in shown]
    foot = _kind_row(frame, answer, COST, 0)
    total = Row((Cell("All kinds", COST), *foot.cells[1:]), "total")
    return Table("kinds", "Cost by kind", columns, rows, (total,))


def _kind_row(frame: Frame, answer: Json, metric: str, longest: int) -> Row:
    name = frame.metrics.name(metric)
    total = answer["totals"][metric]
    bar = max(0, _minor(total)) / longest if longest else None
    return Row(
        (
            Cell(name, metric),
            *(
                figure_cell(metric, answer[part][metric], why=why_of(frame, metric, part=part))
                for part, _ in _PARTS
            ),
            Cell(figure_text(metric, total), figure_value(total), bar=bar),
        )
    )


def used_kinds(answer: Json) -> Sequence[str]:
    """Return the kinds that cost anything, the greatest first."""
    totals = {kind: _minor(answer["totals"][metric]) for kind, metric in METRICS.items()}
    return sorted(filter(totals.__getitem__, KINDS), key=lambda kind: -totals[kind])


def months_table(frame: Frame, answer: Json) -> Table:
    """Return what each month cost, by kind. Overhead is a row of its own."""
    shown = Shown(
        (COST, *(METRICS[kind] for kind in used_kinds(answer))),
        frame.metrics.name,
        link=lambda _: None,
        why=lambda metric, group: why_of(frame, metric, **group),
    )
    return answer_table("months", "Cost by month and kind", "Month", _named(answer), shown)


def months_chart(frame: Frame, answer: Json) -> str:
    """Return the drawing of the last months: a bar for each, with the kinds as its parts."""
    kinds = used_kinds(answer)
    named = kinds if len(kinds) <= PARTS_MOST else kinds[: PARTS_MOST - 1]
    others = [METRICS[kind] for kind in kinds[len(named) :]]
    bars = [
        _bar(frame, row, [METRICS[kind] for kind in named], others)
        for row in _named(answer)["rows"][-MONTHS_DRAWN_MAX:]
    ]
    return bar_chart(BarChart("months-chart", "Cost by month and kind", bars))


def _bar(frame: Frame, row: Json, named: Sequence[str], others: Sequence[str]) -> Bar:
    measures = row["measures"]
    parts = [_part(frame.metrics.name(metric), metric, measures[metric]) for metric in named]
    if others:
        minor = sum(_minor(measures[metric]) for metric in others)
        rest = {**measures[COST], "amount_minor": minor}
        parts.append(_part(OTHER_KINDS, COST, rest))
    return Bar(row["label"], parts, figure_text(COST, measures[COST]))


def _part(label: str, metric: str, amount: Json) -> Part:
    return Part(label, _minor(amount), figure_text(metric, amount))


def _named(answer: Json) -> Json:
    """Return an answer by month in the order of time, its months as people read them."""
    rows = sorted(answer["rows"], key=lambda row: row["group"]["month"] or "9")
    return {**answer, "rows": [{**row, "label": _label(row)} for row in rows]}


def _label(row: Json) -> str:
    month = row["group"]["month"]
    return str(row["label"]).capitalize() if month is None else bucket_label("month", month)


def _minor(amount: Json) -> int:
    return int(amount["amount_minor"])


# --- the list ------------------------------------------------------------------------------------


def in_period(costs: Sequence[Json], view: str, first: str, last: str) -> Sequence[Json]:
    """Return the costs that count in the days, or in a part of their days."""
    if view == "cash":
        return [cost for cost in costs if cost["paid_on"] and first <= cost["paid_on"] <= last]
    if view == "accrual":
        return [cost for cost in costs if cost["from"] <= last and cost["to"] >= first]
    return [cost for cost in costs if first <= cost["incurred_on"] <= last]


def costs_table(frame: Frame, costs: Sequence[Json], catalog: Catalog) -> Table:
    """Return the costs as they were entered, the newest first, with their sums by currency."""
    columns = (
        Column("kind", "Kind"),
        Column("owner", "Spent for"),
        Column("amount", "Amount", "number"),
        Column("currency", "Currency"),
        Column("incurred_on", "Spent on", "date"),
        Column("from", "Serves from", "date"),
        Column("to", "Serves to", "date"),
        Column("spread", "Shared"),
        Column("paid_on", "Paid on", "date"),
    )
    newest = sorted(costs, key=lambda cost: str(cost["incurred_on"]), reverse=True)
    rows = [_cost_row(frame, cost, catalog) for cost in newest]
    sums: Counter[str] = Counter()
    for cost in costs:
        sums[cost["currency"]] += _minor(cost["amount"])
    totals = [_sum_row(currency, minor, len(columns)) for currency, minor in sorted(sums.items())]
    return Table("costs", "Entered costs", columns, rows, totals)


def _cost_row(frame: Frame, cost: Json, catalog: Catalog) -> Row:
    owner = catalog.owner(cost)
    return Row(
        (
            Cell(
                frame.metrics.name(METRICS[cost["kind"]]),
                cost["kind"],
                href=frame.view.carried(f"/app/costs/{cost['id']}"),
                note=cost["note"],
            ),
            Cell(owner, owner),
            figure_cell(COST, cost["amount"], note=hours_text(cost)),
            Cell(cost["currency"], cost["currency"]),
            *(_day(cost[name]) for name in ("incurred_on", "from", "to")),
            Cell(SPREAD_WORDS[cost["spread"]], cost["spread"]),
            Cell("not yet") if cost["paid_on"] is None else _day(cost["paid_on"]),
        )
    )


def hours_text(cost: Json) -> str | None:
    """Return hours and rate of a cost that has them, such as `7.5 h × €40.00`."""
    if cost["hours"] is None:
        return None
    return f"{cost['hours']:g} h × {money_text(cost['rate'])}"


def _sum_row(currency: str, minor: int, width: int) -> Row:
    amount = {"amount_minor": minor, "currency": currency}
    cells = [Cell(f"Entered in {currency}", currency), Cell(""), figure_cell(COST, amount)]
    return Row((*cells, Cell(currency, currency), *(Cell("") for _ in range(width - 4))), "total")


def _day(day: str | None) -> Cell:
    return Cell(MISSING) if day is None else Cell(day_text(day), day)
