"""The printed tables of what was told of an order: versions, adjustments, and what was set aside.

Promise: every line that the answer has is printed; what the answer leaves out is counted.
"""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.explain import plain_words


def order_tables(answer: dict[str, Any], zone: ZoneInfo) -> Iterator[RenderableType]:
    """Yield the tables that have lines; one version alone is no table."""
    if len(answer["versions"]) + answer["versions_left_out"] > 1:
        yield _versions(answer["versions"], zone)
    if answer["versions_left_out"]:
        yield _left_out(answer["versions_left_out"], "of the order")
    if answer["adjustments"]:
        yield _adjustments(answer["adjustments"], zone)
    if answer["adjustments_left_out"]:
        yield _left_out(answer["adjustments_left_out"], "of adjustments")
    if answer["attention"]:
        yield _attention(answer["attention"], zone)


def _versions(versions: list[dict[str, Any]], zone: ZoneInfo) -> RenderableType:
    table = _table("Reports of the order", f"changed ({zone.key})", "told by", "", "net")
    for item in versions:
        state = plain_words.plain(plain_words.VERSION_REASONS, item["reason"]) or "counts"
        table.add_row(
            plain_words.moment(item["updated_at"], zone),
            plain_words.plain(plain_words.SOURCES, item["source"]),
            f"cancelled; {state}" if item["cancelled"] else state,
            plain_words.money(item["net"]),
        )
    return table


def _adjustments(adjustments: list[dict[str, Any]], zone: ZoneInfo) -> RenderableType:
    table = _table(
        "Refunds, edits and disputes", f"when ({zone.key})", "what", "told by", "", "amount", "net"
    )
    for item in adjustments:
        kind = plain_words.plain(plain_words.ADJUSTMENTS, item["kind"])
        table.add_row(
            plain_words.moment(item["occurred_at"], zone),
            f"{kind} {item['adjustment_id']}",
            plain_words.plain(plain_words.SOURCES, item["source"]),
            _state(item),
            plain_words.money(item["amount"] or item["net_after"]),
            plain_words.money(item["net_change"]),
        )
    return table


def _state(item: dict[str, Any]) -> str:
    """Return `counts`, `counts, not paid back yet`, or why it does not count."""
    state = plain_words.plain(plain_words.ADJUSTMENT_REASONS, item["reason"]) or "counts"
    return f"{state}, not paid back yet" if item["pending"] else state


def _attention(items: list[dict[str, Any]], zone: ZoneInfo) -> RenderableType:
    table = _table("Needs a look", f"when ({zone.key})", "what")
    for item in items:
        text = Text(item["sentence"])
        text.append(f"\n{item['what_to_do']}", style="quiet")
        table.add_row("", text)
        for example in item["examples"]:
            table.add_row(plain_words.moment(example["occurred_at"], zone), example["detail"])
        if item["count"] > len(item["examples"]):
            table.add_row("", f"and {item['count'] - len(item['examples']):,} more")
    return table


def _left_out(count: int, what: str) -> Text:
    return Text(f"and {count:,} older reports {what}", style="quiet")


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("amount", "net") else "left")
    return table
