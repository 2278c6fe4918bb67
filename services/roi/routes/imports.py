"""/v1/imports: files of catalog objects and of social counts, and the undo of each as a whole.

Promise: an import is one transaction under the lock of the workspace. A row that is refused is
named by line and column, and changes nothing. The same file again changes nothing. A dry run is the
same transaction, rolled back.
What can go wrong: 422 for a file or a column that cannot be read; it names the column.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from services.roi.domain.entity import Entity, Version
from services.roi.domain.imports.csv_table import Header
from services.roi.domain.imports.import_kinds import IMPORT_KINDS, ImportKind, ImportName
from services.roi.domain.imports.social_titles import COLUMNS, EXPORTS
from services.roi.routes.catalog_calls import (
    CatalogListParameters,
    IdempotencyKey,
    answered,
    listed,
    writing,
    written_once,
)
from services.roi.routes.import_file import ImportFile, read_file
from services.roi.routes.import_run import ImportRun
from services.roi.routes.import_undo import undo_import
from services.roi.routes.parts import parts_of, require
from services.roi.routes.resource import Work, path_id
from services.roi.routes.social_import import import_social
from services.roi.wire.import_shapes import (
    ImportAnswer,
    ImportBody,
    ImportParameters,
    SocialImportAnswer,
    SocialImportParameters,
    StoredImport,
)
from shared.api.openapi import example_body, example_id, problems
from shared.api.shapes import Page
from shared.http.auth import Principal
from shared.http.body import Router
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
_SOCIAL_EXAMPLE: Final = {
    "file": (
        "placement,as_of,source,Plays,likes\nspring-reel,2026-03-02 09:00,Instagram,12500,830\n"
    ),
    "columns": {"Plays": "views"},
}


What = Annotated[ImportName, Path(description="What the rows of the file are.", examples=["costs"])]
ImportId = Annotated[
    str, Path(description="The id of the import.", examples=[example_id("import")])
]


class _Unwanted(Exception):
    """Rolls back the transaction of a dry run."""

    def __init__(self, answer: ImportAnswer) -> None:
        super().__init__()
        self.answer = answer


# Before the path with `{what}`, which has this one in it.
@router.post(
    "/social",
    status_code=201,
    response_model=SocialImportAnswer,
    responses={**problems(409), 200: {"model": SocialImportAnswer, "description": "A dry run"}},
    openapi_extra=example_body(_SOCIAL_EXAMPLE),
)
async def import_counts(
    request: Request,
    caller: Annotated[Principal, Depends(require("write"))],
    asked: Annotated[SocialImportParameters, Query()],
    body: ImportBody,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Import a CSV file of social counts: each row becomes a report for `POST /v1/social`.

    The answer has the reports; send them there. Undo the import, and none of them counts any more.
    """
    file = read_file(body, COLUMNS, EXPORTS[asked.export].titles)
    if asked.dry_run:
        return await _tried(request, caller, file, lambda work: import_social(work, asked, file))
    file.ask_for_unknown()
    return await written_once(
        request, caller, idempotency_key, lambda work: import_social(work, asked, file)
    )


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
    file = read_file(body, kind.table, kind.titles)
    if asked.dry_run:
        return await _tried(request, caller, file, lambda work: _imported_file(work, kind, file))
    file.ask_for_unknown()
    return await written_once(
        request, caller, idempotency_key, lambda work: _imported_file(work, kind, file)
    )


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

    An object that was changed since is left as it is and listed. Of an import of counts, no report
    counts any more, and what their sources told before for the same moments counts again.
    """
    wanted = path_id("import", import_id)
    async with writing(parts_of(request), caller.workspace_id) as work:
        undone = await undo_import(work, wanted)
    return answered(_shown(undone))


async def _tried(
    request: Request,
    caller: Principal,
    file: ImportFile,
    act: Callable[[Work], Awaitable[ImportAnswer]],
) -> Response:
    """Return the answer of a dry run: the import is rolled back."""
    try:
        async with writing(parts_of(request), caller.workspace_id) as work:
            raise _Unwanted(await act(work))
    except _Unwanted as done:
        return answered(_of_dry_run(done.answer, file.header))


async def _imported_file(work: Work, kind: ImportKind, file: ImportFile) -> ImportAnswer:
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
    """Return the answer without the ids of what was not made, and without what uses them."""
    told: dict[str, Any] = {
        "id": None,
        "created_at": None,
        "unknown_columns": list(header.unknown),
    }
    if isinstance(answer, SocialImportAnswer):
        return answer.model_copy(update=told | {"reports": []})
    changes = [
        one.model_copy(update={"id": None}) if one.change == "created" else one
        for one in answer.changes
    ]
    return answer.model_copy(update=told | {"changes": changes})


def _shown(entity: Entity) -> StoredImport:
    """Return the answer that shows an import."""
    facts: dict[str, Any] = {"undo": None, **entity.latest.facts}
    return StoredImport(
        id=entity.id, created_at=entity.created_at, deleted_at=entity.archived_at, **facts
    )
