"""Exports: raw rows as a file, CSV or JSON, streamed page by page.

Promise: one page of rows is in memory at a time, however long the file is, and no transaction is
open while a client reads slowly. A file ends with its totals; a file without them was cut off.
What can go wrong: an error on the first page is answered as a problem; a later one ends the
connection without the totals.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from fastapi import Path
from starlette.responses import Response, StreamingResponse

from shared.api.csv_text import Cell, Money, csv_bytes

FileFormat = Annotated[
    Literal["csv", "json"],
    Path(description="The format of the file: `csv` or `json`.", examples=["csv"]),
]
CSV_TYPE: Final = "text/csv; charset=utf-8; header=present"
JSON_TYPE: Final = "application/json"


def _list_of(description: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object"}, "description": description}


# The content of a 200 in the OpenAPI document, besides the JSON that a call describes.
CSV_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}
RAW_CONTENT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["meta", "items", "totals"],
                    "properties": {
                        "meta": {"type": "object", "description": "The question, its moment."},
                        "items": _list_of("Every row, newest first; amounts are in minor units."),
                        "totals": _list_of("The sums: one for each currency, or one in all."),
                    },
                }
            },
        }
    }
}
# The first column of a CSV file: what its line is.
LINE: Final = "line"

Row = Mapping[str, Cell]
Pages = AsyncIterator[Sequence[Row]]

_encoder: Final = msgspec.json.Encoder(decimal_format="number")


class Totals(Protocol):
    """The totals of a file."""

    def add(self, row: Row) -> None:
        """Take a row of the file into account."""

    def rows(self) -> Sequence[Row]:
        """Return the totals of the rows: at least one row."""


@dataclass(frozen=True, slots=True)
class KnownTotals:
    """Totals that are known before the rows are read."""

    known: Sequence[Row]

    def add(self, row: Row) -> None:
        """Do nothing."""

    def rows(self) -> Sequence[Row]:
        """Return the totals."""
        return self.known


@dataclass(slots=True)
class SummedTotals:
    """The sums of a file: amounts by currency, and numbers over all of them.

    `amounts` and `numbers` are the columns that are summed.
    """

    amounts: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    _sums: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    _counted: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, row: Row) -> None:
        """Add a row."""
        for name in self.amounts:
            cell = row[name]
            if isinstance(cell, Money):
                self._sums[cell.currency, name] += cell.amount_minor
        for name in self.numbers:
            cell = row[name]
            if isinstance(cell, int | Decimal):
                self._counted[name] += cell

    def rows(self) -> Sequence[Row]:
        """Return one row for each currency, and one without a currency for the numbers.

        With one currency at most, there is one row.
        """
        numbers: dict[str, Cell] = {name: self._counted[name] for name in self.numbers}
        amounts: dict[str, dict[str, Cell]] = {}
        for (currency, name), amount in sorted(self._sums.items()):
            amounts.setdefault(currency, {"currency": currency})[name] = Money(amount, currency)
        if len(amounts) == 1:
            return [numbers | amounts.popitem()[1]]
        return [{"currency": None, **numbers}, *amounts.values()]


@dataclass(frozen=True, slots=True)
class RawFile:
    """Raw rows as a file: its columns, what it says of itself, its pages and its totals."""

    name: str
    columns: tuple[str, ...]
    meta: Mapping[str, object]
    pages: Pages
    totals: Totals


async def streamed(file: RawFile, file_format: str) -> Response:
    """Return the response that streams a file; its first page is read before it begins."""
    first = await _next(file)
    write = _csv if file_format == "csv" else _json
    return StreamingResponse(
        write(file, first),
        media_type=CSV_TYPE if file_format == "csv" else JSON_TYPE,
        headers=attachment(file.name, file_format),
    )


def attachment(name: str, file_format: str) -> dict[str, str]:
    """Return the header that names a file for the browser."""
    return {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}


async def _csv(file: RawFile, first: Sequence[Row]) -> AsyncIterator[bytes]:
    yield csv_bytes([(LINE, *file.columns)])
    async for page in _pages(file, first):
        # In a thread, so that other requests are not held up by a page.
        yield await asyncio.to_thread(_summed_lines, file, page)
    yield csv_bytes(_lines(file, "totals", file.totals.rows()))


def _summed_lines(file: RawFile, page: Sequence[Row]) -> bytes:
    for row in page:
        file.totals.add(row)
    return csv_bytes(_lines(file, "row", page))


def _lines(file: RawFile, what: str, rows: Sequence[Row]) -> Iterator[list[Cell]]:
    for row in rows:
        yield [what, *(row.get(name) for name in file.columns)]


async def _json(file: RawFile, first: Sequence[Row]) -> AsyncIterator[bytes]:
    yield b'{"meta":' + _encoder.encode(file.meta) + b',"items":['
    separator = b""
    async for page in _pages(file, first):
        yield separator + await asyncio.to_thread(_summed_items, file, page)
        separator = b","
    totals = [_as_json(row) for row in file.totals.rows()]
    yield b'],"totals":' + _encoder.encode(totals) + b"}"


def _summed_items(file: RawFile, page: Sequence[Row]) -> bytes:
    for row in page:
        file.totals.add(row)
    return _encoder.encode([_as_json(row) for row in page])[1:-1]


async def _pages(file: RawFile, first: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    """Yield the first page and those that follow."""
    page = first
    while page:
        yield page
        page = await _next(file)


async def _next(file: RawFile) -> Sequence[Row]:
    """Return the next page; an empty one behind the last."""
    async for page in file.pages:
        return page
    return ()


def _as_json(row: Row) -> dict[str, object]:
    return {name: _json_value(cell) for name, cell in row.items()}


def _json_value(cell: Cell) -> object:
    return cell._asdict() if isinstance(cell, Money) else cell
