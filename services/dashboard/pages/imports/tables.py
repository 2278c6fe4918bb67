"""The tables of imports: what a file changes, what is wrong with it, and earlier files. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.dashboard.layout.frame import Frame
from services.dashboard.pages.imports.kinds import FILE_KINDS
from services.dashboard.tables.table import Cell, Column, Row, Table
from services.dashboard.tables.texts import moment_text

Json = Mapping[str, Any]
_CHANGES: Final = {"created": "new", "changed": "changed"}
_LINE: Final = Column("line", "Line", "number")
_ROW: Final = Column("row", "Row")


def changes_table(answer: Json, rows: Mapping[int, str]) -> Table:
    """Return what the rows of a file would change."""
    columns = (_LINE, Column("change", "It is"), Column("fields", "What changes"), _ROW)
    found = [
        Row(
            (
                Cell(str(one["line"]), one["line"]),
                Cell(_CHANGES[one["change"]], one["change"]),
                Cell(", ".join(one["fields"]) or "all", ", ".join(one["fields"])),
                Cell(rows.get(one["line"], "")),
            )
        )
        for one in answer["changes"]
    ]
    return Table("changes", "What the file would change", columns, found)


def rejected_table(answer: Json, rows: Mapping[int, str]) -> Table:
    """Return what is wrong with rows that cannot be taken."""
    columns = (_LINE, Column("column", "Column"), Column("message", "What is wrong"), _ROW)
    found = [
        Row(
            (
                Cell(str(one["line"]), one["line"]),
                Cell(one["column"], one["column"]),
                Cell(one["message"], one["message"]),
                Cell(rows.get(one["line"], "")),
            )
        )
        for one in answer["rejected"]
    ]
    return Table("rejected", "Rows that cannot be taken", columns, found)


def imports_table(frame: Frame, items: Sequence[Json]) -> Table:
    """Return the imports, the newest first."""
    columns = (
        Column("created_at", "Imported", "date"),
        Column("what", "What"),
        Column("rows", "Rows", "number"),
        Column("created", "New", "number"),
        Column("changed", "Changed", "number"),
        Column("unchanged", "Known before", "number"),
        Column("rejected_rows", "Not taken", "number"),
        Column("state", "State"),
    )
    counts = ("rows", "created", "changed", "unchanged", "rejected_rows")
    zone = frame.workspace.time_zone
    rows = [
        Row(
            (
                Cell(moment_text(one["created_at"], zone), one["created_at"]),
                Cell(label_of(one), one["what"]),
                *(Cell(str(one[name]), one[name]) for name in counts),
                Cell(_state(one), "counts" if one["deleted_at"] is None else "undone"),
            )
        )
        for one in items
    ]
    return Table("imports", "Imported files", columns, rows)


def label_of(one: Json) -> str:
    """Return the name of what was imported; a kind of a later release has its own."""
    kind = FILE_KINDS.get(one["what"])
    return one["what"] if kind is None else kind.label


def _state(one: Json) -> str:
    return "counts" if one["deleted_at"] is None else f"undone: {undone_text(one)}"


def counts_text(one: Json) -> str:
    """Return what became of the rows of a file, such as `3 new, 1 changed, 2 not taken`."""
    words = (
        ("created", "new"),
        ("changed", "changed"),
        ("unchanged", "known before"),
        ("rejected_rows", "not taken"),
    )
    return ", ".join(f"{one[name]} {word}" for name, word in words if one[name]) or "no row"


def undone_text(one: Json) -> str:
    """Return what the undo of an import did."""
    undo = one["undo"] or {"withdrawn": 0, "restored": 0, "left_objects": 0}
    words = (
        ("withdrawn", "taken back"),
        ("restored", "restored"),
        ("left_objects", "left, because changed since"),
    )
    return ", ".join(f"{undo[name]} {word}" for name, word in words if undo[name]) or "no object"
