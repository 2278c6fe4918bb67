"""The counters of the events that attribution read, and of those that were known already.

Promise: the counters of existing workspaces start at what is stored, so they agree with it.
What can go wrong: counting touches takes some seconds for millions of them.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ADD = """
ALTER TABLE attribution.workspaces
    ADD COLUMN events_read bigint NOT NULL DEFAULT 0,
    ADD COLUMN events_duplicate bigint NOT NULL DEFAULT 0
"""
COUNT_STORED = """
UPDATE attribution.workspaces AS w SET events_read = stored.events FROM (
    SELECT workspace_id, sum(events) AS events FROM (
        SELECT workspace_id, count(*) AS events FROM attribution.touches
        WHERE NOT derived GROUP BY workspace_id
        UNION ALL
        SELECT workspace_id, count(*) FROM attribution.evidence GROUP BY workspace_id
        UNION ALL
        SELECT workspace_id, count(*) FROM attribution.dead_letters
        WHERE topic = 'laurel.events' AND resolved_at IS NULL AND reason <> 'currency_mismatch'
        GROUP BY workspace_id
    ) AS parts GROUP BY workspace_id
) AS stored WHERE stored.workspace_id = w.workspace_id
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("touches", "evidence", "dead_letters")


def upgrade() -> None:
    """Add the counters."""
    op.execute(ADD)
    for table in FORCED:
        op.execute(f"ALTER TABLE attribution.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(COUNT_STORED)
    for table in FORCED:
        op.execute(f"ALTER TABLE attribution.{table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Drop the counters."""
    op.execute(
        "ALTER TABLE attribution.workspaces DROP COLUMN events_read, DROP COLUMN events_duplicate"
    )
