"""The time of the newest stored touch of each workspace: a later click has no stored click near it.

Promise: the times of existing workspaces are those of their touches.
What can go wrong: the newest touch of millions takes some seconds to find.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ADD = """
ALTER TABLE attribution.workspaces
    ADD COLUMN newest_touch_at timestamptz NOT NULL DEFAULT '-infinity'
"""
FILL = """
UPDATE attribution.workspaces AS w SET newest_touch_at = stored.newest FROM (
    SELECT workspace_id, max(occurred_at) AS newest FROM attribution.touches GROUP BY workspace_id
) AS stored WHERE stored.workspace_id = w.workspace_id
"""


def upgrade() -> None:
    """Add the time, and fill it."""
    op.execute(ADD)
    # The owner is under the policies, too, and sees no row while they are forced.
    op.execute("ALTER TABLE attribution.touches NO FORCE ROW LEVEL SECURITY")
    op.execute(FILL)
    op.execute("ALTER TABLE attribution.touches FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Drop the time."""
    op.execute("ALTER TABLE attribution.workspaces DROP COLUMN newest_touch_at")
