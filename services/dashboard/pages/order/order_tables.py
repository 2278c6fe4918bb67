"""The tables of an order: credits by model, adjustments, decisions, ledger entries. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame
from services.dashboard.pages.orders.order_words import word
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import figure_cell, moment_text

Json = Mapping[str, Any]
MONEY: Final = "net_revenue"
# Why a decision was made.
REVISIONS: Final = {
    "first_decision": "the order was received",
    "new_evidence": "new data of the order: a refund, an edit, another source",
    "journey_changed": "new data of the journey: a late touch, or a second device",
    "fact_corrected": "a link, code or placement was corrected",
    "new_rules": "an update of Laurel decides it by other rules",
}
# What is to be said of an adjustment.
ADJUSTMENTS: Final = {
    "above_rest": "counts, and takes more than was left",
    "replaced": "replaced by a newer report of it",
    "came_back": "the money stayed with the shop",
    "takes_nothing": "takes none of the goods' value",
    "nothing_left": "nothing was left to take",
    "told_elsewhere": "the refunds of the order's own source count",
    "other_currency": "in another currency than the order",
    "not_trusted": "of a source that is not trusted",
    "awaiting_order": "the order itself was not received",
    "test_order": "the order is a test",
    "past_order": "the order is from before Laurel",
}


def credits_table(last: Json | None, names: Catalog) -> Table:
    """Return who gets what under each model, with the exact share."""
    columns = (
        Column("model", "Model"),
        Column("account", "Who"),
        Column("evidence_class", "By what"),
        Column("share", "Share"),
        Column("amount", "Amount", "number"),
    )
    rows = [
        Row(
            (
                Cell(one["model"].replace("_", " "), one["model"]),
                Cell(_account(one["account"], names), one["account"]),
                Cell(word({}, one["evidence_class"]), one["evidence_class"]),
                Cell("all" if one["share"] == "1" else one["share"], one["share"]),
                figure_cell(MONEY, one["amount"]),
            )
        )
        for one in (last["credits"] if last else ())
    ]
    return Table("credits", "Who gets the order under each model", columns, rows)


def adjustments_table(frame: Frame, adjustments: Sequence[Json]) -> Table:
    """Return refunds, edits, cancellations and chargebacks."""
    columns = (
        Column("occurred_at", "When", "date"),
        Column("kind", "What"),
        Column("net_change", "Change of net", "number"),
        Column("counted", "Counts"),
        Column("reason", "Note"),
    )
    rows = [
        Row(
            (
                _moment(frame, one["occurred_at"]),
                Cell(one["kind"], one["kind"]),
                figure_cell(MONEY, one["net_change"]),
                Cell("yes" if one["counted"] else "no", str(one["counted"]).lower()),
                Cell(word(ADJUSTMENTS, one["reason"]), one["reason"]),
            )
        )
        for one in adjustments
    ]
    return Table("adjustments", "Refunds and other changes", columns, rows)


def revisions_table(frame: Frame, revisions: Sequence[Json]) -> Table:
    """Return the decisions about the order, oldest first."""
    columns = (
        Column("revision", "Decision", "number"),
        Column("recorded_at", "When", "date"),
        Column("reason", "Because"),
        Column("net", "Net", "number"),
    )
    rows = [
        Row(
            (
                Cell(str(one["revision"]), one["revision"]),
                _moment(frame, one["recorded_at"]),
                Cell(word(REVISIONS, one["reason"]), one["reason"]),
                figure_cell(MONEY, one["net"]),
            )
        )
        for one in revisions
    ]
    return Table("revisions", "Decisions about the order", columns, rows)


def ledger_table(frame: Frame, ledger: Sequence[Json], names: Catalog) -> Table:
    """Return the entries of the ledger, oldest first."""
    columns = (
        Column("sequence", "Number", "number"),
        Column("recorded_at", "Booked", "date"),
        Column("model", "Model"),
        Column("account", "Account"),
        Column("amount", "Amount", "number"),
    )
    rows = [
        Row(
            (
                Cell(str(one["sequence"]), one["sequence"]),
                _moment(frame, one["recorded_at"]),
                Cell(one["model"].replace("_", " "), one["model"]),
                Cell(_account(one["account"], names), one["account"]),
                figure_cell(
                    MONEY,
                    one["amount"],
                    note="taken back" if one["reverses"] is not None else None,
                ),
            )
        )
        for one in ledger
    ]
    return Table("ledger", "Entries of the ledger", columns, rows)


def _account(account: str, names: Catalog) -> str:
    return "organic" if account == "organic" else names.placement(account)


def _moment(frame: Frame, moment: str) -> Cell:
    return Cell(moment_text(moment, frame.workspace.time_zone), moment)
