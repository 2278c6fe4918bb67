"""The placed units of rollups: purchases that were made, whatever became of them.

Promise: each workspace builds its rollups again from its entries, in the background. Until it is
done, what was kept stands for what was placed. A generation that is being built begins again. The
downgrade forgets the placed units.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROLLUPS = ("rollups", "rollups_monthly", "rollups_history")
# The owner is under the policies, too, and sees no row while they are forced.
FORCED = (*ROLLUPS, "rollup_zones", "versions")
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
    """Add the column, and ask for a new generation of each workspace."""
    _force(is_forced=False)
    for table in ROLLUPS:
        op.execute(f"ALTER TABLE roi.{table} ADD COLUMN placed_units bigint NOT NULL DEFAULT 0")
        op.execute(f"UPDATE roi.{table} SET placed_units = units WHERE units <> 0")
    op.execute(BUILD_AGAIN)
    op.execute(BEGIN)
    _force(is_forced=True)


def downgrade() -> None:
    """Drop the column."""
    for table in ROLLUPS:
        op.execute(f"ALTER TABLE roi.{table} DROP COLUMN placed_units")


def _force(*, is_forced: bool) -> None:
    for table in FORCED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE roi.{table} {word} ROW LEVEL SECURITY")
