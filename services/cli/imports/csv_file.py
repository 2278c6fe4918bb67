"""A CSV file: its header against the known columns, then its rows, each with its line.

Promise: rows are read one at a time, so a large file takes no memory. The separator is the one that
the header has most of: comma, semicolon or tab. Values are trimmed, and empty ones are left out.
What can go wrong: `ConfigurationError` for a file that cannot be read and for a header that lacks a
column or has an unknown one; it names what is known. A row that cannot be read is a `BadRow`.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from shared.errors import ConfigurationError

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

    `skip_unknown`: columns that are not known are left out. `titles`: what an export calls its
    columns, in the form of `plain_title`, each with the known column, or None for one that is left
    out. A column that is named is not looked for among them.
    """

    named: Mapping[str, str]
    skip_unknown: bool = False
    titles: Mapping[str, str | None] = field(default_factory=dict)


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


class CsvFile:
    """A file whose header is right; it can be read several times."""

    def __init__(self, path: Path, columns: Columns, asked: Asked) -> None:
        """Read the header. Raises `ConfigurationError`."""
        self._path = path
        with _opened(path) as file:
            first = _first_line(file, path)
        self._separator = max(_SEPARATORS, key=first.count)
        with _opened(path) as file:
            header = next(csv.reader(file, delimiter=self._separator))
        self._names = _named(path, header, columns, asked)

    def rows(self) -> Iterator[Row | BadRow]:
        """Read all rows in order; empty lines are no rows."""
        with _opened(self._path) as file:
            reader = csv.reader(file, delimiter=self._separator)
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
                except UnicodeDecodeError as error:
                    raise _not_utf_8(self._path) from error
                if any(field.strip() for field in fields):
                    yield self._row(line, fields)

    def _row(self, line: int, fields: Sequence[str]) -> Row | BadRow:
        if len(fields) != len(self._names):
            told = f"has {len(fields)} fields, and the header has {len(self._names)}"
            return BadRow(line, (("row", told),))
        pairs = zip(self._names, fields, strict=True)
        values = {name: field.strip() for name, field in pairs if name and field.strip()}
        return Row(line, values)


def _opened(path: Path) -> TextIO:
    """Open a text file in UTF-8, with or without a byte order mark."""
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _first_line(file: TextIO, path: Path) -> str:
    try:
        first = file.readline()
    except UnicodeDecodeError as error:
        raise _not_utf_8(path) from error
    if not first.strip():
        raise ConfigurationError(f"{path} has no header: its first line names the columns")
    return first


def _not_utf_8(path: Path) -> ConfigurationError:
    return ConfigurationError(f"{path} is not in UTF-8: save it again in this encoding")


def _named(
    path: Path, header: Sequence[str], columns: Columns, asked: Asked
) -> tuple[str | None, ...]:
    """Return the known column of each column of the file; None for one that is left out."""
    _check_named(path, header, columns, asked)
    of_header = {plain_title(header): known for known, header in asked.named.items()}
    names: list[str | None] = []
    for title in header:
        plain = plain_title(title)
        known = asked.titles.get(plain, plain if plain in columns.known else None)
        names.append(of_header.get(plain, None if known in asked.named else known))
    counts = Counter(name for name in names if name)
    twice = sorted(name for name, count in counts.items() if count > 1)
    unknown = [
        title.strip() or "(no name)"
        for title, name in zip(header, names, strict=True)
        if not name and plain_title(title) not in asked.titles
    ]
    wrong = []
    if twice:
        wrong.append(f"the columns {', '.join(twice)} more than once")
    if unknown and not asked.skip_unknown:
        wrong.append(f"columns that are not known ({', '.join(unknown)})")
    missing = [name for name in columns.needed if name not in counts]
    if missing:
        wrong.append(f"no column {', '.join(missing)}")
    if columns.one_of and not counts.keys() & set(columns.one_of):
        wrong.append(f"none of the columns {', '.join(columns.one_of)}")
    if wrong:
        raise ConfigurationError(f"{path} has {' and '.join(wrong)}. {_what_to_do(columns)}")
    return tuple(names)


def _check_named(path: Path, header: Sequence[str], columns: Columns, asked: Asked) -> None:
    titles = {plain_title(title) for title in header}
    for known, title in asked.named.items():
        if known not in columns.known:
            raise ConfigurationError(f"--column: {known!r} is none of {', '.join(columns.known)}")
        if plain_title(title) not in titles:
            raise ConfigurationError(f"--column {known}: {path} has no column {title!r}")


def _what_to_do(columns: Columns) -> str:
    return (
        f"Known are {', '.join(columns.known)}. Name a column of the file with"
        f' --column {columns.needed[0]}="its title", and leave out the rest with --skip-unknown'
    )


def plain_title(title: str) -> str:
    """Return a title as columns are compared: `Order ID` is `order_id`."""
    return "_".join(title.replace("-", " ").replace("_", " ").casefold().split())
