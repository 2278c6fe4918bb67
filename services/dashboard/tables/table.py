"""The table of a panel: the one set of rows that its figures, chart, HTML and CSV are made of.

Promise: a cell has its text as shown and the exact value behind it. CSV holds the values, so a
file never differs from the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from shared.api.csv_text import Cell as CsvCell
from shared.api.csv_text import csv_bytes

Kind = Literal["text", "number", "date"]
RowKind = Literal["row", "total", "unallocated", "organic"]
Value = int | Decimal | str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    `value` sorts and goes to CSV; money is a Decimal in major units. `href` is where a row or a
    name leads; `why` leads to how a figure came about. `note` is a small text under the figure.
    `bar` is the length of a bar behind the figure, from 0 to 1.
    """

    text: str
    value: Value = None
    href: str | None = None
    why: str | None = None
    note: str | None = None
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `unit` (a currency, `%`, `days`) stands behind the title in CSV."""

    id: str
    label: str
    kind: Kind = "text"
    help: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: as many cells as the table has columns."""

    cells: Sequence[Cell]
    kind: RowKind = "row"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; `totals` are the rows of its foot."""

    id: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    totals: Sequence[Row] = ()

    def __post_init__(self) -> None:
        for row in (*self.rows, *self.totals):
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"{self.id}: {len(row.cells)} cells in {len(self.columns)} columns"
                )

    def csv(self) -> bytes:
        """Return header, rows and totals as CSV; the first column says what a line is."""
        return csv_bytes(self._lines())

    def _lines(self) -> Iterator[Sequence[CsvCell]]:
        yield ["line", *(_title(column) for column in self.columns)]
        for row in (*self.rows, *self.totals):
            yield [row.kind, *(_csv_cell(cell) for cell in row.cells)]


def _title(column: Column) -> str:
    return column.id if column.unit is None else f"{column.id} ({column.unit})"


def _csv_cell(cell: Cell) -> CsvCell:
    return cell.value
