"""The command `laurel import social`: send an export of counts to roi, and its reports to tracking.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

from typing import Annotated

import typer

from services.cli.imports.file_import import Given, import_file
from services.cli.imports.file_parts import parts_of
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName
from services.cli.imports.import_run import titles_of
from services.roi.domain.imports.social_titles import ExportName

_ExportOption = Annotated[
    ExportName, typer.Option("--export", help="What the file is: whose titles it has.")
]
_AsOf = Annotated[
    str | None, typer.Option("--as-of", help="When the counts were read, if no column says it.")
]
_SourceName = Annotated[str | None, typer.Option(help="Who counted, if no column says it.")]
_QualityWord = Annotated[
    str,
    typer.Option(
        help="How the counts came about, if no column says it: observed, manual or estimated."
    ),
]
_Columns = Annotated[
    list[str] | None,
    typer.Option(help='A column under another title: views="Plays". Repeat it for others.'),
]


def social(
    file: FileArgument,
    export: _ExportOption = ExportName.SHEET,
    as_of: _AsOf = None,
    source: _SourceName = None,
    quality: _QualityWord = "observed",
    column: _Columns = None,
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
    and a corrected row replaces the one before. Answers show counts by the day
    of as_of, some seconds later.

    `laurel undo` with the id that is printed takes the import back: what the
    same source had told before for the same moments counts again.
    """
    params = {"export": export.value, "as_of": as_of, "source": source, "quality": quality}
    given = Given(titles_of(column or (), "views"), skip_unknown, params, dry_run)
    import_file("social", parts_of(file), given, workspace)
