"""The command `laurel import social`: read an export of counts, check its rows, send them.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

import asyncio
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from services.cli.imports.csv_file import Asked, CsvFile
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName
from services.cli.imports.import_run import (
    BAD_ROWS,
    Reader,
    Taken,
    run_import,
    show_taken,
    titles_of,
)
from services.cli.imports.social_rows import Given, PlacementNames, SocialReader, column_of
from services.cli.imports.social_titles import COLUMNS, EXPORTS, Export, ExportName
from services.cli.profile import Api, choose_profile
from shared.clock import SystemClock
from shared.settings import Settings


class Quality(StrEnum):
    """How counts came about, as the API names it."""

    OBSERVED = "observed"
    MANUAL = "manual"
    ESTIMATED = "estimated"


def social(
    file: FileArgument,
    export: Annotated[
        ExportName, typer.Option("--export", help="What the file is: whose titles it has.")
    ] = ExportName.SHEET,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="When the counts were read, if no column says it."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Who counted, if no column says it.")] = None,
    quality: Annotated[
        Quality, typer.Option(help="How the counts came about, if no column says it.")
    ] = Quality.OBSERVED,
    column: Annotated[
        list[str] | None,
        typer.Option(help='A column under another title: views="Plays". Repeat it for others.'),
    ] = None,
    skip_unknown: SkipUnknown = False,
    dry_run: DryRun = False,
    workspace: WorkspaceName = None,
) -> None:
    """Bring in the counts of placements: views, likes and others, as exported.

    The columns are placement (its id, external id, or the address of the
    post); as_of, source and quality; and the counts impressions, reach, views,
    watch_seconds or watch_hours, likes, comments, shares, saves, link_taps and
    followers_gained. Counts are from the beginning of the placement until
    as_of. An empty cell is missing, and not 0.

    --export instagram, tiktok or youtube knows the titles of these platforms.
    Other columns are shown, and asked for.

    A row that cannot be taken is listed with its line, and the rest is taken.
    Correct the file and import it again: rows that are known change nothing,
    and a corrected row replaces the one before.
    """
    known = EXPORTS[export]
    asked = Asked(titles_of(column or (), "views"), skip_unknown, known.titles)
    given = Given(as_of, source, quality.value)
    counted = _social(CsvFile(file, COLUMNS, asked), known, given, workspace, dry_run=dry_run)
    taken = asyncio.run(counted)
    show_taken(taken, "row", "answers show them by the day of as_of", dry_run=dry_run)
    if taken.bad:
        raise typer.Exit(BAD_ROWS)


async def _social(
    file: CsvFile, export: Export, given: Given, workspace: str | None, *, dry_run: bool
) -> Taken:
    clock = SystemClock()
    async with Api(await choose_profile(Settings.load(), workspace, clock)) as api:
        zone = ZoneInfo((await api.get("roi", "/v1/workspace"))["time_zone"])
        names = PlacementNames(await api.items("roi", "/v1/placements"))
        reader = SocialReader(export, names, given, zone)
        return await run_import(api, clock, file, Reader(reader.read, column_of), dry_run=dry_run)
