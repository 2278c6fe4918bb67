"""The index by which a search finds the objects of a kind, in the place of two partial ones.

Promise: no row changes, up or down.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# The kinds that had an index of their own.
PARTIAL = {"catalog_stores": "store", "catalog_codes": "code"}


def upgrade() -> None:
    """Create the index of all kinds, and drop those of one."""
    op.execute("CREATE INDEX catalog_of_kind ON attribution.catalog (entity, workspace_id)")
    for name in PARTIAL:
        op.execute(f"DROP INDEX attribution.{name}")


def downgrade() -> None:
    """Create the indexes of one kind again, and drop that of all."""
    for name, kind in PARTIAL.items():
        op.execute(
            f"CREATE INDEX {name} ON attribution.catalog (workspace_id) WHERE entity = '{kind}'"
        )
    op.execute("DROP INDEX attribution.catalog_of_kind")
