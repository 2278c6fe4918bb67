"""`/app/import/{what}`: choose a file, look at what it would change, import it, undo it.

Promise: a look is the dry run of the same call, so it shows what the import does. The file travels
in the form; nothing is kept here between the steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Request, Response

from services.dashboard.client.api import Failed, Got, made
from services.dashboard.layout.forms import Form, given
from services.dashboard.layout.frame import Frame, body_of
from services.dashboard.layout.page_route import PageRouter
from services.dashboard.pages.imports.file_form import (
    FILE,
    LEFT_OUT,
    Ask,
    FileRefused,
    GivenFile,
    asks_of,
)
from services.dashboard.pages.imports.kinds import FILE_KINDS, FileKind
from services.dashboard.pages.imports.tables import (
    changes_table,
    counts_text,
    imports_table,
    label_of,
    rejected_table,
    undone_text,
)
from services.dashboard.tables.table import Table
from services.dashboard.tables.texts import moment_text
from shared.http.problems import Problem

router = PageRouter()
IMPORTS: Final = "/app/import"
IMPORT: Final = IMPORTS + "/{what}"
OWN: Final = ("done", "undone")
# Imports that have a button each; the others are undone by the command line.
UNDO_SHOWN_MAX: Final = 10
# A call of tracking takes as many reports of counts.
REPORTS_MAX: Final = 500
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """What a file would do. `ready`: every column is decided and some row can be taken."""

    file: GivenFile
    asks: Sequence[Ask]
    told: str
    ready: bool
    rows: int
    tables: Mapping[str, Table] = field(default_factory=dict)


@router.get(IMPORT)
@router.get(f"{IMPORT}.csv")
async def imports(request: Request, what: str) -> Response:
    """Show the form of a kind of file, and the imports."""
    return await _page(await Frame.of(request, OWN), _kind(what), Form())


@router.post(f"{IMPORT}/look")
async def look(request: Request, what: str) -> Response:
    """Show what a file would change."""
    frame, kind = await Frame.of(request, OWN), _kind(what)
    fields, sent = await frame.form_and_file(FILE)
    try:
        file = GivenFile.of(fields, sent)
    except FileRefused as refused:
        return await _page(frame, kind, Form(fields, {FILE: str(refused)}), 422)
    return await _looked(frame, kind, fields, file)


@router.post(IMPORT)
async def import_file(request: Request, what: str) -> Response:
    """Import a file."""
    frame, kind = await Frame.of(request, OWN), _kind(what)
    fields, sent = await frame.form_and_file(FILE)
    try:
        file = GivenFile.of(fields, sent)
    except FileRefused as refused:
        return await _page(frame, kind, Form(fields, {FILE: str(refused)}), 422)
    answer = await frame.api.send(
        "POST", "roi", f"/v1/imports/{what}", params=_params(kind, fields), json=file.body
    )
    if isinstance(answer, Failed):
        return await _looked(frame, kind, fields, file, answer)
    failed = await _reported(frame, answer.body.get("reports", ()))
    if failed is not None:
        told = f"The counts did not all arrive: {failed}. Undo the import, and import it again."
        return await _page(frame, kind, Form(fields, sentence=told), 422)
    return frame.leave(frame.view.carried(f"{IMPORTS}/{what}", done=answer.body["id"]))


@router.post(f"{IMPORT}/undo/{{import_id}}")
async def undo(request: Request, what: str, import_id: str) -> Response:
    """Undo an import as a whole."""
    frame, kind = await Frame.of(request, OWN), _kind(what)
    await frame.form()
    undone = body_of(await frame.api.send("DELETE", "roi", f"/v1/imports/{import_id}"))
    return frame.leave(frame.view.carried(f"{IMPORTS}/{kind.what}", undone=undone["id"]))


async def _looked(
    frame: Frame,
    kind: FileKind,
    fields: Mapping[str, str],
    file: GivenFile,
    refused: Failed | None = None,
) -> Response:
    """Show what a file would do; `refused` is the answer to its import, if that was tried."""
    tried = refused or await frame.api.send(
        "POST",
        "roi",
        f"/v1/imports/{kind.what}",
        params={**_params(kind, fields), "dry_run": "true"},
        json=file.body,
    )
    if isinstance(tried, Failed):
        form = Form.refused(fields, tried, (FILE, *(one.name for one in kind.questions)))
        asks = asks_of(file, (), tried)
        found = Look(file, asks, form.error(FILE) or tried.sentence, ready=False, rows=0)
        return await _page(frame, kind, form, 422, found if asks else None)
    answer = tried.body
    taken = answer["created"] + answer["changed"] + answer["unchanged"]
    found = Look(
        file,
        asks_of(file, answer["unknown_columns"], None),
        f"{answer['rows']} rows: {counts_text(answer)}.",
        ready=bool(taken) and not answer["unknown_columns"],
        rows=taken,
        tables={
            "changes": changes_table(answer, file.rows()),
            "rejected": rejected_table(answer, file.rows()),
        },
    )
    return await _page(frame, kind, Form(fields), look_at=found)


async def _page(
    frame: Frame, kind: FileKind, form: Form, status: int = 200, look_at: Look | None = None
) -> Response:
    listed = await frame.api.items("roi", "/v1/imports", {"include_archived": "true"})
    items = listed.body if isinstance(listed, Got) else ()
    return frame.page(
        "imports/imports.html",
        status=status,
        kind=kind,
        kinds=[
            (one.label, frame.view.carried(f"{IMPORTS}/{one.what}"), one.what == kind.what)
            for one in FILE_KINDS.values()
        ],
        may_import=all(map(frame.workspace.may, kind.scopes)),
        form=form,
        look=look_at,
        columns=[("", "choose"), (LEFT_OUT, "leave it out"), *((c, c) for c in kind.columns)],
        tables={"imports": made(listed, lambda found: imports_table(frame, found))},
        undos=_undos(frame, kind, items) if frame.workspace.may("write") else (),
        toast=_toast(frame, kind, items),
        period=None,
    )


def _undos(frame: Frame, kind: FileKind, items: Sequence[Json]) -> Sequence[tuple[str, str]]:
    """Return the address and the label of each import that can be undone."""
    zone = frame.workspace.time_zone
    open_ones = [one for one in items if one["deleted_at"] is None]
    return [
        (
            f"{IMPORTS}/{kind.what}/undo/{one['id']}",
            f"Undo {label_of(one).lower()} of {moment_text(one['created_at'], zone)}"
            f" ({counts_text(one)})",
        )
        for one in open_ones[:UNDO_SHOWN_MAX]
    ]


def _toast(frame: Frame, kind: FileKind, items: Sequence[Json]) -> tuple[str, str | None] | None:
    """Return what was done, as the list of imports tells it."""
    by_id = {one["id"]: one for one in items}
    done = by_id.get(frame.view.get("done") or "")
    undone = by_id.get(frame.view.get("undone") or "")
    if undone is not None and undone["deleted_at"] is not None:
        return f"The import is undone: {undone_text(undone)}.", None
    if done is None:
        return None
    may_undo = done["deleted_at"] is None and frame.workspace.may("write")
    action = f"{IMPORTS}/{kind.what}/undo/{done['id']}" if may_undo else None
    return f"Imported: {counts_text(done)}.", action


async def _reported(frame: Frame, reports: Sequence[Json]) -> str | None:
    """Send the counts of an import to tracking; return what went wrong, if anything did."""
    for first in range(0, len(reports), REPORTS_MAX):
        batch = reports[first : first + REPORTS_MAX]
        answer = await frame.api.send("POST", "tracking", "/v1/social", json=batch)
        if isinstance(answer, Failed):
            return answer.sentence
        for one in answer.body["rejected"]:
            return "; ".join(f"{flaw['field']}: {flaw['message']}" for flaw in one["errors"])
    return None


def _params(kind: FileKind, fields: Mapping[str, str]) -> Mapping[str, str]:
    return given(fields, *(one.name for one in kind.questions))


def _kind(what: str) -> FileKind:
    found = FILE_KINDS.get(what)
    if found is None:
        raise Problem(404, "Not found", f"Files are of {', '.join(FILE_KINDS)}.")
    return found
