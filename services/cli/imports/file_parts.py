"""A CSV file for `POST /v1/imports/…`: its text, in as many parts as the call needs.

Promise: a file that one call can hold is sent as it is. A longer one is divided after whole rows;
each part has the header. A line of a part is known as its line in the file.
What can go wrong: `ConfigurationError` for a file that cannot be read. `check_equal_rows` raises it
for equal rows in two parts: the service could not tell that they are two objects.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.cli.imports.csv_file import not_utf_8, opened
from services.roi.domain.imports.csv_table import separator_of
from services.roi.wire.import_shapes import ROWS_MAX
from shared.errors import ConfigurationError
from shared.http.middleware import BODY_BYTES_MAX

# The rest of a body is for the map of the columns.
PART_BYTES_MAX: Final = BODY_BYTES_MAX * 3 // 4

_Fields = Sequence[str]


@dataclass(frozen=True, slots=True)
class Part:
    """The text of one call, its number of rows, and the lines of the file by its own lines."""

    text: str
    rows: int
    lines: dict[int, int] = field(default_factory=dict)

    def line(self, own: int) -> int:
        """Return the line in the file of a line of this part."""
        return self.lines.get(own, own)


def parts_of(path: Path) -> list[Part]:
    """Return the parts of a file, in order. Raises `ConfigurationError`."""
    try:
        with opened(path) as file:
            text = file.read()
    except UnicodeDecodeError as error:
        raise not_utf_8(path) from error
    rows = list(_rows(path, text))
    if len(rows) <= ROWS_MAX + 1 and _weight(text) <= PART_BYTES_MAX:
        return [Part(text, max(len(rows) - 1, 0))]
    return list(_divided(rows))


def _rows(path: Path, text: str) -> Iterator[tuple[int, _Fields]]:
    """Yield the first line and the cells of each row, the header included."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator_of(text.partition("\n")[0]))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ConfigurationError(f"{path}, line {line}, cannot be read: {error}") from error
        if line == 1 or any(cell.strip() for cell in cells):
            yield line, cells


def _divided(rows: Sequence[tuple[int, _Fields]]) -> Iterator[Part]:
    head = _written(rows[0][1])
    texts: list[str] = []
    lines: dict[int, int] = {}
    weight, own = _weight(head), 1 + head.count("\n")
    for line, cells in rows[1:]:
        text = _written(cells)
        if lines and (len(lines) == ROWS_MAX or weight + _weight(text) > PART_BYTES_MAX):
            yield Part(head + "".join(texts), len(lines), lines)
            texts, lines = [], {}
            weight, own = _weight(head), 1 + head.count("\n")
        lines[own] = line
        texts.append(text)
        weight += _weight(text)
        own += text.count("\n")
    yield Part(head + "".join(texts), len(lines), lines)


def check_equal_rows(path: Path, parts: Sequence[Part]) -> None:
    """Raise `ConfigurationError` for a row that two parts have."""
    seen: dict[tuple[str, ...], tuple[int, int]] = {}
    for number, part in enumerate(parts):
        for own, cells in list(_rows(path, part.text))[1:]:
            place = (number, part.line(own))
            first = seen.setdefault(tuple(cell.strip() for cell in cells), place)
            if first[0] != number:
                raise ConfigurationError(
                    f"{path} is too long for one import, and lines {first[1]} and {place[1]} are"
                    " equal: give the rows a column external_id"
                )


def _written(cells: _Fields) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _weight(text: str) -> int:
    """Return the bytes that a text has in a body, at most."""
    return len(json.dumps(text))
