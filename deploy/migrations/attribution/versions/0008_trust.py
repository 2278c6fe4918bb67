"""The source of touches and edges, and the ties of untrusted events, which join nothing.

Rows from before have no source and are untrusted, so the degrees that they made start again from 0.
Claims of public keys are found under a key of their own. All conversions are decided again.

What can go wrong: the downgrade keeps the conversions of public keys, whose ties are lost.
"""

from alembic import op

from shared.db.rls import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIES = """
CREATE TABLE attribution.ties (
    key          bytea NOT NULL,
    tied_key     bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    PRIMARY KEY (key, tied_key, workspace_id)
)
"""
MOVE_CLAIMS = """
UPDATE attribution.evidence SET own_key = 'p'::bytea || substring(own_key FROM 2)
WHERE own_key IS NOT NULL AND kind <> 'order_adjusted'
  AND convert_from(body, 'UTF8')::jsonb -> 'source' ->> 'kind' = 'public'
"""
MOVE_CLAIMS_BACK = """
UPDATE attribution.evidence SET own_key = 'o'::bytea || substring(own_key FROM 2)
WHERE substring(own_key FROM 1 FOR 1) = 'p'::bytea
"""
DECIDE_AGAIN = """
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, 'new_rules' FROM attribution.conversions ON CONFLICT DO NOTHING
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("evidence", "aliases", "neighbours", "conversions", "recomputes")


def upgrade() -> None:
    """Add the sources and the ties, and queue every conversion."""
    op.execute("ALTER TABLE attribution.touches ADD COLUMN source_kind text")
    op.execute("ALTER TABLE attribution.edges ADD COLUMN source_kind text")
    op.execute(TIES)
    for statement in protect("attribution", "ties"):
        op.execute(statement)
    _force(is_forced=False)
    op.execute(MOVE_CLAIMS)
    op.execute("DELETE FROM attribution.neighbours")
    op.execute("UPDATE attribution.aliases SET degree = 0 WHERE degree > 0")
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)
    op.execute("DROP INDEX attribution.evidence_of_conversion")
    op.execute(
        "CREATE INDEX evidence_of_conversion"
        " ON attribution.evidence (own_key, workspace_id, event_id) WHERE own_key IS NOT NULL"
    )


def downgrade() -> None:
    """Forget sources and ties, and queue every conversion."""
    op.execute("DROP INDEX attribution.evidence_of_conversion")
    op.execute(
        "CREATE INDEX evidence_of_conversion ON attribution.evidence (own_key, workspace_id)"
        " WHERE own_key IS NOT NULL"
    )
    _force(is_forced=False)
    op.execute(MOVE_CLAIMS_BACK)
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)
    op.execute("DROP TABLE attribution.ties")
    op.execute("ALTER TABLE attribution.edges DROP COLUMN source_kind")
    op.execute("ALTER TABLE attribution.touches DROP COLUMN source_kind")


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE attribution.{table} {word} ROW LEVEL SECURITY")
