"""The tables of an order: credits by model, adjustments, decisions, ledger entries. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.client.catalog import Catalog
from services.dashboard.layout.frame import Frame
from services.dashboard.pages.order.sentences import account_name
from services.dashboard.pages.orders.order_words import ADJUSTMENT_KINDS, SOURCES, word
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
# Why a report of the order does not count.
VERSIONS: Final = {
    "replaced": "replaced by a newer one",
    "less_trusted": "a more trusted source counts",
}
# What is to be said of an adjustment.
ADJUSTMENTS: Final = {
    "above_rest": "counts, and takes more than was left",
    "replaced": "replaced by a newer report of it",
    "came_back": "the money stayed with the shop: the payment failed or the dispute was won",
    "takes_nothing": "takes none of the goods' value",
    "nothing_left": "nothing was left to take",
    "told_elsewhere": "the refunds of the order's own source count",
    "other_currency": "in another currency than the order",
    "not_trusted": "of a source that is not trusted",
    "awaiting_order": "the order itself was not received",
    "test_order": "the order is a test",
    "past_order": "the order is from before Laurel",
}


def credits_table(frame: Frame, last: Json | None, names: Catalog) -> Table:
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
                _account(frame, one["account"], names),
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
        Column("source", "Told by"),
        Column("amount", "Amount", "number"),
        Column("net_change", "Change of net", "number"),
        Column("counted", "Counts"),
        Column("reason", "Note"),
    )
    rows = [
        Row(
            (
                _moment(frame, one["occurred_at"]),
                Cell(word(ADJUSTMENT_KINDS, one["kind"]), one["kind"], note=one["adjustment_id"]),
                Cell(word(SOURCES, one["source"]), one["source"]),
                figure_cell(MONEY, one["amount"] or one["net_after"]),
                figure_cell(MONEY, one["net_change"]),
                Cell("yes" if one["counted"] else "no", str(one["counted"]).lower()),
                Cell(
                    word(ADJUSTMENTS, one["reason"]),
                    one["reason"],
                    note="not paid back yet" if one["pending"] else None,
                ),
            )
        )
        for one in adjustments
    ]
    return Table("adjustments", "Refunds and other changes", columns, rows)


def versions_table(frame: Frame, versions: Sequence[Json]) -> Table:
    """Return the reports of the order itself, oldest first: which one counts, and why not."""
    columns = (
        Column("updated_at", "Changed", "date"),
        Column("source", "Told by"),
        Column("net", "Net", "number", help="Of goods less discounts, before refunds."),
        Column("counted", "Counts"),
        Column("reason", "Why not"),
    )
    rows = [
        Row(
            (
                _moment(frame, one["updated_at"]),
                Cell(
                    word(SOURCES, one["source"]),
                    one["source"],
                    note="cancelled" if one["cancelled"] else None,
                ),
                figure_cell(MONEY, one["net"]),
                Cell("yes" if one["counted"] else "no", str(one["counted"]).lower()),
                Cell(word(VERSIONS, one["reason"]), one["reason"]),
            )
        )
        for one in versions
    ]
    return Table("versions", "Reports of the order", columns, rows)


def revisions_table(frame: Frame, revisions: Sequence[Json]) -> Table:
    """Return the decisions about the order, oldest first."""
    columns = (
        Column("revision", "Decision"),
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
        Column("sequence", "Number"),
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
                _account(frame, one["account"], names),
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


def _account(frame: Frame, account: str, names: Catalog) -> Cell:
    """Return the name of an account; it leads to its creator."""
    creator = names.placements.get(account, {}).get("creator_id")
    href = None if creator is None else frame.view.carried(f"/app/creators/{creator}")
    return Cell(account_name(account, names), account, href=href)


def _moment(frame: Frame, moment: str) -> Cell:
    return Cell(moment_text(moment, frame.workspace.time_zone), moment)
