"""The SQL of workspace names, which are unique in an installation.

Promise: a name belongs to one workspace for ever, also after the workspace is renamed. Two
processes that claim a new name at the same time get the same id.
"""

from datetime import datetime
from typing import Final

from services.roi.store.catalog import Writer
from shared.db.engine import Database, driver

_LOCK_NAME: Final = "SELECT pg_advisory_xact_lock(hashtextextended('roi.workspace_name:' || $1, 0))"
_FIND: Final = "SELECT workspace_id FROM roi.workspace_names WHERE name = $1"
_ALL: Final = "SELECT DISTINCT workspace_id FROM roi.workspace_names"
_ADD: Final = "INSERT INTO roi.workspaces (workspace_id, clock_at) VALUES ($1, $2)"
_NAME: Final = """
INSERT INTO roi.workspace_names (name, workspace_id) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
"""


async def claim_name(database: Database, workspace_id: str, name: str, now: datetime) -> str:
    """Return the id of the workspace with this name; a new one gets the given id."""
    async with database.exempt() as conn:
        pg = await driver(conn)
        await pg.execute(_LOCK_NAME, name)
        found = await pg.fetchval(_FIND, name)
        if found is not None:
            return str(found)
        await pg.execute(_ADD, workspace_id, now)
        await pg.execute(_NAME, name, workspace_id)
    return workspace_id


async def find_by_name(database: Database, name: str) -> str | None:
    """Return the id of the workspace with this name; None when there is none."""
    async with database.exempt() as conn:
        found = await (await driver(conn)).fetchval(_FIND, name)
    return None if found is None else str(found)


async def workspace_ids(database: Database) -> list[str]:
    """Return the ids of all workspaces."""
    async with database.exempt() as conn:
        rows = await (await driver(conn)).fetch(_ALL)
    return [str(row["workspace_id"]) for row in rows]


async def rename(writer: Writer, name: str) -> bool:
    """Give the workspace this name; return False when another workspace has it."""
    await writer.pg.execute(_NAME, name, writer.workspace_id)
    return str(await writer.pg.fetchval(_FIND, name)) == writer.workspace_id
