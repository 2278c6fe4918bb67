"""Rollups by generation: another time zone's are made beside those that answers read, in many small transactions, then take their place.

Promise: rows that exist are generation 0, by the days of the workspace's zone; a workspace without a row in `rollup_zones` has no other.
What can go wrong: going down is refused while a generation is being made or swept away, because its rows would be counted with the others.
"""

from alembic import op

from shared.db.rls import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CREDITS = "basis, model, {recorded_day} account, stage, conversion_kind, currency"
_TOUCHES = "touch_kind, {recorded_day} account, stage"
KEYS = {
    "rollups": _CREDITS.format(recorded_day=""),
    "rollups_monthly": _CREDITS.format(recorded_day=""),
    "rollups_history": _CREDITS.format(recorded_day="recorded_day,"),
    "touch_rollups": _TOUCHES.format(recorded_day=""),
    "touch_rollups_monthly": _TOUCHES.format(recorded_day=""),
    "touch_rollups_history": _TOUCHES.format(recorded_day="recorded_day,"),
}

TABLES = (
    """
-- Answers read the rows of `generation`, by the days of `time_zone`. While next_time_zone is set, generation `building` is made of the records
-- known up to built_to. Rows of any other generation are swept away, bucket after bucket, up to swept_to.
CREATE TABLE roi.rollup_zones (
    workspace_id   uuid    PRIMARY KEY,
    generation     integer NOT NULL,
    time_zone      text    NOT NULL,
    building       integer NOT NULL,
    next_time_zone text,
    built_to       timestamptz,
    swept_to       date
)
""",
    "ALTER TABLE roi.workspaces ADD COLUMN rollups_pending boolean NOT NULL DEFAULT false",
    "CREATE INDEX workspaces_rollups_pending ON roi.workspaces (workspace_id) WHERE rollups_pending",
)

REFUSE_HALF_DONE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM roi.workspaces WHERE rollups_pending) THEN
        RAISE EXCEPTION 'rollups of another time zone are being made: wait for the end, with roi running';
    END IF;
END $$
"""


def upgrade() -> None:
    """Number the rows that exist, and remember by whose days they are."""
    for table, key in KEYS.items():
        op.execute(f"ALTER TABLE roi.{table} ADD COLUMN generation integer NOT NULL DEFAULT 0")
        op.execute(f"ALTER TABLE roi.{table} ALTER COLUMN generation DROP DEFAULT")
        op.execute(f"ALTER TABLE roi.{table} DROP CONSTRAINT {table}_pkey")
        op.execute(
            f"ALTER TABLE roi.{table} ADD PRIMARY KEY (bucket_on, workspace_id, generation, {key})"
        )
    for statement in (*TABLES, *protect("roi", "rollup_zones")):
        op.execute(statement)


def downgrade() -> None:
    """Back to one generation, which is all there is when nothing is pending."""
    op.execute(REFUSE_HALF_DONE)
    op.execute("DROP TABLE roi.rollup_zones")
    op.execute("ALTER TABLE roi.workspaces DROP COLUMN rollups_pending")
    for table, key in KEYS.items():
        op.execute(f"ALTER TABLE roi.{table} DROP CONSTRAINT {table}_pkey")
        op.execute(f"ALTER TABLE roi.{table} DROP COLUMN generation")
        op.execute(f"ALTER TABLE roi.{table} ADD PRIMARY KEY (bucket_on, workspace_id, {key})")
