"""The import of a file by `POST /v1/imports/…`: catalog objects, or social counts.

Promise: roi reads the file; this only sends it and prints the answer. Reports of counts that roi
answers are sent to tracking. The ids that undo the import are printed, also when a later part of a
long file is refused.
What can go wrong: exit code 1 when some rows were not taken or a dry run finds unknown columns.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer

from services.cli.console import as_typed, err, out, plain
from services.cli.imports.event_sender import Event, batches, send_batch
from services.cli.imports.file_parts import Part, check_equal_rows, parts_of
from services.cli.imports.import_run import (
    BAD_ROWS,
    BAD_ROWS_SHOWN_MAX,
    counted,
    progress,
    show_bad,
    titles_of,
)
from services.cli.profile import Api, Refused, choose_profile
from services.roi.domain.imports.csv_table import BadRow
from services.roi.domain.imports.import_kinds import IMPORT_KINDS, ImportName
from shared.clock import Clock, SystemClock
from shared.errors import ConfigurationError
from shared.settings import Settings

_CHANGES_SHOWN_MAX: Final = 10

Column = Annotated[
    list[str] | None,
    typer.Option(help='A column under another title: note="Comment". Repeat it for others.'),
]


@dataclass(frozen=True, slots=True)
class Given:
    """What the command says: columns by their titles in the file, and parameters of the call."""

    columns: Mapping[str, str]
    skip_unknown: bool
    params: Mapping[str, str | None]
    dry_run: bool


@dataclass
class _Done:
    """What became of all parts of a file; `refused` are reports that tracking did not take."""

    counts: Counter[str] = field(default_factory=Counter)
    ids: list[str] = field(default_factory=list)
    rejected: list[BadRow] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    changes: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    unknown: Sequence[str] = ()

    def take(self, part: Part, answer: Mapping[str, Any]) -> None:
        """Add the answer to one part."""
        names = ("created", "changed", "unchanged", "rejected_rows")
        self.counts.update({name: answer[name] for name in names})
        if answer["id"] is not None:
            self.ids.append(answer["id"])
        flaws: dict[int, list[tuple[str, str]]] = {}
        for one in answer["rejected"]:
            line = part.line(one["line"])
            flaws.setdefault(line, []).append((one["column"], one["message"]))
        self.rejected += [BadRow(line, tuple(found)) for line, found in flaws.items()]
        self.changes += [(part.line(one["line"]), one) for one in answer["changes"]]
        self.unknown = answer["unknown_columns"]


def import_catalog(
    what: ImportName,
    file: Path,
    column: list[str] | None,
    workspace: str | None,
    *,
    skip_unknown: bool,
    dry_run: bool,
) -> None:
    """Import a file of catalog objects and print what became of it, as `import_file` does."""
    example = IMPORT_KINDS[what].needed[0]
    given = Given(titles_of(column or (), example), skip_unknown, {}, dry_run)
    parts = parts_of(file)
    check_equal_rows(file, parts)
    import_file(what, parts, given, workspace)


def import_file(what: str, parts: Sequence[Part], given: Given, workspace: str | None) -> None:
    """Import a file and print what became of it; exit with 1 when some rows were not taken."""
    done = _Done()
    try:
        asyncio.run(_send(what, parts, given, workspace, done))
    finally:
        _show_ids(done.ids)
    _show(done, dry_run=given.dry_run)
    if done.counts["rejected_rows"] or done.unknown or done.refused:
        raise typer.Exit(BAD_ROWS)


async def _send(
    what: str, parts: Sequence[Part], given: Given, workspace: str | None, done: _Done
) -> None:
    clock = SystemClock()
    profile = await choose_profile(Settings.load(), workspace, clock)
    params = {name: value for name, value in given.params.items() if value is not None}
    params |= {"dry_run": "true"} if given.dry_run else {}
    columns = {title: name for name, title in given.columns.items()}
    body = {"columns": columns, "skip_unknown": given.skip_unknown}
    async with Api(profile) as api:
        with progress() as bar:
            task = bar.add_task(
                "checking" if given.dry_run else "importing", total=sum(one.rows for one in parts)
            )
            for part in parts:
                sent = {**body, "file": part.text}
                answer = await _sent(api, f"/v1/imports/{what}", sent, params)
                done.take(part, answer)
                done.refused += await _reported(api, clock, answer.get("reports", ()))
                bar.advance(task, part.rows)


async def _reported(api: Api, clock: Clock, reports: Sequence[Event]) -> list[str]:
    """Send reports of counts to tracking; return what is wrong with those that it refuses."""
    refused = []
    for batch in batches((report, report["placement_id"]) for report in reports):
        for one in await send_batch(api, clock, [event for event, _ in batch], "/v1/social"):
            flaws = "; ".join(f"{flaw['field']}: {flaw['message']}" for flaw in one["errors"])
            refused.append(f"placement {batch[one['index']][1]}: {flaws}")
    return refused


async def _sent(api: Api, path: str, body: Any, params: Any) -> Any:
    try:
        return await api.call("POST", "roi", path, json=body, params=params)
    except Refused as refused:
        if refused.status != httpx.codes.UNPROCESSABLE_ENTITY or "column" not in str(refused):
            raise
        raise ConfigurationError(
            f'{refused}. Name a column of the file with --column name="Its title", and leave out'
            " the rest with --skip-unknown"
        ) from refused


def _show_ids(ids: Sequence[str]) -> None:
    if ids:
        plain(as_typed(f"imported; to undo it: `laurel undo {' '.join(ids)}`"))


def _show(done: _Done, *, dry_run: bool) -> None:
    """Print the bad rows, what was changed, and how many rows changed nothing."""
    show_bad(done.rejected[:BAD_ROWS_SHOWN_MAX], done.counts["rejected_rows"])
    for told in done.refused[:BAD_ROWS_SHOWN_MAX]:
        err.print(told, markup=False, soft_wrap=True)
    created, changed = (counted(done.counts[name], "row") for name in ("created", "changed"))
    known = counted(done.counts["unchanged"], "row")
    if not dry_run:
        out.print(f"[good]✓[/] {created} created, {changed} changed, {known} known before")
        return
    for line, change in done.changes[:_CHANGES_SHOWN_MAX]:
        fields = f": {', '.join(change['fields'])}" if change["fields"] else ""
        plain(f"line {line} would be {change['change']}{fields}")
    out.print(f"{created} would be created, {changed} changed, {known} known before")
    if done.unknown:
        plain(
            f"columns that are not known: {', '.join(done.unknown)}. Name one with"
            ' --column name="Its title", and leave out the rest with --skip-unknown'
        )
    out.print("nothing was imported")
