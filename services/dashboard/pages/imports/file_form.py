"""The form of an import: the text of the file, and what its columns are. Pure.

Promise: the file travels in the form, so nothing is kept between the steps. Line ends are those of
Unix, as every step sees the same text.
What can go wrong: `FileRefused`, with what to do.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.dashboard.client.api import Failed

# A body of roi has at most 262,144 bytes; the rest is for the map of the columns.
FILE_BYTES_MAX: Final = 196_608
FILE: Final = "file"
TEXT: Final = "text"
# The value of a column that is left out; an empty one is not decided yet.
LEFT_OUT: Final = "-"
_TITLE: Final = "title."
_COLUMN: Final = "column."
# How the API names a title that is empty.
NO_NAME: Final = "(no name)"
_SEPARATORS: Final = (",", ";", "\t")
_ROW_CHARACTERS_MAX: Final = 120


class FileRefused(ValueError):
    """A file that cannot be sent; the message says what to do."""


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file as text, with what was chosen for its columns by their titles."""

    text: str
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: Mapping[str, str], sent: bytes | None) -> "GivenFile":
        """Return the file of a form: the chosen one, else the text. Raises `FileRefused`."""
        text = fields.get(TEXT, "") if sent is None else _decoded(sent)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            raise FileRefused("Choose a CSV file.")
        if len(json.dumps(text, ensure_ascii=False).encode()) > FILE_BYTES_MAX:
            raise FileRefused(f"The file is larger than {FILE_BYTES_MAX} bytes: divide it.")
        titles = {
            name.removeprefix(_TITLE): value
            for name, value in fields.items()
            if name.startswith(_TITLE)
        }
        return cls(text, {title: fields.get(_COLUMN + n, "") for n, title in titles.items()})

    @property
    def body(self) -> dict[str, Any]:
        """The body of the call: columns that are not decided yet are left to the API."""
        decided = {title: column for title, column in self.columns.items() if column}
        return {
            "file": self.text,
            "columns": {
                title: None if column == LEFT_OUT else column for title, column in decided.items()
            },
        }

    @property
    def titles(self) -> Sequence[str]:
        """The titles of the file; none where they cannot be read."""
        cells = self._cells()
        return [title.strip() for title in next(iter(cells.values()), ())]

    def rows(self) -> Mapping[int, str]:
        """Return what the cells of each row say, by the first line of the row."""
        return {
            line: " · ".join(filter(None, map(str.strip, cells)))[:_ROW_CHARACTERS_MAX]
            for line, cells in self._cells().items()
        }

    def _cells(self) -> Mapping[int, Sequence[str]]:
        first = self.text.partition("\n")[0]
        separator = max(_SEPARATORS, key=first.count)
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=separator)
        found: dict[int, Sequence[str]] = {}
        line = 1
        try:
            for cells in reader:
                found[line] = cells
                line = reader.line_num + 1
        except csv.Error:
            return found
        return found


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about one column of the file."""

    number: int
    title: str
    label: str
    chosen: str
    error: str | None


def asks_of(file: GivenFile, unknown: Sequence[str], failed: Failed | None) -> Sequence[Ask]:
    """Return the questions: for columns that nobody knows, and those that were answered before.

    Where the API refuses the header, it is for every column, because one of them is missing.
    """
    errors = {} if failed is None else failed.fields
    wanted = [*file.columns, *("" if title == NO_NAME else title for title in unknown)]
    wanted += [name.removeprefix("columns.") for name in errors if name.startswith("columns.")]
    if FILE in errors:
        wanted += file.titles
    return [
        Ask(
            number,
            title,
            title or NO_NAME,
            file.columns.get(title, ""),
            errors.get(f"columns.{title}"),
        )
        for number, title in enumerate(dict.fromkeys(wanted))
    ]


def _decoded(sent: bytes) -> str:
    try:
        return sent.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused("The file is not UTF-8 text: save it as “CSV UTF-8”.") from None
