"""Conversions and records that are set aside keep the time of their next retry.

Promise: existing conversions of the queue are due at once, and so are existing dead letters of
records for which a transaction failed. The attention list finds its rows by partial indexes.
What can go wrong: the tables are locked for the time of the change, and attribution waits.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ADD = """
ALTER TABLE attribution.recomputes
    ADD COLUMN retry_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN failed_at timestamptz,
    ADD COLUMN problem text
"""
ADD_TO_LETTERS = """
ALTER TABLE attribution.dead_letters
    ADD COLUMN retry_at timestamptz,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0
"""
DUE = """
UPDATE attribution.dead_letters SET retry_at = recorded_at
WHERE resolved_at IS NULL AND reason = 'unusable'
"""
DROP_FROM_LETTERS = """
ALTER TABLE attribution.dead_letters DROP COLUMN retry_at, DROP COLUMN attempts
"""
DROP = """
ALTER TABLE attribution.recomputes
    DROP COLUMN retry_at, DROP COLUMN attempts, DROP COLUMN failed_at, DROP COLUMN problem
"""
INDEXES = {
    "recomputes_set_aside": "attribution.recomputes (failed_at, workspace_id)"
    " WHERE failed_at IS NOT NULL",
    "dead_letters_open": "attribution.dead_letters (recorded_at, workspace_id)"
    " WHERE resolved_at IS NULL",
    "dead_letters_due": "attribution.dead_letters (retry_at, workspace_id)"
    " WHERE resolved_at IS NULL AND retry_at IS NOT NULL",
    "conversions_unconfirmed": "attribution.conversions (occurred_at, workspace_id)"
    " WHERE status = 'unconfirmed'",
}


def upgrade() -> None:
    """Add the columns, and the indexes of the queue and of the attention list."""
    op.execute(ADD)
    op.execute(ADD_TO_LETTERS)
    # The owner is under the policies, too, and sees no row while they are forced.
    op.execute("ALTER TABLE attribution.dead_letters NO FORCE ROW LEVEL SECURITY")
    op.execute(DUE)
    op.execute("ALTER TABLE attribution.dead_letters FORCE ROW LEVEL SECURITY")
    op.execute("DROP INDEX attribution.recomputes_of_workspace")
    op.execute(
        "CREATE INDEX recomputes_of_workspace"
        " ON attribution.recomputes (workspace_id, retry_at, own_key)"
    )
    for name, target in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {target}")


def downgrade() -> None:
    """Drop the columns; what was set aside is due again."""
    for name in INDEXES:
        op.execute(f"DROP INDEX attribution.{name}")
    op.execute("DROP INDEX attribution.recomputes_of_workspace")
    op.execute(DROP)
    op.execute(DROP_FROM_LETTERS)
    op.execute(
        "CREATE INDEX recomputes_of_workspace ON attribution.recomputes (workspace_id, own_key)"
    )
