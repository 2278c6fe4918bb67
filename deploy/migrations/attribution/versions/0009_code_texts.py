"""The texts of codes at stored touches, in the form in which codes are compared now.

Records of the catalog and events keep their texts, because readers call `code_text` on them. All
conversions are decided again: a code that matched nothing may match now.
What can go wrong: the downgrade keeps the new texts. The counts of touches by code that were
published before keep the old texts.
"""

import sqlalchemy as sa
from alembic import op

from shared.code_texts import code_text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CODES = "SELECT DISTINCT code FROM attribution.touches WHERE code IS NOT NULL"
RENAME = "UPDATE attribution.touches SET code = :new WHERE code = :old"
DECIDE_AGAIN = """
INSERT INTO attribution.recomputes (own_key, workspace_id, reason)
SELECT own_key, workspace_id, 'new_rules' FROM attribution.conversions ON CONFLICT DO NOTHING
"""
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = ("touches", "conversions", "recomputes")


def upgrade() -> None:
    """Rename the codes, and queue every conversion."""
    _force(is_forced=False)
    connection = op.get_bind()
    for (old,) in connection.execute(sa.text(CODES)).all():
        new = code_text(old).text
        if new != old:
            connection.execute(sa.text(RENAME), {"old": old, "new": new})
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)


def downgrade() -> None:
    """Queue every conversion."""
    _force(is_forced=False)
    op.execute(DECIDE_AGAIN)
    _force(is_forced=True)


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE attribution.{table} {word} ROW LEVEL SECURITY")
