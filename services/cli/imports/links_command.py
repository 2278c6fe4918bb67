"""The command `laurel import links`: send a file of links: short links and whose they are.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

from services.cli.imports.file_import import Column, import_catalog
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName


def links(
    file: FileArgument,
    column: Column = None,
    skip_unknown: SkipUnknown = False,
    dry_run: DryRun = False,
    workspace: WorkspaceName = None,
) -> None:
    """Bring in short links, each of a placement or a creator.

    The columns are destination; placement or creator (its id, external id,
    name, or the address of the post); and where they are known external_id,
    code and enabled. A link without a code gets one.

    A row is known again by its external_id, else by its code, else by all its
    cells. A row that cannot be taken is listed, and the rest is taken.
    """
    import_catalog("links", file, column, workspace, skip_unknown=skip_unknown, dry_run=dry_run)
