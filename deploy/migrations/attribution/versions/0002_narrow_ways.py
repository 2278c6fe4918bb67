"""Two ways that read only what is asked for: from a component to its conversions in a span of time, and from a workspace to its queue.

Aliases of conversions know their conversion's time, so a touch of a customer with many clicks and orders reads one entry of one index.

Promise: old conversions are filled in. What can go wrong: the tables are locked meanwhile, and attribution waits.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FILLED_BY = ("aliases", "conversions")
FILL = """
UPDATE attribution.aliases AS a SET converted_at = v.occurred_at FROM attribution.conversions AS v
WHERE v.own_key = a.key AND v.workspace_id = a.workspace_id
"""


def upgrade() -> None:
    """Add the time, fill it in for all workspaces, and end the index of components with it."""
    op.execute("ALTER TABLE attribution.aliases ADD COLUMN converted_at timestamptz")
    for table in FILLED_BY:
        # The owner who migrates is no superuser everywhere, and names no workspaces.
        op.execute(f"ALTER TABLE attribution.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(FILL)
    for table in FILLED_BY:
        op.execute(f"ALTER TABLE attribution.{table} FORCE ROW LEVEL SECURITY")
    op.execute("DROP INDEX attribution.aliases_of_component")
    op.execute(
        "CREATE INDEX aliases_of_component ON attribution.aliases (component_id, workspace_id, converted_at)"
    )
    op.execute(
        "CREATE INDEX recomputes_of_workspace ON attribution.recomputes (workspace_id, own_key)"
    )


def downgrade() -> None:
    """Back to components without times and one queue of all."""
    op.execute("DROP INDEX attribution.recomputes_of_workspace")
    op.execute("DROP INDEX attribution.aliases_of_component")
    op.execute("ALTER TABLE attribution.aliases DROP COLUMN converted_at")
    op.execute(
        "CREATE INDEX aliases_of_component ON attribution.aliases (component_id, workspace_id)"
    )
