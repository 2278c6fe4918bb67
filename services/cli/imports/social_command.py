"""The command `laurel import social`: read an export of counts, check its rows, send them.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from services.cli.console import out
from services.cli.imports.csv_file import CsvFile
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName
from services.cli.imports.import_run import (
    BAD_ROWS,
    Reader,
    Taken,
    run_import,
    show_taken,
    titles_of,
)
from services.cli.imports.social_rows import Given, SocialReader, column_of
from services.cli.imports.social_titles import COLUMNS, EXPORTS, Export, ExportName
from services.cli.profile import Api, choose_profile
from services.roi.domain.imports.csv_table import Asked
from services.roi.domain.imports.names import PlacementNames
from shared.clock import SystemClock
from shared.settings import Settings


class Quality(StrEnum):
    """How counts came about, as the API names it."""

    OBSERVED = "observed"
    MANUAL = "manual"
    ESTIMATED = "estimated"


_ExportOption = Annotated[
    ExportName, typer.Option("--export", help="What the file is: whose titles it has.")
]
_AsOf = Annotated[
    str | None, typer.Option("--as-of", help="When the counts were read, if no column says it.")
]
_SourceName = Annotated[str | None, typer.Option(help="Who counted, if no column says it.")]
_QualityWord = Annotated[
    Quality, typer.Option(help="How the counts came about, if no column says it.")
]
_Columns = Annotated[
    list[str] | None,
    typer.Option(help='A column under another title: views="Plays". Repeat it for others.'),
]
_Withdraw = Annotated[
    bool, typer.Option("--withdraw", help="Take back what this file told before.")
]


def social(
    file: FileArgument,
    export: _ExportOption = ExportName.SHEET,
    as_of: _AsOf = None,
    source: _SourceName = None,
    quality: _QualityWord = Quality.OBSERVED,
    column: _Columns = None,
    skip_unknown: SkipUnknown = False,
    withdraw: _Withdraw = False,
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

    Counts are events and have no id to undo. --withdraw with the same file and
    options takes its counts back: nothing that the same source told of these
    placements for the same moments counts any more. Its counts for other
    moments stay. To bring counts back, import their file again.
    """
    known = EXPORTS[export]
    asked = Asked(titles_of(column or (), "views"), skip_unknown, known.titles)
    given = Given(as_of, source, quality.value)
    reading = _Reading(known, given, withdraw)
    counted = _social(CsvFile(file, COLUMNS, asked), reading, workspace, dry_run=dry_run)
    taken = asyncio.run(counted)
    meaning = "answers show them by the day of as_of"
    if withdraw:
        meaning = "their counts were taken back"
    show_taken(taken, "row", meaning, dry_run=dry_run)
    if not (withdraw or dry_run) and taken.items:
        out.print("to take them back: the same command with --withdraw")
    if taken.bad:
        raise typer.Exit(BAD_ROWS)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the rows are read: the export, what the command says, whether they are taken back."""

    export: Export
    given: Given
    withdraw: bool


async def _social(
    file: CsvFile, reading: _Reading, workspace: str | None, *, dry_run: bool
) -> Taken:
    clock = SystemClock()
    async with Api(await choose_profile(Settings.load(), workspace, clock)) as api:
        zone = ZoneInfo((await api.get("roi", "/v1/workspace"))["time_zone"])
        names = PlacementNames(await api.items("roi", "/v1/placements"))
        reader = SocialReader(reading.export, names, reading.given, zone, reading.withdraw)
        return await run_import(api, clock, file, Reader(reader.read, column_of), dry_run=dry_run)
