"""Room beside every rollup row for its next version, so that what an answer reads does not grow with the batches that were folded.

Promise: less than half of a page is filled, so a batch that changes every row of a page finds room for all of them in it, no index entry is
added, and the next batch takes the room of the versions before: no vacuum has to come in between. Rows that exist get room as they change.
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
    """Leave more room on pages that are filled from now on."""
    for table in TABLES:
        op.execute(f"ALTER TABLE roi.{table} SET (fillfactor = 45)")


def downgrade() -> None:
    """As before."""
    for table in TABLES:
        op.execute(f"ALTER TABLE roi.{table} SET (fillfactor = 80)")
