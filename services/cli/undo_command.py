"""The command `laurel undo`: take imports back, or list those that hold.

Promise: the newest import is undone first, because it may have changed what an older one made.
What can go wrong: exit code 1 when objects were left, because they were changed since.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from services.cli.console import err, out, plain
from services.cli.imports.import_options import WorkspaceName
from services.cli.imports.import_run import BAD_ROWS, counted
from services.cli.profile import Api, choose_profile
from shared.clock import SystemClock
from shared.settings import Settings

_LISTED: Final = 20


def undo(
    import_ids: Annotated[
        list[str] | None, typer.Argument(help="Ids as `laurel import` prints them.")
    ] = None,
    workspace: WorkspaceName = None,
) -> None:
    """Take imports back as a whole. Without an id: list the newest ones.

    What an import made is archived, and what it changed is again as before it.
    An object that was changed since is listed and left as it is.

    Of an import of social counts no report counts any more, and what the same
    sources told before for the same moments counts again. Past orders are
    events that count in no figure, and have no id to undo.
    """
    left = asyncio.run(_undo(import_ids or (), workspace))
    if left:
        raise typer.Exit(BAD_ROWS)


async def _undo(import_ids: Sequence[str], workspace: str | None) -> int:
    """Return how many objects were left."""
    left = 0
    async with Api(await choose_profile(Settings.load(), workspace, SystemClock())) as api:
        if not import_ids:
            _show_list((await api.get("roi", "/v1/imports", limit=_LISTED))["items"])
        # Ids are in the order of time.
        for import_id in sorted(import_ids, reverse=True):
            undone = await api.call("DELETE", "roi", f"/v1/imports/{import_id}")
            left += _show_undone(undone)
    return left


def _show_list(imports: Sequence[Mapping[str, Any]]) -> None:
    if not imports:
        out.print("there is no import to undo")
    for one in imports:
        rows = counted(one["rows"], "row")
        plain(f"{one['id']}  {one['created_at'][:19]}  {one['what']}: {rows}")


def _show_undone(undone: Mapping[str, Any]) -> int:
    done = undone["undo"]
    for one in done["left"]:
        name = f"{one['id']} ({one['external_id']})" if one["external_id"] else one["id"]
        err.print(f"{name}: {one['message']}", markup=False, soft_wrap=True)
    word = "taken back" if undone["what"] == "social" else "archived"
    out.print(
        f"[good]✓[/] {undone['what']} of {undone['created_at'][:19]}:"
        f" {done['withdrawn']:,} {word}, {done['restored']:,} restored,"
        f" {done['left_objects']:,} left"
    )
    found: int = done["left_objects"]
    return found
