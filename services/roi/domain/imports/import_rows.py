"""A row of an import as the body of the API has it, and the key of a row without one. Pure.

Promise: what is wrong with a row is told at once, by column. The key follows from the cells and not
from the line, so a row keeps its key when others are added or corrected.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.roi.domain.entity import EntityKind
from services.roi.domain.imports.cells import CellRefused
from services.roi.domain.imports.csv_table import BadRow, Row
from services.roi.domain.imports.import_kinds import EXTERNAL_ID, ImportKind

_KEY_CHARACTERS: Final = 32


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row: its fields, the names of objects by field, its external id, the key of its content."""

    line: int
    values: Mapping[str, Any]
    references: Mapping[str, tuple[EntityKind, str]]
    external_id: str | None
    content_key: str


def read_rows(
    kind: ImportKind, rows: Iterable[Row | BadRow], zone: ZoneInfo
) -> Iterator[ImportRow | BadRow]:
    """Read the rows of a table in order."""
    seen: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        content = json.dumps([kind.what, sorted(row.values.items())])
        seen[content] += 1
        yield _read(kind, row, zone, _key(content, seen[content]))


def _read(kind: ImportKind, row: Row, zone: ZoneInfo, content_key: str) -> ImportRow | BadRow:
    flaws = [(name, "is empty") for name in kind.needed if name not in row.values]
    for name, other in kind.needs.items():
        if name in row.values and other not in row.values:
            flaws.append((other, f"is empty, and {name} needs it"))
    values: dict[str, Any] = {}
    references: dict[str, tuple[EntityKind, str]] = {}
    for name, text in row.values.items():
        column = kind.columns[name]
        if column.refers_to is not None:
            references[column.field] = (column.refers_to, text)
            continue
        try:
            values[column.field] = column.read(text, zone)
        except CellRefused as refused:
            flaws.append((name, str(refused)))
    if flaws:
        return BadRow(row.line, tuple(flaws))
    return ImportRow(row.line, values, references, values.pop(EXTERNAL_ID, None), content_key)


def _key(content: str, number: int) -> str:
    digest = hashlib.sha256(f"{number} {content}".encode()).hexdigest()
    return f"import:{digest[:_KEY_CHARACTERS]}"
