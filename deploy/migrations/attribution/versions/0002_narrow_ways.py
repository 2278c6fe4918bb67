"""Two indexes: from a component to its conversions in a span of time, and the recompute queue.

The alias of a conversion gets the time of the conversion, so one index finds the conversions near a
touch.

Promise: existing rows are filled. What can go wrong: the tables are locked meanwhile, and
attribution waits.
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
    """Add the time, fill it for all workspaces, and add it to the index of components."""
    op.execute("ALTER TABLE attribution.aliases ADD COLUMN converted_at timestamptz")
    for table in FILLED_BY:
        # The owner may be no superuser, and it sets no workspaces.
        op.execute(f"ALTER TABLE attribution.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(FILL)
    for table in FILLED_BY:
        op.execute(f"ALTER TABLE attribution.{table} FORCE ROW LEVEL SECURITY")
    op.execute("DROP INDEX attribution.aliases_of_component")
    op.execute(
        "CREATE INDEX aliases_of_component"
        " ON attribution.aliases (component_id, workspace_id, converted_at)"
    )
    op.execute(
        "CREATE INDEX recomputes_of_workspace ON attribution.recomputes (workspace_id, own_key)"
    )


def downgrade() -> None:
    """Restore the index without times, and drop the index of the queue."""
    op.execute("DROP INDEX attribution.recomputes_of_workspace")
    op.execute("DROP INDEX attribution.aliases_of_component")
    op.execute("ALTER TABLE attribution.aliases DROP COLUMN converted_at")
    op.execute(
        "CREATE INDEX aliases_of_component ON attribution.aliases (component_id, workspace_id)"
    )
