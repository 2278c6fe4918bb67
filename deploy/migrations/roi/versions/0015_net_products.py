"""The sums of amount × net of rollups, from which the intervals of money figures are computed.

Promise: each workspace builds its rollups again from its entries, in the background. Until it is
done, the products of stored rows are unknown: `amount_without_net` holds their whole amount, and
answers have no interval for them. A generation that is being built begins again. The downgrade
forgets the products.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROLLUPS = ("rollups", "rollups_monthly", "rollups_history")
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = (*ROLLUPS, "rollup_zones", "versions")
# A product of two bigints may be greater than a bigint.
COLUMNS = (
    "amount_times_net numeric NOT NULL DEFAULT 0",
    "amount_without_net bigint NOT NULL DEFAULT 0",
)
UNKNOWN = "UPDATE roi.{table} SET amount_without_net = amount_minor WHERE amount_minor <> 0"
BUILD_AGAIN = """
INSERT INTO roi.rollup_zones AS z (workspace_id, generation, time_zone, building, next_time_zone)
SELECT v.entity_id, 0, v.facts ->> 'time_zone', 1, v.facts ->> 'time_zone'
FROM roi.versions AS v
WHERE v.entity = 'workspace' AND v.superseded_at IS NULL AND v.facts ->> 'time_zone' IS NOT NULL
ON CONFLICT (workspace_id) DO UPDATE
SET building = z.building + 1, next_time_zone = coalesce(z.next_time_zone, z.time_zone),
    built_to = NULL, swept_to = NULL
"""
BEGIN = """
UPDATE roi.workspaces AS w SET rollups_pending = true
FROM roi.rollup_zones AS z WHERE z.workspace_id = w.workspace_id AND z.next_time_zone IS NOT NULL
"""


def upgrade() -> None:
    """Add the columns, and ask for a new generation of each workspace."""
    _force(is_forced=False)
    for table in ROLLUPS:
        added = ", ".join(f"ADD COLUMN {column}" for column in COLUMNS)
        op.execute(f"ALTER TABLE roi.{table} {added}")
        op.execute(UNKNOWN.format(table=table))
    op.execute(BUILD_AGAIN)
    op.execute(BEGIN)
    _force(is_forced=True)


def downgrade() -> None:
    """Drop the columns."""
    for table in ROLLUPS:
        op.execute(
            f"ALTER TABLE roi.{table} DROP COLUMN amount_times_net, DROP COLUMN amount_without_net"
        )


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE roi.{table} {word} ROW LEVEL SECURITY")
