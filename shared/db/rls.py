"""Row-level security: the one policy that keeps workspaces apart, as SQL for migrations.

Promise: a protected table shows and takes only rows of the workspaces that the transaction named in
`laurel.workspaces` (`Database.write` and `.read` name them). The policy binds the table's owner too (FORCE). A transaction
that named none gets an error, never rows.
"""

import re
from typing import Final

SETTING: Final = "laurel.workspaces"
POLICY: Final = "workspace_isolation"

# The setting is read through a scalar sub-select, once per statement: the plain form costs a factor of five on batches.
CONDITION: Final = f"workspace_id = ANY((SELECT current_setting('{SETTING}')::uuid[])::uuid[])"

_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def protect(schema: str, table: str) -> list[str]:
    """The statements that put `schema.table` (which has a `workspace_id uuid` column) under the policy."""
    for name in (schema, table):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a plain SQL name")
    target = f"{schema}.{table}"
    return [
        f"ALTER TABLE {target} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {target} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {POLICY} ON {target} USING ({CONDITION}) WITH CHECK ({CONDITION})",
    ]
