"""CSV as RFC 4180 has it: UTF-8, commas, CRLF, quotes where needed. Pure.

Promise: every line has one cell for each column. A spreadsheet never takes a text for a formula: a
text that begins with `=`, `+`, `-`, `@`, their full-width forms, a tab or a line break gets an
apostrophe before it (OWASP, "CSV Injection"). Numbers, amounts and times are no texts, so a
negative amount stays a number. Several texts of a cell are joined by a semicolon. What is missing
is an empty cell.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from shared.money import format_minor

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_QUOTED: Final = frozenset(',"\r\n')


class Money(NamedTuple):
    """An amount in minor units; its currency has a column of its own."""

    amount_minor: int
    currency: str


Cell = str | int | float | Decimal | bool | date | datetime | UUID | Money | list[str] | None


def csv_bytes(lines: Iterable[Sequence[Cell]]) -> bytes:
    """Return lines of CSV."""
    return "".join(csv_line(cells) for cells in lines).encode()


def csv_line(cells: Sequence[Cell]) -> str:
    """Return one line with its CRLF."""
    return ",".join(map(_text, cells)) + "\r\n"


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _quoted(f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell)
    if isinstance(cell, Money):
        return format_minor(cell.amount_minor, cell.currency)
    if isinstance(cell, list):
        return _text("; ".join(cell))
    return _plain(cell)


def _plain(cell: object) -> str:
    """Return a number, a time or an id, none of which needs quotes."""
    match cell:
        case bool():
            return str(cell).lower()
        case float():
            return f"{Decimal(repr(cell)):f}"
        case Decimal():
            return f"{cell:f}"
        case datetime():
            return cell.isoformat().replace("+00:00", "Z")
        case _:
            return str(cell)


def _quoted(text: str) -> str:
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
