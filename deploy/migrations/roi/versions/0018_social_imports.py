"""Reports of social counts name their import, and the undo of one is a moment of the fold.

Promise: an undo writes changes between two records of credits. In `folded_records` it is a row with
the number of the last record before it, so "as of", the rebuild for another time zone and the
answer's `sequence` go on as with records. Reports of before belong to no import.
The downgrade keeps all figures: reports of undone imports and the imports of counts are deleted,
and the undos are rows with a negative number. A later upgrade numbers them again.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_WIDER = (
    "ALTER TABLE roi.social_counts ADD COLUMN import_id uuid",
    """
CREATE INDEX social_counts_of_import ON roi.social_counts (workspace_id, import_id, account)
WHERE import_id IS NOT NULL
""",
    # 0 is the record itself; other numbers are the undos after it.
    "ALTER TABLE roi.folded_records ADD COLUMN undo integer NOT NULL DEFAULT 0",
    "ALTER TABLE roi.folded_records DROP CONSTRAINT folded_records_pkey",
    "ALTER TABLE roi.folded_records ADD PRIMARY KEY (sequence, undo, workspace_id)",
)
_NUMBER_AGAIN = """
UPDATE roi.folded_records AS f SET undo = -f.sequence, sequence = (
    SELECT max(before.sequence) FROM roi.folded_records AS before
    WHERE before.workspace_id = f.workspace_id AND before.known_at < f.known_at
      AND before.sequence > 0)
WHERE f.sequence < 0
"""
_FORGET = (
    """
DELETE FROM roi.social_counts AS s USING roi.entities AS e
WHERE e.id = s.import_id AND e.workspace_id = s.workspace_id AND e.entity = 'import'
  AND e.archived_at IS NOT NULL
""",
    """
WITH gone AS (
    DELETE FROM roi.versions WHERE entity = 'import' AND facts ->> 'what' = 'social'
    RETURNING entity_id, workspace_id
)
DELETE FROM roi.entities AS e USING gone
WHERE e.id = gone.entity_id AND e.workspace_id = gone.workspace_id
""",
    """
UPDATE roi.folded_records AS f SET sequence = -undos.number FROM (
    SELECT workspace_id, sequence, undo,
           row_number() OVER (PARTITION BY workspace_id ORDER BY known_at) AS number
    FROM roi.folded_records WHERE undo > 0
) AS undos
WHERE f.workspace_id = undos.workspace_id AND f.sequence = undos.sequence AND f.undo = undos.undo
""",
)
_NARROWER = (
    "ALTER TABLE roi.folded_records DROP CONSTRAINT folded_records_pkey",
    "ALTER TABLE roi.folded_records DROP COLUMN undo",
    "ALTER TABLE roi.folded_records ADD PRIMARY KEY (sequence, workspace_id)",
    "DROP INDEX roi.social_counts_of_import",
    "ALTER TABLE roi.social_counts DROP COLUMN import_id",
)
_CHANGED = ("social_counts", "entities", "versions", "folded_records")


def upgrade() -> None:
    """Add the columns, and number the undos of an earlier upgrade again."""
    _run(_WIDER)
    _in_all_workspaces((_NUMBER_AGAIN,))


def downgrade() -> None:
    """Forget which reports belong to which import; keep all figures."""
    _in_all_workspaces(_FORGET)
    _run(_NARROWER)


def _in_all_workspaces(statements: tuple[str, ...]) -> None:
    """Run statements on the rows of all workspaces.

    The owner is under the policies, too, and sees nobody's rows while they are forced.
    """
    for table in _CHANGED:
        op.execute(f"ALTER TABLE roi.{table} NO FORCE ROW LEVEL SECURITY")
    _run(statements)
    for table in _CHANGED:
        op.execute(f"ALTER TABLE roi.{table} FORCE ROW LEVEL SECURITY")


def _run(statements: tuple[str, ...]) -> None:
    for statement in statements:
        op.execute(statement)
