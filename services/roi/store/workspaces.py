"""Workspaces by name: unique in an installation, so the command line and the settings can speak of `main`.

Promise: a name leads to one workspace for ever, also after the workspace took another one; two who come first at once get the same id.
"""

from datetime import datetime
from typing import Final

from services.roi.store.catalog import Writer
from shared.db.engine import Database, driver

_LOCK_NAME: Final = "SELECT pg_advisory_xact_lock(hashtextextended('roi.workspace_name:' || $1, 0))"
_FIND: Final = "SELECT workspace_id FROM roi.workspace_names WHERE name = $1"
_ADD: Final = "INSERT INTO roi.workspaces (workspace_id, clock_at) VALUES ($1, $2)"
_NAME: Final = """
INSERT INTO roi.workspace_names (name, workspace_id) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
"""


async def claim_name(database: Database, workspace_id: str, name: str, now: datetime) -> str:
    """The id of the workspace with this name: an existing one's, else the one given, whose row is made."""
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
    """The id of the workspace with this name, if there is one."""
    async with database.exempt() as conn:
        found = await (await driver(conn)).fetchval(_FIND, name)
    return None if found is None else str(found)


async def rename(writer: Writer, name: str) -> bool:
    """Let the name lead to this workspace; False when it leads to another."""
    await writer.pg.execute(_NAME, name, writer.workspace_id)
    return str(await writer.pg.fetchval(_FIND, name)) == writer.workspace_id
