"""The command `laurel import creators`: send a file of creators: names, handles and accounts.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

from services.cli.imports.file_import import Column, import_catalog
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName


def creators(
    file: FileArgument,
    column: Column = None,
    skip_unknown: SkipUnknown = False,
    dry_run: DryRun = False,
    workspace: WorkspaceName = None,
) -> None:
    """Bring in creators, each with the accounts on its platforms.

    The columns are name; and where they are known external_id, handle,
    country (two letters), topics, platform and followers. A row with a
    platform is about the account there; a creator may have several rows.

    A row is known again by its external_id, else by the name of the creator.
    An empty cell changes nothing. A row that cannot be taken is listed, and
    the rest is taken.
    """
    import_catalog("creators", file, column, workspace, skip_unknown=skip_unknown, dry_run=dry_run)
