"""A CSV file on the disk: its header against the known columns, then its rows.

Promise: rows are read one at a time, so a large file takes no memory.
What can go wrong: `ConfigurationError` for a file that cannot be read and for a header that lacks a
column or has an unknown one; it names what is known. A row that cannot be read is a `BadRow`.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from services.roi.domain.imports.csv_table import (
    Asked,
    BadRow,
    Columns,
    Row,
    plain_title,
    read_header,
    separator_of,
    table_rows,
)
from shared.errors import ConfigurationError


class CsvFile:
    """A file whose header is right; it can be read several times."""

    def __init__(self, path: Path, columns: Columns, asked: Asked) -> None:
        """Read the header. Raises `ConfigurationError`."""
        self._path = path
        with opened(path) as file:
            first = _first_line(file, path)
        self._separator = separator_of(first)
        with opened(path) as file:
            titles = next(csv.reader(file, delimiter=self._separator))
        self._names = _named(path, titles, columns, asked)

    def rows(self) -> Iterator[Row | BadRow]:
        """Read all rows in order; empty lines are no rows."""
        with opened(self._path) as file:
            try:
                yield from table_rows(file, self._separator, self._names)
            except UnicodeDecodeError as error:
                raise not_utf_8(self._path) from error


def opened(path: Path) -> TextIO:
    """Open a text file in UTF-8, with or without a byte order mark."""
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def not_utf_8(path: Path) -> ConfigurationError:
    """Return the failure of a file in another encoding."""
    return ConfigurationError(f"{path} is not in UTF-8: save it again in this encoding")


def _first_line(file: TextIO, path: Path) -> str:
    try:
        first = file.readline()
    except UnicodeDecodeError as error:
        raise not_utf_8(path) from error
    if not first.strip():
        raise ConfigurationError(f"{path} has no header: its first line names the columns")
    return first


def _named(
    path: Path, titles: Sequence[str], columns: Columns, asked: Asked
) -> tuple[str | None, ...]:
    """Return the known column of each column of the file; None for one that is left out."""
    _check_named(path, titles, columns, asked)
    header = read_header(titles, columns, asked)
    unknown = [f"columns that are not known ({', '.join(header.unknown)})"]
    wrong = [*(unknown if header.unknown else ()), *header.wrong]
    if wrong:
        raise ConfigurationError(f"{path} has {' and '.join(wrong)}. {_what_to_do(columns)}")
    return header.names


def _check_named(path: Path, titles: Sequence[str], columns: Columns, asked: Asked) -> None:
    plain = {plain_title(title) for title in titles}
    for known, title in asked.named.items():
        if known not in columns.known:
            raise ConfigurationError(f"--column: {known!r} is none of {', '.join(columns.known)}")
        if plain_title(title) not in plain:
            raise ConfigurationError(f"--column {known}: {path} has no column {title!r}")


def _what_to_do(columns: Columns) -> str:
    return (
        f"Known are {', '.join(columns.known)}. Name a column of the file with"
        f' --column {columns.needed[0]}="its title", and leave out the rest with --skip-unknown'
    )
