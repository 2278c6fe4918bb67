"""/v1/imports: files of costs, creators, placements and links, and the undo of each as a whole.

Promise: an import is one transaction under the lock of the workspace. A row that is refused is
named by line and column, and changes nothing. The same file again changes nothing. A dry run is the
same transaction, rolled back.
What can go wrong: 422 for a file or a column that cannot be read; it names the column.
"""

import csv
import io
from dataclasses import dataclass
from typing import Annotated, Any, Final, NoReturn

from fastapi import Depends, Path, Query, Request
from pydantic import BeforeValidator
from starlette.responses import Response

from services.roi.domain.entity import Entity, Version
from services.roi.domain.imports.csv_table import (
    Asked,
    BadRow,
    Header,
    Row,
    plain_title,
    read_header,
    separator_of,
    table_rows,
)
from services.roi.domain.imports.import_kinds import IMPORT_KINDS, ImportKind, ImportName
from services.roi.routes.catalog_calls import (
    CatalogListParameters,
    IdempotencyKey,
    answered,
    listed,
    writing,
    written_once,
)
from services.roi.routes.import_run import ImportRun
from services.roi.routes.import_undo import undo_import
from services.roi.routes.parts import parts_of, require
from services.roi.routes.resource import Work, path_id
from services.roi.wire.import_shapes import (
    COLUMNS_MAX,
    ROWS_MAX,
    TITLE_CHARACTERS_MAX,
    ImportAnswer,
    ImportBody,
    ImportParameters,
    StoredImport,
)
from shared.api.openapi import example_body, example_id, problems
from shared.api.shapes import Page
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import FieldError, Problem, field_problem
from shared.ids import new_id

router = Router(prefix="/v1/imports", tags=["imports"], responses=problems(429))

# Characters of too long a title that its refusal shows.
_TITLE_SHOWN: Final = 40
_EXAMPLE: Final = {
    "file": (
        "Invoice,Type,Date,Amount,Currency,Comment\n2026-17,fee,2026-03-01,20.00,EUR,two stories\n"
    ),
    "columns": {"Comment": "note"},
}


def _imported(value: object) -> object:
    if value == "social":
        raise ValueError("counts are events: send them to POST /v1/social")
    return value


What = Annotated[
    ImportName,
    BeforeValidator(_imported),
    Path(description="What the rows of the file are.", examples=["costs"]),
]
ImportId = Annotated[
    str, Path(description="The id of the import.", examples=[example_id("import")])
]


class _Unwanted(Exception):
    """Rolls back the transaction of a dry run."""

    def __init__(self, answer: ImportAnswer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class _File:
    """A file whose header was read, with its rows."""

    header: Header
    rows: list[Row | BadRow]


@router.post(
    "/{what}",
    status_code=201,
    response_model=ImportAnswer,
    responses={**problems(409), 200: {"model": ImportAnswer, "description": "A dry run"}},
    openapi_extra=example_body(_EXAMPLE),
)
async def import_file(
    request: Request,
    caller: Annotated[Principal, Depends(require("write"))],
    what: What,
    asked: Annotated[ImportParameters, Query()],
    body: ImportBody,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Import a CSV file: each row makes an object or corrects the one that it names.

    A row without external id is known by its name (creators), address (placements), code (links) or
    else by its content. Empty cells change nothing.
    """
    kind = IMPORT_KINDS[what]
    file = _read_file(body, kind)
    if not asked.dry_run:
        if file.header.unknown:
            _ask_for(file.header.unknown, kind)
        return await written_once(
            request, caller, idempotency_key, lambda work: _imported_file(work, kind, file)
        )
    try:
        async with writing(parts_of(request), caller.workspace_id) as work:
            raise _Unwanted(await _imported_file(work, kind, file))
    except _Unwanted as done:
        return answered(_of_dry_run(done.answer, file.header))


@router.get("", response_model=Page[StoredImport])
async def list_imports(
    request: Request,
    caller: Annotated[Principal, Depends(require("read"))],
    page: Annotated[CatalogListParameters, Query()],
) -> Response:
    """List imports; one that was undone is archived."""
    return await listed(parts_of(request), caller, "import", page, _shown)


@router.delete("/{import_id}", response_model=StoredImport)
async def undo(
    request: Request, caller: Annotated[Principal, Depends(require("write"))], import_id: ImportId
) -> Response:
    """Undo an import as a whole: archive what it made, restore what it changed.

    An object that was changed since is left as it is and listed.
    """
    wanted = path_id("import", import_id)
    async with writing(parts_of(request), caller.workspace_id) as work:
        undone = await undo_import(work, wanted)
    return answered(_shown(undone))


async def _imported_file(work: Work, kind: ImportKind, file: _File) -> ImportAnswer:
    """Import a file in the transaction of `work`."""
    run = ImportRun(work, kind, file.header)
    await run.take(file.rows)
    facts = {"what": kind.what, **run.outcome.counts}
    entity = await run.writer.create("import", new_id(), (Version(facts),))
    run.writer.keep()
    await run.writer.flush()
    return ImportAnswer(
        id=entity.id,
        created_at=entity.created_at,
        rejected=run.outcome.rejected,
        changes=run.outcome.changes,
        unknown_columns=[],
        **facts,
    )


def _of_dry_run(answer: ImportAnswer, header: Header) -> ImportAnswer:
    """Return the answer without the ids of what was not made."""
    changes = [
        one.model_copy(update={"id": None}) if one.change == "created" else one
        for one in answer.changes
    ]
    told = {"changes": changes, "unknown_columns": list(header.unknown)}
    return answer.model_copy(update={"id": None, "created_at": None, **told})


def _shown(entity: Entity) -> StoredImport:
    """Return the answer that shows an import."""
    facts: dict[str, Any] = {"undo": None, **entity.latest.facts}
    return StoredImport(
        id=entity.id, created_at=entity.created_at, deleted_at=entity.archived_at, **facts
    )


def _read_file(body: ImportBody, kind: ImportKind) -> _File:
    """Return the header and rows of a file; 422 for a header that lacks a column."""
    text = body.file.removeprefix("\ufeff")
    lines = io.StringIO(text, newline="")
    first = lines.readline()
    if not first.strip():
        raise field_problem("file", "has no header: its first line names the columns")
    separator = separator_of(first)
    lines.seek(0)
    try:
        titles = next(csv.reader(lines, delimiter=separator))
    except csv.Error as error:
        raise field_problem("file", f"has a header that cannot be read: {error}") from None
    _check_titles(titles)
    header = read_header(titles, kind.table, _asked(body, kind, titles))
    if header.wrong:
        known = ", ".join(kind.columns)
        raise field_problem("file", f"has {' and '.join(header.wrong)}. Known are {known}")
    lines.seek(0)
    rows: list[Row | BadRow] = []
    for row in table_rows(lines, separator, header.names):
        if len(rows) == ROWS_MAX:
            raise field_problem("file", f"has more than {ROWS_MAX} rows: divide it")
        rows.append(row)
    return _File(header, rows)


def _check_titles(titles: list[str]) -> None:
    """Raise the 422 for a header with too many columns, or too long a title."""
    if len(titles) > COLUMNS_MAX:
        raise field_problem("file", f"has {len(titles)} columns, more than {COLUMNS_MAX}")
    for title in titles:
        if len(title) > TITLE_CHARACTERS_MAX:
            begins = title.strip()[:_TITLE_SHOWN]
            message = f"has a title of more than {TITLE_CHARACTERS_MAX} characters: {begins!r}…"
            raise field_problem("file", message)


def _asked(body: ImportBody, kind: ImportKind, titles: list[str]) -> Asked:
    """Return how the header is read; 422 for a map that names what is not there."""
    there = {plain_title(title) for title in titles}
    named: dict[str, str] = {}
    for title, column in body.columns.items():
        place = f"columns.{title}"
        if plain_title(title) not in there:
            raise field_problem(place, "the file has no such column")
        if column is not None and column not in kind.columns:
            raise field_problem(place, f"{column!r} is none of {', '.join(kind.columns)}")
        if column is not None and column in named:
            raise field_problem(place, f"{column} is also {named[column]!r}")
        if column is not None:
            named[column] = title
    left = {plain_title(title): None for title, column in body.columns.items() if column is None}
    return Asked(named, body.skip_unknown, {**kind.titles, **left})


def _ask_for(unknown: tuple[str, ...], kind: ImportKind) -> NoReturn:
    """Raise the 422 that names the columns that are not known."""
    message = f"is not known: it is one of {', '.join(kind.columns)}, or null to leave it out"
    errors = [FieldError(f"columns.{title}", message) for title in unknown]
    detail = f"columns that are not known: {', '.join(unknown)}"
    raise Problem(422, None, detail, errors)
