"""The notes of conversions: what a person should look at. All conversions are decided again.

Orders that were given back whole, and versions of one time, are decided by other rules now.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

DECIDE_AGAIN = """
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, 'new_rules' FROM attribution.conversions ON CONFLICT DO NOTHING
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("conversions", "recomputes")


def upgrade() -> None:
    """Add the notes and the indexes of the attention list, and queue every conversion."""
    op.execute("ALTER TABLE attribution.conversions ADD COLUMN notes jsonb")
    op.execute(
        "CREATE INDEX conversions_noted ON attribution.conversions (occurred_at, workspace_id)"
        " WHERE notes IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX conversions_tests ON attribution.conversions (occurred_at, workspace_id)"
        " WHERE status = 'test'"
    )
    op.execute(
        "CREATE INDEX evidence_noticed ON attribution.evidence (occurred_at, workspace_id)"
        " WHERE kind = 'noticed'"
    )
    _decide_again()


def downgrade() -> None:
    """Forget the notes, and queue every conversion."""
    op.execute("DROP INDEX attribution.evidence_noticed")
    op.execute("DROP INDEX attribution.conversions_tests")
    op.execute("DROP INDEX attribution.conversions_noted")
    op.execute("ALTER TABLE attribution.conversions DROP COLUMN notes")
    _decide_again()


def _decide_again() -> None:
    _force(is_forced=False)
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE attribution.{table} {word} ROW LEVEL SECURITY")
