"""The store `main` of every workspace that exists, and its record on the catalog.

Promise: existing connections stay in the store `main`: their facts name no store. Nothing else
changes. The downgrade deletes all stores; connections and credits keep the ids of theirs.
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NAMESPACE: Final = uuid.UUID("6c617572-656c-5a1d-8000-000000000001")
_FACTS: Final = {"name": "main", "is_main": True}
_WORKSPACES: Final = """
SELECT workspace_id::text FROM roi.entities AS e WHERE entity = 'workspace' AND NOT EXISTS (
    SELECT FROM roi.entities AS s
    WHERE s.entity = 'store' AND s.external_id = 'main' AND s.workspace_id = e.workspace_id)
"""
_TICK: Final = """
UPDATE roi.workspaces
   SET clock_at = GREATEST(now(), clock_at + interval '1 microsecond'), outbox_pending = true
 WHERE workspace_id = CAST(:workspace AS uuid) RETURNING clock_at
"""
_ENTITY: Final = """
INSERT INTO roi.entities (id, workspace_id, entity, external_id, created_at, revision, recorded_at)
VALUES (CAST(:id AS uuid), CAST(:workspace AS uuid), 'store', 'main', :now, 1, :now)
"""
_VERSION: Final = """
INSERT INTO roi.versions (entity_id, workspace_id, entity, period, recorded_at, facts)
VALUES (CAST(:id AS uuid), CAST(:workspace AS uuid), 'store', 0, :now, CAST(:facts AS jsonb))
"""
_PUBLISH: Final = """
INSERT INTO roi.outbox (workspace_id, key, value) VALUES (CAST(:workspace AS uuid), :key, :value)
"""
_PROTECTED: Final = ("entities", "versions", "outbox")


def upgrade() -> None:
    """Make the first store of each workspace."""
    connection = op.get_bind()
    _force(is_forced=False)
    for row in list(connection.execute(sa.text(_WORKSPACES))):
        _add_store(connection, row.workspace_id)
    _force(is_forced=True)


def downgrade() -> None:
    """Delete the stores."""
    _force(is_forced=False)
    op.execute("DELETE FROM roi.versions WHERE entity = 'store'")
    op.execute("DELETE FROM roi.entities WHERE entity = 'store'")
    op.execute(
        "DELETE FROM roi.outbox WHERE convert_from(value, 'UTF8')::jsonb ->> 'entity' = 'store'"
    )
    _force(is_forced=True)


def _add_store(connection: sa.Connection, workspace: str) -> None:
    # The id of `shared.ids.main_store_id`, as it was made at this revision.
    name = f"{len(workspace)}:{workspace}7:catalog5:store4:main"
    store = str(uuid.uuid5(_NAMESPACE, name))
    tick = connection.execute(sa.text(_TICK), {"workspace": workspace})
    now = tick.scalar_one()
    named = {"workspace": workspace, "id": store, "now": now}
    connection.execute(sa.text(_ENTITY), named)
    connection.execute(sa.text(_VERSION), named | {"facts": json.dumps(_FACTS)})
    record = {
        "entity": "store",
        "workspace_id": workspace,
        "id": store,
        "revision": 1,
        "recorded_at": _text(now),
        "name": "main",
        "external_id": "main",
    }
    key, value = f"{workspace}/{store}".encode(), json.dumps(record).encode()
    published = {"workspace": workspace, "key": key, "value": value}
    connection.execute(sa.text(_PUBLISH), published)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _force(*, is_forced: bool) -> None:
    # The owner is under the policies, too, and sees no row while they are forced.
    for table in _PROTECTED:
        word = "FORCE" if is_forced else "NO FORCE"
        op.execute(f"ALTER TABLE roi.{table} {word} ROW LEVEL SECURITY")
