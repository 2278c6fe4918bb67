"""Workspaces and keys made without an API key: by the command line and at a first start.

Promise: every function is safe to repeat, and its records use the same outbox as the API. A key
that exists is not changed.
What can go wrong: `KeyOfAnotherWorkspace` when a given key belongs to another workspace;
`ConfigurationError` when it does not have the form of a key.
"""

from collections.abc import Sequence
from typing import Any, Final

from services.roi.domain.entity import Version
from services.roi.domain.stores import first_store_facts
from services.roi.store.catalog import Writer
from services.roi.store.key_rows import look_up, owner, save_key
from services.roi.store.workspaces import claim_name, find_by_name
from shared.clock import Clock
from shared.db.engine import Database
from shared.errors import ConfigurationError, Permanent
from shared.ids import (
    MAIN_STORE,
    api_key_hash,
    api_key_label,
    is_api_key,
    main_store_id,
    new_id,
)
from shared.sealing import new_api_key
from shared.settings import admin_key_hash

# The values of a new workspace unless others are given.
TIME_ZONE_DEFAULT: Final = "UTC"
CURRENCY_DEFAULT: Final = "EUR"
# The first workspace of an installation, and the name of the key that the settings give it.
FIRST_WORKSPACE: Final = "main"
_ADMIN_KEY_NAME: Final = "LAUREL_ADMIN_KEY"


class KeyOfAnotherWorkspace(Permanent):
    """The key exists and belongs to another workspace."""


async def ensure_workspace(
    database: Database,
    clock: Clock,
    name: str,
    *,
    time_zone: str = TIME_ZONE_DEFAULT,
    currency: str = CURRENCY_DEFAULT,
) -> str:
    """Return the id of the workspace with this name; create the workspace if it does not exist.

    `time_zone` and `currency` are used only for a new workspace.
    """
    now = clock.now()
    workspace_id = await claim_name(database, new_id(), name, now)
    async with database.write([workspace_id]) as conn:
        writer = await Writer.begin(conn, workspace_id, now)
        if await writer.find("workspace", workspace_id) is None:
            facts = {"name": name, "time_zone": time_zone, "currency": currency}
            await writer.create("workspace", workspace_id, (Version(facts),))
            store = Version(first_store_facts())
            await writer.create("store", main_store_id(workspace_id), (store,), MAIN_STORE)
    return workspace_id


async def find_workspace(database: Database, name: str) -> str | None:
    """Return the id of the workspace with this name; None when there is none."""
    return await find_by_name(database, name)


async def create_key(
    database: Database,
    clock: Clock,
    workspace_id: str,
    *,
    key: str | None,
    scopes: Sequence[str],
    public: bool,
    name: str | None,
    origins: Sequence[str] = (),
) -> str:
    """Store the given key, or a new one, in the workspace, and return the key.

    Only its hash is stored. Raises `KeyOfAnotherWorkspace` and `ConfigurationError`.
    """
    key = key or new_api_key(public=public)
    if not is_api_key(key):
        raise ConfigurationError("an API key has the form lrl_sec_<8 characters>_<at least 32>")
    facts = {"name": name, "scopes": list(scopes), "public": public, "origins": list(origins)}
    hashed = {"sha256": api_key_hash(key), "label": api_key_label(key)}
    await _store_key(database, clock, workspace_id, facts | hashed)
    return key


async def _store_key(
    database: Database, clock: Clock, workspace_id: str, facts: dict[str, Any]
) -> None:
    async with database.write([workspace_id]) as conn:
        writer = await Writer.begin(conn, workspace_id, clock.now())
        known = await owner(writer, facts["sha256"])
        if known is not None and known[0] != workspace_id:
            raise KeyOfAnotherWorkspace(f"{facts['label']} belongs to another workspace")
        if known is None:
            await save_key(writer, await writer.create("key", new_id(), (Version(facts),)))


async def key_exists(database: Database, sha256: str) -> bool:
    """Return whether a key with this SHA-256 (hex) exists and is not revoked."""
    return await look_up(database, bytes.fromhex(sha256)) is not None


async def ensure_admin_key(database: Database, clock: Clock, key: str) -> None:
    """Store the key of the settings in the first workspace; create that if it does not exist.

    `key` is a key, or its hashed form.
    """
    sha256, label = admin_key_hash(key) or (api_key_hash(key), api_key_label(key))
    if await key_exists(database, sha256):
        return
    workspace_id = await ensure_workspace(database, clock, FIRST_WORKSPACE)
    facts = {"name": _ADMIN_KEY_NAME, "scopes": ["admin"], "public": False, "origins": []}
    await _store_key(database, clock, workspace_id, facts | {"sha256": sha256, "label": label})
