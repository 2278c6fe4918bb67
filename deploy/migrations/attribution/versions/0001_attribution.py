"""The schema of attribution: evidence, identity, decisions, ledger, outbox, and a catalog copy.

Promise: every table is under forced row-level security, except those in `EXEMPT`, which hold no
personal data. Primary keys start with the selective column and end with the workspace. Ledger and
decisions are append-only: the role of the service may neither change nor delete their rows.
What can go wrong: the downgrade drops the ledger; it is for development.
"""

from alembic import op

from shared.db.rls import protect
from shared.db.roles import role_name

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EXEMPT = ("offsets", "workspaces", "key_hashes")
PROTECTED = (
    "touches",
    "evidence",
    "edges",
    "aliases",
    "neighbours",
    "conversions",
    "conversion_keys",
    "decision_subjects",
    "decisions",
    "ledger",
    "recomputes",
    "dead_letters",
    "outbox",
    "catalog",
)

STATE = """
-- The offset to read next, moved by compare-and-set in the transaction of a batch.
CREATE TABLE attribution.offsets (
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- The counters of each workspace, changed only under its lock.
CREATE TABLE attribution.workspaces (
    workspace_id     uuid        PRIMARY KEY,
    last_sequence    bigint      NOT NULL DEFAULT 0,
    last_recorded_at timestamptz NOT NULL DEFAULT '-infinity',
    catalog_version  bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- API keys by SHA-256: they give the workspace of a request.
CREATE TABLE attribution.key_hashes (
    sha256       bytea   PRIMARY KEY CHECK (length(sha256) = 32),
    workspace_id uuid    NOT NULL,
    key_id       uuid    NOT NULL,
    scopes       text[]  NOT NULL,
    is_public    boolean NOT NULL,
    origins      text[]  NOT NULL
);
"""

EVIDENCE = """
-- One row a touch. A derived row was rebuilt from a click id; the real click replaces it.
CREATE TABLE attribution.touches (
    event_id     uuid        NOT NULL,
    workspace_id uuid        NOT NULL,
    kind         text        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    anon_key     bytea,
    click_key    bytea,
    link_id      uuid,
    placement_id uuid,
    code         text,
    quality      text[]      NOT NULL,
    consent      boolean     NOT NULL,
    derived      boolean     NOT NULL,
    fingerprint  bytea       NOT NULL,
    PRIMARY KEY (event_id, workspace_id),
    CHECK (num_nonnulls(link_id, placement_id, code) = 1)
);
CREATE INDEX touches_of_person ON attribution.touches (anon_key, workspace_id, occurred_at)
    WHERE anon_key IS NOT NULL;
-- A touch is in exactly one of these three indexes. They find the touches of a corrected fact.
CREATE INDEX touches_of_link ON attribution.touches (link_id, workspace_id)
    WHERE link_id IS NOT NULL;
CREATE INDEX touches_of_placement ON attribution.touches (placement_id, workspace_id)
    WHERE placement_id IS NOT NULL;
CREATE INDEX touches_of_code ON attribution.touches (code, workspace_id)
    WHERE code IS NOT NULL;

-- Every other event, unchanged. `own_key` names the conversion of a version or an adjustment.
CREATE TABLE attribution.evidence (
    event_id     uuid        NOT NULL,
    workspace_id uuid        NOT NULL,
    kind         text        NOT NULL,
    occurred_at  timestamptz NOT NULL,
    own_key      bytea,
    fingerprint  bytea       NOT NULL,
    body         bytea       NOT NULL,
    PRIMARY KEY (event_id, workspace_id)
);
CREATE INDEX evidence_of_conversion ON attribution.evidence (own_key, workspace_id)
    WHERE own_key IS NOT NULL;

-- Two keys seen together on one event.
CREATE TABLE attribution.edges (
    key_a        bytea NOT NULL,
    event_id     uuid  NOT NULL,
    key_b        bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    PRIMARY KEY (key_a, event_id, key_b, workspace_id)
);
"""

IDENTITY = """
-- A key that was seen with another: its component (the scope of a recompute, which only grows), the
-- number of distinct keys it was seen with (a click id counts as its visitor), and for a click id
-- its touch.
CREATE TABLE attribution.aliases (
    key          bytea   NOT NULL,
    workspace_id uuid    NOT NULL,
    component_id bytea   NOT NULL,
    degree       integer NOT NULL DEFAULT 0,
    touch_id     uuid,
    PRIMARY KEY (key, workspace_id)
);
CREATE INDEX aliases_of_component ON attribution.aliases (component_id, workspace_id);

CREATE TABLE attribution.neighbours (
    key          bytea NOT NULL,
    neighbour    bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    PRIMARY KEY (key, neighbour, workspace_id)
);
"""

DECISIONS = """
-- The current state of each conversion. `decision` is the last decision, `standing` its entries.
CREATE TABLE attribution.conversions (
    own_key       bytea       NOT NULL,
    workspace_id  uuid        NOT NULL,
    conversion_id uuid        NOT NULL,
    kind          text        NOT NULL,
    natural_id    text        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    status        text        NOT NULL,
    net_minor     bigint      NOT NULL,
    currency      text,
    revision      integer     NOT NULL,
    decision      bytea       NOT NULL,
    standing      bytea       NOT NULL,
    PRIMARY KEY (own_key, workspace_id)
) WITH (fillfactor = 80);
CREATE INDEX conversions_by_time ON attribution.conversions (occurred_at, workspace_id);
CREATE INDEX conversions_awaiting ON attribution.conversions (own_key, workspace_id)
    WHERE status = 'awaiting_order';

-- The conversions that carry a key. The touches of a hub count for these only.
CREATE TABLE attribution.conversion_keys (
    key          bytea NOT NULL,
    own_key      bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    PRIMARY KEY (key, own_key, workspace_id)
);

-- The conversions that depend on a link, a placement or a code, for the correction of a fact.
CREATE TABLE attribution.decision_subjects (
    subject      text  NOT NULL,
    own_key      bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    PRIMARY KEY (subject, own_key, workspace_id)
);

CREATE TABLE attribution.decisions (
    own_key      bytea       NOT NULL,
    revision     integer     NOT NULL,
    workspace_id uuid        NOT NULL,
    decision_id  uuid        NOT NULL,
    sequence     bigint,
    recorded_at  timestamptz NOT NULL,
    reason       text        NOT NULL,
    net_minor    bigint      NOT NULL,
    currency     text,
    models       text[]      NOT NULL,
    body         bytea       NOT NULL,
    PRIMARY KEY (own_key, revision, workspace_id)
);

-- Append-only. A line is one entry of one decision revision.
CREATE TABLE attribution.ledger (
    sequence     bigint      NOT NULL,
    line         integer     NOT NULL,
    workspace_id uuid        NOT NULL,
    own_key      bytea       NOT NULL,
    decision_id  uuid        NOT NULL,
    model        text        NOT NULL,
    revision     integer     NOT NULL,
    account      text        NOT NULL,
    amount_minor bigint      NOT NULL,
    currency     text,
    units        bigint      NOT NULL,
    stage        text        NOT NULL,
    touch_stage  text,
    touched_at   timestamptz,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (sequence, line, workspace_id)
);
CREATE INDEX ledger_of_conversion ON attribution.ledger (own_key, workspace_id);

-- The queue of conversions that a corrected fact may change.
CREATE TABLE attribution.recomputes (
    own_key      bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    reason       text  NOT NULL,
    PRIMARY KEY (own_key, workspace_id)
);
"""

EDGE = """
-- Records that could not be used, unchanged. Workspace zero: its workspace could not be read.
CREATE TABLE attribution.dead_letters (
    dead_letter_id uuid        NOT NULL,
    workspace_id   uuid        NOT NULL,
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    record_offset  bigint      NOT NULL,
    key            bytea       NOT NULL,
    value          bytea       NOT NULL,
    reason         text        NOT NULL,
    detail         text        NOT NULL,
    event_id       uuid,
    recorded_at    timestamptz NOT NULL,
    resolved_at    timestamptz,
    PRIMARY KEY (dead_letter_id, workspace_id)
);
CREATE INDEX dead_letters_by_time
    ON attribution.dead_letters (recorded_at, dead_letter_id, workspace_id);

-- Records for the log. Positions are taken under the lock of the workspace, so they are in order.
CREATE TABLE attribution.outbox (
    position     bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id uuid  NOT NULL,
    topic        text  NOT NULL,
    key          bytea NOT NULL,
    value        bytea NOT NULL,
    PRIMARY KEY (position, workspace_id)
);

-- The newest record of each catalog entity, and the catalog version that brought it.
CREATE TABLE attribution.catalog (
    entity_id    uuid   NOT NULL,
    workspace_id uuid   NOT NULL,
    entity       text   NOT NULL,
    revision     bigint NOT NULL,
    version      bigint NOT NULL,
    record       bytea  NOT NULL,
    PRIMARY KEY (entity_id, workspace_id)
);
CREATE INDEX catalog_by_version ON attribution.catalog (version, workspace_id);
"""

_TABLES_DOWN = (*PROTECTED, *EXEMPT)


def upgrade() -> None:
    """Create the tables, make ledger and decisions append-only, and protect the tables."""
    for block in (STATE, EVIDENCE, IDENTITY, DECISIONS, EDGE):
        op.execute(block)
    for table in ("ledger", "decisions"):
        op.execute(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON attribution.{table}"
            f" FROM {role_name('attribution')}"
        )
    for table in PROTECTED:
        for statement in protect("attribution", table):
            op.execute(statement)


def downgrade() -> None:
    """Drop everything but the schema, which holds the version table."""
    for table in _TABLES_DOWN:
        op.execute(f"DROP TABLE attribution.{table}")
