"""Keep free space on rollup pages, so that the pages of an answer do not grow with each batch.

Promise: less than half of a page is filled. A batch that changes every row of a page finds space
there, so no index entry is added, and the next batch reuses the space of the old versions without a
vacuum. Existing rows get the space when they change.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "rollups",
    "rollups_monthly",
    "rollups_history",
    "touch_rollups",
    "touch_rollups_monthly",
    "touch_rollups_history",
)


def upgrade() -> None:
    """Set the fill factor of new pages to 45 %."""
    for table in TABLES:
        op.execute(f"ALTER TABLE roi.{table} SET (fillfactor = 45)")


def downgrade() -> None:
    """Restore the fill factor of 80 %."""
    for table in TABLES:
        op.execute(f"ALTER TABLE roi.{table} SET (fillfactor = 80)")
