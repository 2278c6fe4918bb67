"""The texts of codes at stored touches, in the form in which codes are compared now.

The attention list finds flagged events and the codes of the catalog by partial indexes.
Records of the catalog and events keep their texts, because readers call `code_text` on them. All
conversions are decided again: a code that matched nothing may match now.
What can go wrong: the downgrade keeps the new texts. The counts of touches by code that were
published before keep the old texts.
"""

import sqlalchemy as sa
from alembic import op

from shared.code_texts import code_text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CODES = "SELECT DISTINCT code FROM attribution.touches WHERE code IS NOT NULL"
RENAME = "UPDATE attribution.touches SET code = :new WHERE code = :old"
DECIDE_AGAIN = """
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, 'new_rules' FROM attribution.conversions ON CONFLICT DO NOTHING
"""
INDEXES = {
    "catalog_codes": "attribution.catalog (workspace_id) WHERE entity = 'code'",
    "evidence_foreign": "attribution.evidence (occurred_at, workspace_id)"
    " WHERE position('\"foreign_click_id\"'::bytea IN body) > 0",
    "evidence_clamped": "attribution.evidence (occurred_at, workspace_id)"
    " WHERE position('\"clamped\"'::bytea IN body) > 0",
    "touches_foreign": "attribution.touches (occurred_at, workspace_id)"
    " WHERE quality @> ARRAY['foreign_click_id'::text]",
    "touches_clamped": "attribution.touches (occurred_at, workspace_id)"
    " WHERE quality @> ARRAY['clamped'::text]",
}
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("touches", "conversions", "recomputes")


def upgrade() -> None:
    """Rename the codes, queue every conversion, and add the indexes."""
    for name, target in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {target}")
    _force(is_forced=False)
    connection = op.get_bind()
    for (old,) in connection.execute(sa.text(CODES)).all():
        new = code_text(old).text
        if new != old:
            connection.execute(sa.text(RENAME), {"old": old, "new": new})
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)


def downgrade() -> None:
    """Drop the indexes, and queue every conversion."""
    for name in INDEXES:
        op.execute(f"DROP INDEX attribution.{name}")
    _force(is_forced=False)
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE attribution.{table} {word} ROW LEVEL SECURITY")
