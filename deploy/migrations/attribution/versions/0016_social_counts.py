"""An index of the reports of social counts, for the attention list and the accounts of events.

Promise: no row changes. The index holds reports only, so other events are stored as fast as before.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.execute(
        "CREATE INDEX evidence_social ON attribution.evidence (occurred_at, workspace_id)"
        " WHERE kind = 'social_reported'"
    )


def downgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX attribution.evidence_social")
