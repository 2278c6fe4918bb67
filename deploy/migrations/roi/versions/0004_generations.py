"""Rollups by generation: the rollups of a new time zone are built beside those that answers read.

They are built in many small transactions and then replace the old ones.
Promise: existing rows are generation 0, by the days of the time zone of the workspace. A workspace
without a row in `rollup_zones` has only that generation.
What can go wrong: the downgrade is refused while a generation is built or deleted, because its rows
would be counted together with the others.
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
-- Answers read the rows of `generation`, by the days of `time_zone`. While next_time_zone is set,
-- generation `building` is built from the records known up to built_to. Rows of other generations
-- are deleted bucket by bucket up to swept_to.
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
    "CREATE INDEX workspaces_rollups_pending ON roi.workspaces (workspace_id)"
    " WHERE rollups_pending",
)

REFUSE_HALF_DONE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM roi.workspaces WHERE rollups_pending) THEN
        RAISE EXCEPTION
            'rollups of another time zone are being built: wait for the end, with roi running';
    END IF;
END $$
"""


def upgrade() -> None:
    """Give the existing rows generation 0, and add the table of time zones."""
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
    """Return to one generation; there is only one when nothing is pending."""
    op.execute(REFUSE_HALF_DONE)
    op.execute("DROP TABLE roi.rollup_zones")
    op.execute("ALTER TABLE roi.workspaces DROP COLUMN rollups_pending")
    for table, key in KEYS.items():
        op.execute(f"ALTER TABLE roi.{table} DROP CONSTRAINT {table}_pkey")
        op.execute(f"ALTER TABLE roi.{table} DROP COLUMN generation")
        op.execute(f"ALTER TABLE roi.{table} ADD PRIMARY KEY (bucket_on, workspace_id, {key})")
