"""Raw credits (entries, touch tallies), their rollups by local day, and the state of the fold.

Promise: `credit_entries` and `touch_tallies` are append-only and complete. The rollup tables are
sums of them and can be rebuilt at any time. `rollups` and `touch_rollups` hold the sums of now. The
`_history` tables hold the same sums by the day on which they became known, so "as of T" is the
history before the day of T plus the raw rows of that day. `known_at` comes from the clock of the
workspace. The `_monthly` tables hold the sums of now by local month, for long spans.
What can go wrong: `offsets` is exempt from row-level security, because a partition holds many
workspaces; it holds numbers of records only.
"""

from alembic import op

from shared.db.rls import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RAW_TABLES = (
    """
-- Exempt: the offset to read next, moved in the transaction of the effects.
CREATE TABLE roi.offsets (
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
)
""",
    """
-- The last folded record. Records beyond missing_sequence wait in waiting_credits for it.
CREATE TABLE roi.folds (
    workspace_id     uuid   PRIMARY KEY,
    sequence         bigint NOT NULL CHECK (sequence >= 0),
    missing_sequence bigint CHECK (missing_sequence = sequence + 1)
)
""",
    """
-- When each record became known; an answer "as of" reads its sequence here.
CREATE TABLE roi.folded_records (
    sequence     bigint      NOT NULL,
    workspace_id uuid        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    known_at     timestamptz NOT NULL,
    PRIMARY KEY (sequence, workspace_id)
)
""",
    """
CREATE INDEX folded_records_by_time ON roi.folded_records (workspace_id, known_at)
""",
    """
-- Records beyond a gap, until the missing numbers are published again.
CREATE TABLE roi.waiting_credits (
    sequence     bigint NOT NULL,
    workspace_id uuid   NOT NULL,
    value        bytea  NOT NULL,
    PRIMARY KEY (sequence, workspace_id)
)
""",
    """
-- The entries of the ledger. The account "organic" is the nil UUID. currency NULL: no money.
CREATE TABLE roi.credit_entries (
    sequence        bigint      NOT NULL,
    position        integer     NOT NULL,
    workspace_id    uuid        NOT NULL,
    conversion_id   uuid        NOT NULL,
    conversion_kind text        NOT NULL,
    natural_id      text        NOT NULL,
    model           text        NOT NULL,
    revision        integer     NOT NULL,
    account         uuid        NOT NULL,
    stage           text        NOT NULL,
    touch_stage     text,
    currency        text,
    amount_minor    bigint      NOT NULL,
    units           bigint      NOT NULL,
    occurred_at     timestamptz NOT NULL,
    touched_at      timestamptz,
    person_ref      text        NOT NULL,
    new_customer    boolean,
    recorded_at     timestamptz NOT NULL,
    known_at        timestamptz NOT NULL,
    recorded_day    date        NOT NULL,
    PRIMARY KEY (sequence, position, workspace_id)
)
""",
    """
-- For "as of": the entries of one day of one workspace up to a moment.
CREATE INDEX credit_entries_of_a_day ON roi.credit_entries (recorded_day, workspace_id, known_at)
""",
    """
CREATE TABLE roi.touch_tallies (
    sequence     bigint      NOT NULL,
    position     integer     NOT NULL,
    workspace_id uuid        NOT NULL,
    account      uuid        NOT NULL,
    touch_kind   text        NOT NULL,
    stage        text        NOT NULL,
    quarter_at   timestamptz NOT NULL,
    counted      bigint      NOT NULL,
    flagged      bigint      NOT NULL,
    recorded_at  timestamptz NOT NULL,
    known_at     timestamptz NOT NULL,
    recorded_day date        NOT NULL,
    PRIMARY KEY (sequence, position, workspace_id)
)
""",
    """
CREATE INDEX touch_tallies_of_a_day ON roi.touch_tallies (recorded_day, workspace_id, known_at)
""",
)

# Rows are updated many times a day and no updated column is indexed, so free space on a page keeps
# the new versions there.
ROLLUP_TABLES = (
    """
-- Sums by local day of the conversion or of the touch (basis). currency '': conversions without
-- money.
CREATE TABLE roi.rollups (
    bucket_on       date   NOT NULL,
    workspace_id    uuid   NOT NULL,
    basis           text   NOT NULL CHECK (basis IN ('conversion_time', 'touch_time')),
    model           text   NOT NULL,
    account         uuid   NOT NULL,
    stage           text   NOT NULL,
    conversion_kind text   NOT NULL,
    currency        text   NOT NULL,
    amount_minor    bigint NOT NULL,
    units           bigint NOT NULL,
    PRIMARY KEY (bucket_on, workspace_id, basis, model, account, stage, conversion_kind, currency)
) WITH (fillfactor = 80)
""",
    """
CREATE TABLE roi.rollups_history (
    bucket_on       date   NOT NULL,
    workspace_id    uuid   NOT NULL,
    basis           text   NOT NULL CHECK (basis IN ('conversion_time', 'touch_time')),
    model           text   NOT NULL,
    recorded_day    date   NOT NULL,
    account         uuid   NOT NULL,
    stage           text   NOT NULL,
    conversion_kind text   NOT NULL,
    currency        text   NOT NULL,
    amount_minor    bigint NOT NULL,
    units           bigint NOT NULL,
    PRIMARY KEY (bucket_on, workspace_id, basis, model, recorded_day, account, stage,
                 conversion_kind, currency)
) WITH (fillfactor = 80)
""",
    """
-- The same sums by local month; bucket_on is its first day.
CREATE TABLE roi.rollups_monthly (LIKE roi.rollups INCLUDING ALL) WITH (fillfactor = 80)
""",
    """
CREATE TABLE roi.touch_rollups (
    bucket_on    date   NOT NULL,
    workspace_id uuid   NOT NULL,
    touch_kind   text   NOT NULL,
    account      uuid   NOT NULL,
    stage        text   NOT NULL,
    counted      bigint NOT NULL,
    flagged      bigint NOT NULL,
    PRIMARY KEY (bucket_on, workspace_id, touch_kind, account, stage)
) WITH (fillfactor = 80)
""",
    """
CREATE TABLE roi.touch_rollups_monthly (LIKE roi.touch_rollups INCLUDING ALL)
WITH (fillfactor = 80)
""",
    """
CREATE TABLE roi.touch_rollups_history (
    bucket_on    date   NOT NULL,
    workspace_id uuid   NOT NULL,
    touch_kind   text   NOT NULL,
    recorded_day date   NOT NULL,
    account      uuid   NOT NULL,
    stage        text   NOT NULL,
    counted      bigint NOT NULL,
    flagged      bigint NOT NULL,
    PRIMARY KEY (bucket_on, workspace_id, touch_kind, recorded_day, account, stage)
) WITH (fillfactor = 80)
""",
)

PROTECTED = (
    "folds",
    "folded_records",
    "waiting_credits",
    "credit_entries",
    "touch_tallies",
    "rollups",
    "rollups_history",
    "rollups_monthly",
    "touch_rollups",
    "touch_rollups_monthly",
    "touch_rollups_history",
)


def upgrade() -> None:
    """Create the tables and protect those with data of a workspace."""
    for statement in (*RAW_TABLES, *ROLLUP_TABLES):
        op.execute(statement)
    for table in PROTECTED:
        for statement in protect("roi", table):
            op.execute(statement)


def downgrade() -> None:
    """Drop everything."""
    for table in (*reversed(PROTECTED), "offsets"):
        op.execute(f"DROP TABLE roi.{table}")
