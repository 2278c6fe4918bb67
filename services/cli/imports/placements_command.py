"""The command `laurel import placements`: send a file of placements: pieces of content.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

from services.cli.imports.file_import import Column, import_catalog
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName


def placements(
    file: FileArgument,
    column: Column = None,
    skip_unknown: SkipUnknown = False,
    dry_run: DryRun = False,
    workspace: WorkspaceName = None,
) -> None:
    """Bring in placements: posts, videos and others, with their addresses.

    The columns are platform; creator (its id, external id, name or handle) or
    is_brand; and where they are known external_id, campaign, content_type,
    length_seconds, format, planned_at, published_at, url, cta and topics. A
    time without an offset is in the time zone of the workspace.

    A row is known again by its external_id, else by its url, else by all its
    cells. A row that cannot be taken is listed, and the rest is taken.
    """
    import_catalog(
        "placements", file, column, workspace, skip_unknown=skip_unknown, dry_run=dry_run
    )
