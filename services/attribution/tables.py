"""Table columns, stage tables, limits and the type `Sql` that several stores share.

Promise: every statement on the batch path is a module-level `Sql` constant of a store module, so a
test can run EXPLAIN on each of them.
"""

from typing import Final, NewType

from services.attribution.domain.model import TRUSTED_SOURCES
from services.attribution.domain.repeats import FLAGS, WITHIN_SECONDS

# A key with more distinct neighbours (a hub) no longer merges components: chance links would
# otherwise grow one giant component. A click id counts as the visitor who made the click: a loyal
# customer makes many clicks on few devices, a shared "guest" account is seen on many devices.
HUB_NEIGHBOURS: Final = 50
# The most touches read per person, in equal parts for each visitor, and per click id, which has one
# touch unless it was told more. More do not improve a decision and would hold up a workspace.
TOUCHES_PER_PERSON: Final = 10_000
TOUCHES_PER_CLICK: Final = 10
# The most claims read of a conversion that no trusted source has told.
CLAIMS_SHOWN: Final = 20
# Why a key lost its connections: too many neighbours by trusted evidence, too many untrusted ties.
CUT_AS_HUB: Final = "hub"
CUT_TIES: Final = "ties"
# The workspace id stored for records whose own workspace id is unreadable.
NO_WORKSPACE: Final = "00000000-0000-0000-0000-000000000000"


# One statement of the batch path, with asyncpg's parameters ($1, $2, …).
Sql = NewType("Sql", str)

TOUCH_COLUMNS: Final = (
    "event_id",
    "workspace_id",
    "kind",
    "occurred_at",
    "anon_key",
    "click_key",
    "link_id",
    "placement_id",
    "code",
    "quality",
    "consent",
    "derived",
    "fingerprint",
    "source_kind",
)
EVIDENCE_COLUMNS: Final = (
    "event_id",
    "workspace_id",
    "kind",
    "occurred_at",
    "own_key",
    "fingerprint",
    "body",
    "quality",
)
EDGE_COLUMNS: Final = ("key_a", "event_id", "key_b", "workspace_id", "source_kind")

# PostgreSQL refuses COPY into tables under row-level security, so a batch is copied into these
# temporary tables first. `place` is the row's position in the batch.
STAGE_TABLES: Final = """
SET LOCAL client_min_messages = warning;
CREATE TEMP TABLE IF NOT EXISTS stage_touches (
    place integer NOT NULL, event_id uuid NOT NULL, workspace_id uuid NOT NULL, kind text NOT NULL,
    occurred_at timestamptz NOT NULL, anon_key bytea, click_key bytea, link_id uuid,
    placement_id uuid, code text, quality text[], consent boolean NOT NULL,
    derived boolean NOT NULL, fingerprint bytea NOT NULL, source_kind text
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS stage_evidence (
    place integer NOT NULL, event_id uuid NOT NULL, workspace_id uuid NOT NULL, kind text NOT NULL,
    occurred_at timestamptz NOT NULL, own_key bytea, fingerprint bytea NOT NULL,
    body bytea NOT NULL, quality text[]
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS stage_edges (
    key_a bytea NOT NULL, event_id uuid NOT NULL, key_b bytea NOT NULL, workspace_id uuid NOT NULL,
    source_kind text
) ON COMMIT DELETE ROWS;
"""


def _texts(values: frozenset[str]) -> str:
    """Return an array of SQL."""
    return f"ARRAY[{', '.join(repr(str(value)) for value in sorted(values))}]"


WITHIN: Final = f"interval '{WITHIN_SECONDS} seconds'"
# In SQL the same as `series_of` and `is_flagged` of the domain, for a row `{t}`.
IN_SERIES: Final = (
    "({t}.kind = 'click' AND {t}.link_id IS NOT NULL AND {t}.anon_key IS NOT NULL"
    " AND substring({t}.anon_key FROM 1 FOR 1) <> 'k'::bytea"
    f" AND NOT coalesce({{t}}.quality && {_texts(FLAGS)}, false))"
)
TRUSTED: Final = f"coalesce({{t}}.source_kind = ANY ({_texts(TRUSTED_SOURCES)}), false)"
