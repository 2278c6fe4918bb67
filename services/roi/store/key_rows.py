"""The SQL of API keys, found by their hash: workspace, scopes and origins of each key.

Promise: a revoked key is refused at the next request and is never valid again. Only hashes of keys
are stored.
"""

from typing import Final

from sqlalchemy import text

from services.roi.domain.entity import Entity
from services.roi.store.catalog import Writer
from shared.db.engine import Database
from shared.http.auth import Principal

_LOOK_UP: Final = text(
    "SELECT workspace_id, key_id, scopes, public, origins FROM roi.api_keys"
    " WHERE sha256 = :sha256 AND NOT revoked"
)
_OWNER: Final = "SELECT workspace_id, key_id FROM roi.api_keys WHERE sha256 = $1"
_SAVE: Final = """
INSERT INTO roi.api_keys (sha256, workspace_id, key_id, scopes, public, origins, revoked)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (sha256) DO UPDATE
SET scopes = excluded.scopes, public = excluded.public, origins = excluded.origins,
    revoked = api_keys.revoked OR excluded.revoked
WHERE api_keys.workspace_id = excluded.workspace_id
"""


async def look_up(database: Database, sha256: bytes) -> Principal | None:
    """Return the caller that the key identifies; None when it is unknown or revoked."""
    found = await database.look_up(_LOOK_UP, {"sha256": sha256})
    if not found:
        return None
    row = found[0]
    return Principal(
        workspace_id=str(row["workspace_id"]),
        key_id=str(row["key_id"]),
        scopes=frozenset(row["scopes"]),
        public=row["public"],
        origins=tuple(row["origins"]),
    )


async def owner(writer: Writer, sha256: str) -> tuple[str, str] | None:
    """Return the workspace id and the id of a key, revoked or not; None when it is unknown."""
    row = await writer.pg.fetchrow(_OWNER, bytes.fromhex(sha256))
    return None if row is None else (str(row["workspace_id"]), str(row["key_id"]))


async def save_key(writer: Writer, entity: Entity) -> None:
    """Store what the key allows; an archived key is stored as revoked."""
    facts = entity.latest.facts
    await writer.pg.execute(
        _SAVE,
        bytes.fromhex(facts["sha256"]),
        entity.workspace_id,
        entity.id,
        facts["scopes"],
        facts["public"],
        facts["origins"],
        entity.archived_at is not None,
    )
