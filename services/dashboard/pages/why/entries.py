"""The table of the entries behind a figure: credits, touches and costs. Pure."""

from collections.abc import Mapping
from typing import Any

from services.dashboard.client.api import Answer, Got
from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame
from services.dashboard.pages.orders.order_words import order_page
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import day_text, figure_cell, moment_text

Json = Mapping[str, Any]


def entries_table(frame: Frame, metric: str, body: Json, catalog: Answer) -> Table:
    """Return the entries of one page, with the sum of all entries in the foot."""
    names = catalog.body if isinstance(catalog, Got) else Catalog({}, {}, {})
    columns = (
        Column("at", "When", "date"),
        Column("what", "What"),
        Column("whose", "Whose"),
        Column("how", "How"),
        Column(metric, frame.metrics.name(metric), "number"),
    )
    rows = [_row(frame, metric, entry, names) for entry in body["items"]]
    total = (
        Cell("All entries", "all"),
        *(Cell("") for _ in range(3)),
        figure_cell(metric, body["sum"]),
    )
    caption = "The entries that the figure sums, newest first"
    return Table("entries", caption, columns, rows, (Row(total, "total"),))


def _row(frame: Frame, metric: str, entry: Json, names: Catalog) -> Row:
    zone = frame.workspace.time_zone
    kind = entry["entry"]
    if kind == "cost":
        day = entry["incurred_on"]
        at = Cell(day_text(day), day)
        what = Cell(
            entry["kind"].replace("_", " "),
            entry["kind"],
            href=frame.view.carried(f"/app/costs/{entry['cost_id']}"),
        )
        how = f"its part, spread {entry['spread'] or 'as entered'}"
        return Row((at, what, _whose(names, entry), Cell(how, how), _value(metric, entry)))
    moment = entry.get("occurred_at") or entry.get("quarter_at") or entry.get("as_of")
    at = Cell("–") if moment is None else Cell(moment_text(moment, zone), moment)
    if kind == "credit":
        what = Cell(
            f"{entry['conversion_kind']} {entry['natural_id']}",
            entry["natural_id"],
            href=order_page(
                frame.view, entry["natural_id"], entry["store"], entry["conversion_kind"]
            ),
            note="taken back" if entry["reverses"] is not None else None,
        )
        how = entry["evidence_class"]
    else:
        what = Cell("clicks of a quarter hour" if kind == "touches" else kind, kind)
        how = entry.get("touch_kind") or entry.get("source") or "–"
    return Row((at, what, _whose(names, entry), Cell(how, how), _value(metric, entry)))


def _whose(names: Catalog, entry: Json) -> Cell:
    account = entry.get("account")
    if account is None or account == "organic":
        return Cell("organic" if account else "–", account)
    return Cell(names.placement(account), account)


def _value(metric: str, entry: Json) -> Cell:
    return figure_cell(metric, entry["value"])
