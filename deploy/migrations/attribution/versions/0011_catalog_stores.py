"""The index by which an explanation finds the stores of a workspace.

Promise: no row changes, up or down.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.execute(
        "CREATE INDEX catalog_stores ON attribution.catalog (workspace_id) WHERE entity = 'store'"
    )


def downgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX attribution.catalog_stores")
