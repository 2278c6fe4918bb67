"""All conversions are decided again by new rules.

A code and a click of one creator are one step, owners of a shared code share it under every model,
later orders go to who won the customer, and survey answers count where nothing else does.

What can go wrong: nothing is moved; the downgrade queues all conversions for the older rules.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DECIDE_AGAIN = """
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, 'new_rules' FROM attribution.conversions ON CONFLICT DO NOTHING
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("conversions", "recomputes")


def upgrade() -> None:
    """Queue every conversion."""
    _decide_again()


def downgrade() -> None:
    """Queue every conversion."""
    _decide_again()


def _decide_again() -> None:
    for table in FORCED:
        op.execute(f"ALTER TABLE attribution.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(DECIDE_AGAIN)
    for table in FORCED:
        op.execute(f"ALTER TABLE attribution.{table} FORCE ROW LEVEL SECURITY")
