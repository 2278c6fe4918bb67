"""The store of each conversion, and the flags of evidence.

Promise: every conversion of before is of the store `main`, and its keys stay the same. The customer
id `0`, which shops send for every guest, joins no keys any more; what it joined is decided again.
What can go wrong: the downgrade does not bring back the edges of guests. An older release reads the
conversions of other stores as those of `main`.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# `customer_key("0", "main")` of the releases before.
GUEST = r"'\x639659ef30053604f157193c653174a9'::bytea"
DECIDE_AGAIN = f"""
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, 'new_rules' FROM attribution.conversion_keys WHERE key = {GUEST}
UNION
SELECT c.own_key, c.workspace_id, 'new_rules'
FROM attribution.aliases AS guest
JOIN attribution.aliases AS member
  ON member.component_id = guest.component_id AND member.workspace_id = guest.workspace_id
JOIN attribution.conversions AS c
  ON c.own_key = member.key AND c.workspace_id = member.workspace_id
WHERE guest.key = {GUEST}
ON CONFLICT DO NOTHING
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("edges", "aliases", "neighbours", "conversions", "conversion_keys", "recomputes")


def upgrade() -> None:
    """Add the columns, and end the joins of guests."""
    op.execute("ALTER TABLE attribution.conversions ADD COLUMN store text NOT NULL DEFAULT 'main'")
    op.execute("ALTER TABLE attribution.evidence ADD COLUMN quality text[]")
    op.execute(
        "CREATE INDEX evidence_unnamed_store ON attribution.evidence (occurred_at, workspace_id)"
        " WHERE quality @> '{unnamed_store}'"
    )
    _force(is_forced=False)
    op.execute(DECIDE_AGAIN)
    op.execute(f"DELETE FROM attribution.edges WHERE {GUEST} IN (key_a, key_b)")
    op.execute(f"DELETE FROM attribution.neighbours WHERE {GUEST} IN (key, neighbour)")
    op.execute(f"DELETE FROM attribution.conversion_keys WHERE key = {GUEST}")
    op.execute(f"UPDATE attribution.aliases SET degree = 0 WHERE key = {GUEST}")
    _force(is_forced=True)


def downgrade() -> None:
    """Drop the columns."""
    op.execute("DROP INDEX attribution.evidence_unnamed_store")
    op.execute("ALTER TABLE attribution.evidence DROP COLUMN quality")
    op.execute("ALTER TABLE attribution.conversions DROP COLUMN store")


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE attribution.{table} {word} ROW LEVEL SECURITY")
