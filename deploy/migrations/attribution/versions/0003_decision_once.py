"""Store a decision once, with its revision; the conversion row names the revision.

Promise: up and down keep every decision. What can go wrong: the downgrade copies the last decision
of every conversion, which takes long.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("conversions", "decisions")


def upgrade() -> None:
    """Drop the copy of the decision."""
    op.execute("ALTER TABLE attribution.conversions DROP COLUMN decision")


def downgrade() -> None:
    """Copy the last decision of each conversion back."""
    op.execute("ALTER TABLE attribution.conversions ADD COLUMN decision bytea")
    # The forced policies bind the owner, too, and hide all rows from it.
    for table in _TABLES:
        op.execute(f"ALTER TABLE attribution.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE attribution.conversions AS c SET decision = d.body FROM attribution.decisions AS d"
        " WHERE d.own_key = c.own_key AND d.revision = c.revision"
        " AND d.workspace_id = c.workspace_id"
    )
    for table in _TABLES:
        op.execute(f"ALTER TABLE attribution.{table} FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE attribution.conversions ALTER COLUMN decision SET NOT NULL")
