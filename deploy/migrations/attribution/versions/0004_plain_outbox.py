"""What waits in the outbox is stored as it is: a megabyte of tallies is gone in a second, and squeezing it took longer than writing it.

Promise: up and down change how new rows are stored; old ones stay readable.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Store values plain."""
    op.execute("ALTER TABLE attribution.outbox ALTER COLUMN value SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Let Postgres compress them, as it does by itself."""
    op.execute("ALTER TABLE attribution.outbox ALTER COLUMN value SET STORAGE EXTENDED")
