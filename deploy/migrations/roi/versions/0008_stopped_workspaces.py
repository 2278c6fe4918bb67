"""A workspace whose next credits record cannot be folded says why, and since when.

Promise: a gap of before keeps its sequence; the moment of its stop is that of the migration. What
can go wrong: the downgrade loses the reasons.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the problem and the moment of the stop."""
    op.execute("ALTER TABLE roi.folds ADD COLUMN problem text, ADD COLUMN stopped_at timestamptz")
    # The owner is under the policies, too, and sees nobody's rows while they are forced.
    op.execute("ALTER TABLE roi.folds NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE roi.folds SET stopped_at = now() WHERE missing_sequence IS NOT NULL")
    op.execute("ALTER TABLE roi.folds FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Drop both columns."""
    op.execute("ALTER TABLE roi.folds DROP COLUMN problem, DROP COLUMN stopped_at")
