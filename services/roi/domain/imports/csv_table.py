"""A CSV table: its header against the known columns, then its rows, each with its line. Pure.

Promise: rows are read one at a time. The separator is the one that the header has most of: comma,
semicolon or tab. Values are trimmed, and empty ones are left out: an empty cell is missing.
What can go wrong: a `Header` says what is wrong with it. A row that cannot be read is a `BadRow`.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_SEPARATORS: Final = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a kind of import: all of `needed`, one of `one_of`, and `optional` ones."""

    needed: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.needed, *self.one_of, *self.optional)


@dataclass(frozen=True, slots=True)
class Asked:
    """How the header is read: `named` maps a known column to the header that the file has for it.

    `skip_unknown`: columns that are not known are left out. `titles`: what a file calls its
    columns, in the form of `plain_title`, each with the known column, or None for one that is left
    out. A column that is named is not looked for among them.
    """

    named: Mapping[str, str]
    skip_unknown: bool = False
    titles: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """The known column of each column of a file; None for one that is left out.

    `unknown` are the titles that are neither known nor left out. `wrong` are the other flaws, as
    parts of a sentence.
    """

    names: tuple[str | None, ...]
    titles: tuple[str, ...]
    unknown: tuple[str, ...]
    wrong: tuple[str, ...]

    def title_of(self, column: str) -> str:
        """Return the title that the file has for a column; the column where it has none."""
        pairs = zip(self.names, self.titles, strict=True)
        return next((title.strip() for name, title in pairs if name == column), column)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its first line in the file, and its values by column."""

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be taken: its first line, and what is wrong by column."""

    line: int
    flaws: tuple[tuple[str, str], ...]


def plain_title(title: str) -> str:
    """Return a title as columns are compared: `Order ID` is `order_id`."""
    return "_".join(title.replace("-", " ").replace("_", " ").casefold().split())


def separator_of(first_line: str) -> str:
    """Return the separator that a header has most of."""
    return max(_SEPARATORS, key=first_line.count)


def read_header(titles: Sequence[str], columns: Columns, asked: Asked) -> Header:
    """Return the known column of each title, and what is wrong with the header."""
    of_header = {plain_title(header): known for known, header in asked.named.items()}
    names: list[str | None] = []
    for title in titles:
        plain = plain_title(title)
        known = asked.titles.get(plain, plain if plain in columns.known else None)
        names.append(of_header.get(plain, None if known in asked.named else known))
    unknown = tuple(
        title.strip() or "(no name)"
        for title, name in zip(titles, names, strict=True)
        if not name and plain_title(title) not in asked.titles
    )
    left = () if asked.skip_unknown else unknown
    return Header(tuple(names), tuple(titles), left, tuple(_wrong(names, columns)))


def _wrong(names: Sequence[str | None], columns: Columns) -> Iterator[str]:
    counts = Counter(name for name in names if name)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        yield f"the columns {', '.join(twice)} more than once"
    missing = [name for name in columns.needed if name not in counts]
    if missing:
        yield f"no column {', '.join(missing)}"
    if columns.one_of and not counts.keys() & set(columns.one_of):
        yield f"none of the columns {', '.join(columns.one_of)}"


def table_rows(
    lines: Iterable[str], separator: str, names: Sequence[str | None]
) -> Iterator[Row | BadRow]:
    """Read all rows after the header in order; empty lines are no rows."""
    reader = csv.reader(lines, delimiter=separator)
    next(reader)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line, (("row", str(error)),))
            continue
        if any(cell.strip() for cell in fields):
            yield _row(line, fields, names)


def _row(line: int, fields: Sequence[str], names: Sequence[str | None]) -> Row | BadRow:
    if len(fields) != len(names):
        told = f"has {len(fields)} fields, and the header has {len(names)}"
        return BadRow(line, (("row", told),))
    pairs = zip(names, fields, strict=True)
    return Row(line, {name: cell.strip() for name, cell in pairs if name and cell.strip()})
