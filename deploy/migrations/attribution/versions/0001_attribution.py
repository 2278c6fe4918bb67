"""The schema of attribution: evidence, identity, decisions, the ledger, the outbox and a copy of the catalog's facts.

Promise: every table holds its rows per workspace under forced row-level security, except the closed list `EXEMPT`, which holds no
person's data. Primary keys start with the selective column and end with the workspace. Ledger and decisions are append-only: the
service's role has no right to change or delete them.
What can go wrong: downgrade drops the books; it is for development.
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
-- The offset to read next, moved by compare-and-set in the transaction of a batch's effects.
CREATE TABLE attribution.offsets (
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- The counters of each workspace, moved only under its lock.
CREATE TABLE attribution.workspaces (
    workspace_id     uuid        PRIMARY KEY,
    last_sequence    bigint      NOT NULL DEFAULT 0,
    last_recorded_at timestamptz NOT NULL DEFAULT '-infinity',
    catalog_version  bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- API keys by their SHA-256: what a request is looked up with before its workspace is known.
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
CREATE INDEX touches_of_person ON attribution.touches (anon_key, workspace_id, occurred_at) WHERE anon_key IS NOT NULL;
-- A touch is in exactly one of these three: they find what a corrected fact moves.
CREATE INDEX touches_of_link ON attribution.touches (link_id, workspace_id) WHERE link_id IS NOT NULL;
CREATE INDEX touches_of_placement ON attribution.touches (placement_id, workspace_id) WHERE placement_id IS NOT NULL;
CREATE INDEX touches_of_code ON attribution.touches (code, workspace_id) WHERE code IS NOT NULL;

-- Every other event, as it came. `own_key` names the conversion that a version or an adjustment is about.
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
CREATE INDEX evidence_of_conversion ON attribution.evidence (own_key, workspace_id) WHERE own_key IS NOT NULL;

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
-- A key that met another: its component (the scope of a recompute, a union that only grows), how many distinct keys it was seen
-- with (a click id counts as the visitor who made it), and for a click id the touch it belongs to.
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
-- What stands for each conversion. `decision` is the last decision in full, `standing` the entries that the ledger holds net.
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
CREATE INDEX conversions_awaiting ON attribution.conversions (own_key, workspace_id) WHERE status = 'awaiting_order';

-- Which conversions carry a key themselves: a hub joins nobody, yet its touches count for those.
CREATE TABLE attribution.conversion_keys (
    key          bytea NOT NULL,
    own_key      bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    PRIMARY KEY (key, own_key, workspace_id)
);

-- Which conversions looked at a link, a placement or a code: what a corrected fact restates.
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

-- Append-only. A line is one entry of one published decision revision.
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

-- Conversions that a corrected fact may change, waiting for a chunk of the recompute.
CREATE TABLE attribution.recomputes (
    own_key      bytea NOT NULL,
    workspace_id uuid  NOT NULL,
    reason       text  NOT NULL,
    PRIMARY KEY (own_key, workspace_id)
);
"""

EDGE = """
-- Records that could not be used, as they came. Workspace zero: not even the workspace could be read.
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
CREATE INDEX dead_letters_by_time ON attribution.dead_letters (recorded_at, dead_letter_id, workspace_id);

-- What the relay moves to the log. Positions of one workspace are taken under its lock, so their order is its order.
CREATE TABLE attribution.outbox (
    position     bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id uuid  NOT NULL,
    topic        text  NOT NULL,
    key          bytea NOT NULL,
    value        bytea NOT NULL,
    PRIMARY KEY (position, workspace_id)
);

-- The newest record of each catalog entity. `version` is the workspace's catalog version that brought it.
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
    """Create everything, forbid edits of the books, and put every table but the exempt ones under the policy."""
    for block in (STATE, EVIDENCE, IDENTITY, DECISIONS, EDGE):
        op.execute(block)
    for table in ("ledger", "decisions"):
        op.execute(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON attribution.{table} FROM {role_name('attribution')}"
        )
    for table in PROTECTED:
        for statement in protect("attribution", table):
            op.execute(statement)


def downgrade() -> None:
    """Drop every table; the schema stays, it holds the history's own version."""
    for table in _TABLES_DOWN:
        op.execute(f"DROP TABLE attribution.{table}")
