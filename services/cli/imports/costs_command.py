"""The command `laurel import costs`: send a file of costs: what was spent on whom.

Promise: exit code 0 when every row was taken, 1 when some were not.
"""

from services.cli.imports.file_import import Column, import_catalog
from services.cli.imports.import_options import DryRun, FileArgument, SkipUnknown, WorkspaceName


def costs(
    file: FileArgument,
    column: Column = None,
    skip_unknown: SkipUnknown = False,
    dry_run: DryRun = False,
    workspace: WorkspaceName = None,
) -> None:
    """Bring in costs: fees, products, boosts, hours and others.

    The columns are kind, incurred_on and currency; amount, or hours and rate;
    and where they are known placement, creator or campaign (its id, external
    id or name), external_id, agent, boosts_placement, from, to, spread,
    paid_on, retail_value and note. Amounts have a decimal point and no
    separator of thousands. A cost without an owner is overhead.

    A row is known again by its external_id, such as the number of the
    invoice, else by all its cells. Import the same file twice, and nothing
    changes. A row that cannot be taken is listed, and the rest is taken.
    """
    import_catalog("costs", file, column, workspace, skip_unknown=skip_unknown, dry_run=dry_run)
