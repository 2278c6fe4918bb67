"""The file of an import: its header against the known columns, and its rows.

Promise: the columns are data; a title that is not known is named, and asked for.
What can go wrong: a 422 for a file or a column that cannot be read; it names the column.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.roi.domain.imports.csv_table import (
    Asked,
    BadRow,
    Columns,
    Header,
    Row,
    plain_title,
    read_header,
    separator_of,
    table_rows,
)
from services.roi.wire.import_shapes import (
    COLUMNS_MAX,
    ROWS_MAX,
    TITLE_CHARACTERS_MAX,
    ImportBody,
)
from shared.http.problems import FieldError, Problem, field_problem

# Characters of too long a title that its refusal shows.
_TITLE_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file whose header was read, with its rows."""

    columns: Columns
    header: Header
    rows: Sequence[Row | BadRow]

    def ask_for_unknown(self) -> None:
        """Raise the 422 that names the columns that are not known, if there are any."""
        if not self.header.unknown:
            return
        known = ", ".join(self.columns.known)
        message = f"is not known: it is one of {known}, or null to leave it out"
        errors = [FieldError(f"columns.{title}", message) for title in self.header.unknown]
        detail = f"columns that are not known: {', '.join(self.header.unknown)}"
        raise Problem(422, None, detail, errors)


def read_file(body: ImportBody, columns: Columns, titles: Mapping[str, str | None]) -> ImportFile:
    """Return the header and rows of a file; 422 for a header that lacks a column."""
    text = body.file.removeprefix("\ufeff")
    lines = io.StringIO(text, newline="")
    first = lines.readline()
    if not first.strip():
        raise field_problem("file", "has no header: its first line names the columns")
    separator = separator_of(first)
    lines.seek(0)
    try:
        named = next(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        raise field_problem("file", f"has a header that cannot be read: {error}") from None
    _check_titles(named)
    header = read_header(named, columns, _asked(body, columns, titles, named))
    if header.wrong:
        known = ", ".join(columns.known)
        raise field_problem("file", f"has {' and '.join(header.wrong)}. Known are {known}")
    lines.seek(0)
    rows: list[Row | BadRow] = []
    for row in table_rows(lines, separator, header.names):
        if len(rows) == ROWS_MAX:
            raise field_problem("file", f"has more than {ROWS_MAX} rows: divide it")
        rows.append(row)
    return ImportFile(columns, header, rows)


def _check_titles(titles: Sequence[str]) -> None:
    """Raise the 422 for a header with too many columns, or too long a title."""
    if len(titles) > COLUMNS_MAX:
        raise field_problem("file", f"has {len(titles)} columns, more than {COLUMNS_MAX}")
    for title in titles:
        if len(title) > TITLE_CHARACTERS_MAX:
            begins = title.strip()[:_TITLE_SHOWN]
            message = f"has a title of more than {TITLE_CHARACTERS_MAX} characters: {begins!r}…"
            raise field_problem("file", message)


def _asked(
    body: ImportBody,
    columns: Columns,
    titles: Mapping[str, str | None],
    of_file: Sequence[str],
) -> Asked:
    """Return how the header is read; 422 for a map that names what is not there."""
    there = {plain_title(title) for title in of_file}
    named: dict[str, str] = {}
    for title, column in body.columns.items():
        place = f"columns.{title}"
        if plain_title(title) not in there:
            raise field_problem(place, "the file has no such column")
        if column is not None and column not in columns.known:
            raise field_problem(place, f"{column!r} is none of {', '.join(columns.known)}")
        if column is not None and column in named:
            raise field_problem(place, f"{column} is also {named[column]!r}")
        if column is not None:
            named[column] = title
    left = {plain_title(title): None for title, column in body.columns.items() if column is None}
    return Asked(named, body.skip_unknown, {**titles, **left})
