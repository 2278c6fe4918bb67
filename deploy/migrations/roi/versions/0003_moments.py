"""Raw credits found by the moment they are dated by, for the parts of days at the edges of a question between two times.

Promise: one index for each basis of time and one for clicks; the data stays as it is. Making them reads each table once.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INDEXES = (
    "credit_entries_by_conversion ON roi.credit_entries (workspace_id, occurred_at)",
    "credit_entries_by_touch ON roi.credit_entries (workspace_id, (coalesce(touched_at, occurred_at)))",
    "touch_tallies_by_quarter ON roi.touch_tallies (workspace_id, quarter_at)",
)


def upgrade() -> None:
    """Make the indexes."""
    for index in INDEXES:
        op.execute(f"CREATE INDEX {index}")


def downgrade() -> None:
    """Drop them."""
    for index in INDEXES:
        op.execute(f"DROP INDEX roi.{index.split()[0]}")
