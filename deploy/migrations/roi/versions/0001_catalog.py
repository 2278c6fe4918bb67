"""The catalog: workspaces, entities with versions in two times, outbox, link codes, keys.

Promise: `roi.versions` is append-only. A change ends rows by `superseded_at` and adds rows with a
later `recorded_at`; both come from the clock of the workspace. So "as of T" is
`recorded_at <= T AND (superseded_at IS NULL OR superseded_at > T)`. The facts of a row hold in the
half-open period `[valid_from, valid_to)`; NULL is unbounded. The rows of an archived entity have
`archived_at`. The views give names and types to the facts, under the row-level security of the
reader.
What can go wrong: four tables are exempt from row-level security (workspaces, workspace_names,
link_codes, api_keys). Each is read before the workspace is known; none holds personal data.
"""

from alembic import op

from shared.db.rls import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
-- Exempt: the relay and loops over all workspaces read it. clock_at is the last recorded_at.
CREATE TABLE roi.workspaces (
    workspace_id   uuid        PRIMARY KEY,
    clock_at       timestamptz NOT NULL,
    outbox_pending boolean     NOT NULL DEFAULT false
)
""",
    """
CREATE INDEX workspaces_pending ON roi.workspaces (workspace_id) WHERE outbox_pending
""",
    """
-- Exempt: names are unique in an installation. A renamed workspace keeps its old names, so a start
-- by name finds it.
CREATE TABLE roi.workspace_names (
    name         text PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES roi.workspaces (workspace_id)
)
""",
    """
-- The identity of an entity. created_at comes from the clock of the workspace.
CREATE TABLE roi.entities (
    id           uuid        NOT NULL,
    workspace_id uuid        NOT NULL REFERENCES roi.workspaces (workspace_id),
    entity       text        NOT NULL,
    external_id  text,
    created_at   timestamptz NOT NULL,
    revision     bigint      NOT NULL CHECK (revision > 0),
    recorded_at  timestamptz NOT NULL,
    archived_at  timestamptz,
    PRIMARY KEY (id, workspace_id),
    UNIQUE (external_id, entity, workspace_id)
)
""",
    """
CREATE INDEX entities_newest ON roi.entities (entity, workspace_id, created_at, id)
""",
    """
-- period numbers the rows of one entity written together, in the order of valid_from.
CREATE TABLE roi.versions (
    entity_id     uuid        NOT NULL,
    workspace_id  uuid        NOT NULL,
    entity        text        NOT NULL,
    period        integer     NOT NULL,
    valid_from    timestamptz,
    valid_to      timestamptz,
    recorded_at   timestamptz NOT NULL,
    superseded_at timestamptz,
    archived_at   timestamptz,
    facts         jsonb       NOT NULL,
    PRIMARY KEY (entity_id, recorded_at, period, workspace_id),
    FOREIGN KEY (entity_id, workspace_id) REFERENCES roi.entities (id, workspace_id),
    CHECK (valid_from < valid_to),
    CHECK (recorded_at < superseded_at)
)
""",
    """
CREATE UNIQUE INDEX versions_current ON roi.versions (entity_id, workspace_id, period)
    WHERE superseded_at IS NULL
""",
    """
-- For answers: every version of one kind in one workspace.
CREATE INDEX versions_by_entity ON roi.versions (entity, workspace_id, recorded_at)
""",
    """
-- Catalog records to publish. The workspace lock puts the sequence in the order of the commits.
CREATE TABLE roi.outbox (
    sequence     bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id uuid  NOT NULL,
    key          bytea NOT NULL,
    value        bytea NOT NULL,
    PRIMARY KEY (sequence, workspace_id)
)
""",
    """
-- Exempt: a code is unique on a host that all workspaces share. folded_code is the code in lower
-- case; host '' is the short host.
CREATE TABLE roi.link_codes (
    folded_code  text NOT NULL,
    host         text NOT NULL,
    workspace_id uuid NOT NULL,
    link_id      uuid NOT NULL,
    PRIMARY KEY (folded_code, host)
)
""",
    """
-- Exempt: it gives the workspace of a key. Only the SHA-256 of the key is stored.
CREATE TABLE roi.api_keys (
    sha256       bytea   PRIMARY KEY,
    workspace_id uuid    NOT NULL,
    key_id       uuid    NOT NULL,
    scopes       text[]  NOT NULL,
    public       boolean NOT NULL,
    origins      text[]  NOT NULL,
    revoked      boolean NOT NULL DEFAULT false
)
""",
    """
CREATE INDEX api_keys_by_id ON roi.api_keys (key_id)
""",
    """
-- Answers to POSTs with an Idempotency-Key, kept for ever. key_sha256 is the SHA-256 of the key,
-- body_mac a keyed hash of path and body.
CREATE TABLE roi.idempotency (
    key_sha256   bytea       NOT NULL,
    workspace_id uuid        NOT NULL,
    body_mac     bytea       NOT NULL,
    answer       jsonb       NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (key_sha256, workspace_id)
)
""",
)

VIEWS = (
    """
-- The facts of placements. The reader filters by time, by recording and by archived_at.
CREATE VIEW roi.placement_versions WITH (security_invoker = true) AS
SELECT entity_id AS placement_id, workspace_id, valid_from, valid_to,
       recorded_at, superseded_at, archived_at,
       (facts ->> 'creator_id')::uuid                   AS creator_id,
       (facts ->> 'campaign_id')::uuid                  AS campaign_id,
       facts ->> 'platform'                             AS platform,
       COALESCE((facts ->> 'is_brand')::boolean, false) AS is_brand,
       COALESCE((facts ->> 'automatic')::boolean, false) AS automatic,
       facts ->> 'url'                                  AS url,
       facts ->> 'content_type'                         AS content_type
  FROM roi.versions WHERE entity = 'placement'
""",
    """
CREATE VIEW roi.creator_versions WITH (security_invoker = true) AS
SELECT entity_id AS creator_id, workspace_id, recorded_at, superseded_at, archived_at,
       facts ->> 'name' AS name
  FROM roi.versions WHERE entity = 'creator'
""",
    """
CREATE VIEW roi.campaign_versions WITH (security_invoker = true) AS
SELECT entity_id AS campaign_id, workspace_id, recorded_at, superseded_at, archived_at,
       facts ->> 'name' AS name
  FROM roi.versions WHERE entity = 'campaign'
""",
    """
-- Costs with exactly one owner. Every sum needs archived_at IS NULL.
CREATE VIEW roi.cost_versions WITH (security_invoker = true) AS
SELECT entity_id AS cost_id, workspace_id, recorded_at, superseded_at, archived_at,
       facts ->> 'kind'                           AS kind,
       (facts #>> '{amount,amount_minor}')::bigint AS amount_minor,
       facts #>> '{amount,currency}'              AS currency,
       (facts ->> 'incurred_on')::date            AS incurred_on,
       (facts ->> 'placement_id')::uuid           AS placement_id,
       (facts ->> 'creator_id')::uuid             AS creator_id,
       (facts ->> 'campaign_id')::uuid            AS campaign_id
  FROM roi.versions WHERE entity = 'cost'
""",
    """
-- The margin that holds from valid_from (NULL: always), in millionths.
CREATE VIEW roi.policy_versions WITH (security_invoker = true) AS
SELECT entity_id AS policy_id, workspace_id, recorded_at, superseded_at, archived_at,
       valid_from, (facts ->> 'margin_millionths')::integer AS margin_millionths
  FROM roi.versions WHERE entity = 'policy'
""",
    """
CREATE VIEW roi.workspace_versions WITH (security_invoker = true) AS
SELECT workspace_id, recorded_at, superseded_at,
       facts ->> 'name' AS name, facts ->> 'time_zone' AS time_zone,
       facts ->> 'currency' AS currency
  FROM roi.versions WHERE entity = 'workspace'
""",
)

PROTECTED = ("entities", "versions", "outbox", "idempotency")
VIEW_NAMES = (
    "workspace_versions",
    "policy_versions",
    "cost_versions",
    "campaign_versions",
    "creator_versions",
    "placement_versions",
)
TABLE_NAMES = (
    "idempotency",
    "api_keys",
    "link_codes",
    "outbox",
    "versions",
    "entities",
    "workspace_names",
    "workspaces",
)


def upgrade() -> None:
    """Create the tables, protect those with data of a workspace, and create the views."""
    for statement in TABLES:
        op.execute(statement)
    for table in PROTECTED:
        for statement in protect("roi", table):
            op.execute(statement)
    for statement in VIEWS:
        op.execute(statement)


def downgrade() -> None:
    """Drop everything."""
    for view in VIEW_NAMES:
        op.execute(f"DROP VIEW roi.{view}")
    for table in TABLE_NAMES:
        op.execute(f"DROP TABLE roi.{table}")
