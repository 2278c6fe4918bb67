"""Social counts: reports as they came, the changes that follow from them, and their rollups.

Promise: `social_counts` and `count_changes` are append-only. The changes of a placement are those
of all its reports that are known by then; `known_at` says by when, so "as of T" is a sum of changes
as of T. The rollups are sums of changes, with the same three tables as those of touches. Existing
rows do not change. The downgrade forgets the counts; a later upgrade begins without them.
"""

from alembic import op

from shared.db.rls import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COUNTS = (
    "impressions",
    "reach",
    "views",
    "watch_seconds",
    "likes",
    "comments",
    "shares",
    "saves",
    "link_taps",
    "followers_gained",
)
_COUNT_COLUMNS = ",\n    ".join(f"{name} bigint" for name in COUNTS)

TABLES = (
    f"""
-- One row for each report of each record. The order of `source` is that of its bytes everywhere.
CREATE TABLE roi.social_counts (
    sequence     bigint      NOT NULL,
    position     integer     NOT NULL,
    workspace_id uuid        NOT NULL,
    account      uuid        NOT NULL,
    source       text COLLATE "C" NOT NULL,
    quality      text        NOT NULL,
    counted_at   timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    event_id     uuid        NOT NULL,
    {_COUNT_COLUMNS},
    recorded_at  timestamptz NOT NULL,
    known_at     timestamptz NOT NULL,
    recorded_day date        NOT NULL,
    PRIMARY KEY (sequence, position, workspace_id)
)
""",
    """
CREATE INDEX social_counts_of_placement ON roi.social_counts
    (workspace_id, account, counted_at DESC, source, received_at DESC, event_id DESC)
""",
    """
-- What each record changes: `change` of a metric at a moment, the number of its reports, and how
-- far it falls there.
CREATE TABLE roi.count_changes (
    sequence     bigint      NOT NULL,
    position     integer     NOT NULL,
    workspace_id uuid        NOT NULL,
    account      uuid        NOT NULL,
    metric       text        NOT NULL,
    counted_at   timestamptz NOT NULL,
    change       bigint      NOT NULL,
    reports      bigint      NOT NULL,
    fallen       bigint      NOT NULL,
    recorded_at  timestamptz NOT NULL,
    known_at     timestamptz NOT NULL,
    recorded_day date        NOT NULL,
    PRIMARY KEY (sequence, position, workspace_id)
)
""",
    """
CREATE INDEX count_changes_of_a_day ON roi.count_changes (recorded_day, workspace_id, known_at)
""",
    """
CREATE INDEX count_changes_by_moment ON roi.count_changes (workspace_id, counted_at)
""",
    """
CREATE TABLE roi.count_rollups (
    bucket_on    date    NOT NULL,
    workspace_id uuid    NOT NULL,
    generation   integer NOT NULL,
    metric       text    NOT NULL,
    account      uuid    NOT NULL,
    change       bigint  NOT NULL,
    reports      bigint  NOT NULL,
    fallen       bigint  NOT NULL,
    PRIMARY KEY (bucket_on, workspace_id, generation, metric, account)
) WITH (fillfactor = 80)
""",
    """
CREATE TABLE roi.count_rollups_monthly (LIKE roi.count_rollups INCLUDING ALL)
WITH (fillfactor = 80)
""",
    """
CREATE TABLE roi.count_rollups_history (
    bucket_on    date    NOT NULL,
    workspace_id uuid    NOT NULL,
    generation   integer NOT NULL,
    metric       text    NOT NULL,
    recorded_day date    NOT NULL,
    account      uuid    NOT NULL,
    change       bigint  NOT NULL,
    reports      bigint  NOT NULL,
    fallen       bigint  NOT NULL,
    PRIMARY KEY (bucket_on, workspace_id, generation, metric, recorded_day, account)
) WITH (fillfactor = 80)
""",
)
SPREAD_EQUALLY = """
UPDATE roi.versions SET facts = jsonb_set(facts, '{spread}', '"equal"')
WHERE entity = 'cost' AND facts ->> 'spread' = 'views'
"""
PROTECTED = (
    "social_counts",
    "count_changes",
    "count_rollups",
    "count_rollups_monthly",
    "count_rollups_history",
)


def upgrade() -> None:
    """Make the tables, each with its policy."""
    for statement in TABLES:
        op.execute(statement)
    for table in PROTECTED:
        for statement in protect("roi", table):
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables; costs that are spread by views are shared equally."""
    # The owner is under the policies, too, and sees nobody's rows while they are forced.
    op.execute("ALTER TABLE roi.versions NO FORCE ROW LEVEL SECURITY")
    op.execute(SPREAD_EQUALLY)
    op.execute("ALTER TABLE roi.versions FORCE ROW LEVEL SECURITY")
    for table in reversed(PROTECTED):
        op.execute(f"DROP TABLE roi.{table}")
