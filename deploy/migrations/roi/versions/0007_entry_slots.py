"""The fields of `laurel.credits` version 2 on raw rows: slot, store, placed units, net.

Promise: rows of version 1 keep NULL, which means that the record did not say it; their store is
`main`, the only one that existed. Sums do not change. The downgrade forgets the new fields.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
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
    "store": "text NOT NULL DEFAULT 'main'",
    "bought_at": "timestamptz",
}
TALLY_COLUMNS = {"link_id": "uuid", "code": "text", "sub_source": "text"}
TABLES = {"credit_entries": COLUMNS, "touch_tallies": TALLY_COLUMNS}


def upgrade() -> None:
    """Add the columns; no row is rewritten."""
    for table, columns in TABLES.items():
        added = ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in columns.items())
        op.execute(f"ALTER TABLE roi.{table} {added}")
    op.execute("ALTER TABLE roi.credit_entries ALTER COLUMN store DROP DEFAULT")


def downgrade() -> None:
    """Drop the columns."""
    for table, columns in TABLES.items():
        dropped = ", ".join(f"DROP COLUMN {name}" for name in columns)
        op.execute(f"ALTER TABLE roi.{table} {dropped}")
