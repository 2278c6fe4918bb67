"""The arguments and options that all commands of imports have."""

from pathlib import Path
from typing import Annotated

import typer

FileArgument = Annotated[
    Path, typer.Argument(help="A CSV file in UTF-8 whose first line names columns.")
]
SkipUnknown = Annotated[
    bool, typer.Option("--skip-unknown", help="Leave out the columns that are not known.")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Check every row, say what would be sent, send nothing."),
]
WorkspaceName = Annotated[
    str | None, typer.Option(help="A workspace other than that of the admin key.")
]
