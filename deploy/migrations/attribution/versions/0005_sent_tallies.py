"""The data to publish every credits record again: sent touch tallies, decisions by their number.

The record of a decision follows from the decision and its ledger lines. The tallies of a batch
follow from nothing else that is stored, so the relay stores their record when it has sent it.

Promise: tallies that wait in the outbox are stored, too. What can go wrong: tallies that were sent
before this revision are missing; the call that publishes again returns their numbers.
"""

from alembic import op

from shared.db.rls import protect
from shared.db.roles import role_name

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE attribution.sent_tallies (
    sequence     bigint NOT NULL,
    workspace_id uuid   NOT NULL,
    value        bytea  NOT NULL,
    PRIMARY KEY (sequence, workspace_id)
)
"""
NUMBER_WAITING = """
UPDATE attribution.outbox SET sequence = (convert_from(value, 'UTF8')::jsonb ->> 'sequence')::bigint
WHERE topic = 'laurel.credits' AND convert_from(value, 'UTF8')::jsonb ->> 'type' = 'touches'
"""


def upgrade() -> None:
    """Make the archive and the index, and number what waits."""
    op.execute(TABLE)
    for statement in protect("attribution", "sent_tallies"):
        op.execute(statement)
    op.execute(
        "REVOKE UPDATE, DELETE, TRUNCATE ON attribution.sent_tallies"
        f" FROM {role_name('attribution')}"
    )
    op.execute("ALTER TABLE attribution.outbox ADD COLUMN sequence bigint")
    # The owner is under the policies, too, and sees nobody's rows while they are forced.
    op.execute("ALTER TABLE attribution.outbox NO FORCE ROW LEVEL SECURITY")
    op.execute(NUMBER_WAITING)
    op.execute("ALTER TABLE attribution.outbox FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE INDEX decisions_by_sequence ON attribution.decisions (sequence, workspace_id)"
        " WHERE sequence IS NOT NULL"
    )


def downgrade() -> None:
    """Forget the archive: what was sent stays on the log for as long as it keeps it."""
    op.execute("DROP INDEX attribution.decisions_by_sequence")
    op.execute("ALTER TABLE attribution.outbox DROP COLUMN sequence")
    op.execute("DROP TABLE attribution.sent_tallies")
