"""Indexes of raw credits by time, for the partial days of a question between two times.

Promise: one index for each basis of time and one for clicks. The data does not change; each table
is read once.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = (
    "credit_entries_by_conversion ON roi.credit_entries (workspace_id, occurred_at)",
    "credit_entries_by_touch"
    " ON roi.credit_entries (workspace_id, (coalesce(touched_at, occurred_at)))",
    "touch_tallies_by_quarter ON roi.touch_tallies (workspace_id, quarter_at)",
)


def upgrade() -> None:
    """Create the indexes."""
    for index in INDEXES:
        op.execute(f"CREATE INDEX {index}")


def downgrade() -> None:
    """Drop the indexes."""
    for index in INDEXES:
        op.execute(f"DROP INDEX roi.{index.split(maxsplit=1)[0]}")
