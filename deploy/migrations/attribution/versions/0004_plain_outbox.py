"""Store outbox values without compression: they live for a second, and compression costs more.

Promise: up and down change the storage of new rows; old rows stay readable.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Store values uncompressed."""
    op.execute("ALTER TABLE attribution.outbox ALTER COLUMN value SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Let Postgres compress values, its default."""
    op.execute("ALTER TABLE attribution.outbox ALTER COLUMN value SET STORAGE EXTENDED")
