"""The keys that lost their connections because they had too many, for the attention list.

Those of today are noted with the time of the upgrade and without an event.
"""

from alembic import op

from shared.db.rls import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CUT_KEYS = """
CREATE TABLE attribution.cut_keys (
    key          bytea       NOT NULL,
    reason       text        NOT NULL,
    workspace_id uuid        NOT NULL,
    event_id     uuid,
    cut_at       timestamptz NOT NULL,
    PRIMARY KEY (key, reason, workspace_id)
)
"""
NOTE_HUBS = """
INSERT INTO attribution.cut_keys (key, reason, workspace_id, cut_at)
SELECT key, 'hub', workspace_id, now() FROM attribution.aliases WHERE degree > 50
"""
NOTE_TIED = """
INSERT INTO attribution.cut_keys (key, reason, workspace_id, cut_at)
SELECT key, 'ties', workspace_id, now() FROM attribution.ties
WHERE key >= 'k' AND key < 'l' OR key >= 'v' AND key < 'w'
GROUP BY key, workspace_id HAVING count(*) > 50
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("aliases", "ties")


def upgrade() -> None:
    """Make the table, and note the hubs and the cut ties of today."""
    op.execute(CUT_KEYS)
    _force(is_forced=False)
    op.execute(NOTE_HUBS)
    op.execute(NOTE_TIED)
    _force(is_forced=True)
    for statement in protect("attribution", "cut_keys"):
        op.execute(statement)


def downgrade() -> None:
    """Forget them."""
    op.execute("DROP TABLE attribution.cut_keys")


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE attribution.{table} {word} ROW LEVEL SECURITY")
