"""The journey of an order: its touches on a time line, and as a table with the reason of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.dashboard.charts.timeline import Lane, Timeline, TimeMark, timeline
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame
from services.dashboard.pages.orders.order_words import TOUCHES, word
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import figure_text, moment_text

Json = Mapping[str, Any]


def journey_table(frame: Frame, last: Json | None, names: Catalog) -> Table:
    """Return the touches of the last decision: what, whose, whether each counts, and why not."""
    columns = (
        Column("occurred_at", "When", "date"),
        Column("what", "What the buyer did"),
        Column("whose", "Content"),
        Column("verdict", "Counts"),
        Column("reason", "Why not"),
        Column("would_count_if", "It would count if"),
    )
    rows = [_row(frame, one, names) for one in (last["candidates"] if last else ())]
    for one in last["unlisted"] if last else ():
        text = f"{one['count']} more, not listed"
        reason = word({}, one["reason"])
        cells = (Cell("–"), Cell(text, one["count"]), *(Cell("–") for _ in range(2)))
        rows.append(Row((*cells, Cell(reason, one["reason"]), Cell("–"))))
    return Table("touches", "The touches of the buyer before the order", columns, rows)


def _row(frame: Frame, one: Json, names: Catalog) -> Row:
    zone = frame.workspace.time_zone
    is_kept = one["verdict"] == "kept"
    return Row(
        (
            Cell(moment_text(one["occurred_at"], zone), one["occurred_at"]),
            Cell(_what(one), one["kind"]),
            Cell(names.placement(one["placement_id"]), one["placement_id"]),
            Cell("yes" if is_kept else "no", one["verdict"]),
            Cell(one["failed_test"] or "–", one["reason"]),
            Cell(one["would_count_if"] or "–", one["would_count_if"]),
        )
    )


def _what(one: Json) -> str:
    words = word(TOUCHES, one["kind"])
    return f"{words} {one['code']}" if one["code"] else words


def journey_chart(frame: Frame, told: Json, last: Json) -> str | None:
    """Return the drawing of touches, order and adjustments; None for an order without a time."""
    zone = ZoneInfo(frame.workspace.time_zone)
    at = _order_at(told)
    if at is None:
        return None

    def mark(moment: str, label: str, text: str, kind: Any) -> TimeMark:
        return TimeMark(datetime.fromisoformat(moment).astimezone(zone), label, text, kind)

    touches = [
        mark(
            one["occurred_at"],
            one["code"] or one["kind"],
            one["failed_test"] or "it counts",
            "kept" if one["verdict"] == "kept" else "rejected",
        )
        for one in last["candidates"]
    ]
    net = figure_text("net_revenue", told["net"])
    lanes = [Lane("Touches", touches)] if touches else []
    lanes.append(Lane("Order", [mark(at, "order", net, "conversion")]))
    changes = [
        mark(one["occurred_at"], one["kind"], _change(one), "adjustment")
        for one in told["adjustments"]
    ]
    if changes:
        lanes.append(Lane("Changes", changes))
    return timeline(Timeline("journey", "The journey of the order", lanes, tick_text=_tick))


def _tick(moment: datetime) -> str:
    return moment.strftime("%-d %b, %H:%M")


def _change(one: Json) -> str:
    change = figure_text("net_revenue", one["net_change"])
    return change if one["counted"] else f"{change}, not counted"


def _order_at(told: Json) -> str | None:
    """Return when the order happened: as the ledger has it, else its version that counts."""
    ledger: Sequence[Json] = told["ledger"]
    if ledger:
        return str(ledger[-1]["occurred_at"])
    counted = [one for one in told["versions"] if one["counted"]]
    return str(counted[-1]["updated_at"]) if counted else None
