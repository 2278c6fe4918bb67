"""The fields of a ledger slot on the lines of the ledger: what earned the credit, and of what.

Promise: older lines keep NULL, which means that they belong to one touch with its exact time. The
first new revision of their conversion reverses them as they are. The downgrade forgets the fields;
amounts and dates stay.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = {
    "touch_kind": "text",
    "evidence_class": "text",
    "link_id": "uuid",
    "code": "text",
    "sub_source": "text",
    "placed_units": "bigint",
    "net_minor": "bigint",
    "reverses": "integer",
}


def upgrade() -> None:
    """Add the columns; no line is rewritten."""
    added = ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items())
    op.execute(f"ALTER TABLE attribution.ledger {added}")


def downgrade() -> None:
    """Drop the columns."""
    dropped = ", ".join(f"DROP COLUMN {name}" for name in COLUMNS)
    op.execute(f"ALTER TABLE attribution.ledger {dropped}")
