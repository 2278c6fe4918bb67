"""Prepares the database of a `laurel run`: migrations, the workspace `main`, and the keys to it.

Promise: safe to repeat. The admin key is made once for a data folder and told once: on a terminal, or in a 0600 file whose path
is printed. A database that was replaced under a kept data folder gets the kept key again, or a new one.

What can go wrong: `ConfigurationError` when the database cannot be prepared or the given key was revoked; a database that is away is waited for.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.folder import DataFolder, own_key
from services.cli.output import Say
from services.roi import bootstrap
from shared.clock import Clock
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.db.roles import service_url
from shared.errors import ConfigurationError, Transient
from shared.ids import api_key_hash
from shared.sealing import new_api_key
from shared.settings import Settings

WORKSPACE: Final = bootstrap.FIRST_WORKSPACE
ADMIN_SCOPES: Final = ("admin",)
_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Access:
    """What a person needs to know about the admin key. `probe` is a key that must work before Laurel counts as ready."""

    probe: str
    shown: str | None = None
    file: Path | None = None
    from_setting: bool = False


async def prepare_database(owner_url: str, secret_key: str, clock: Clock, say: Say) -> None:
    """Bring the database to the newest state; wait for one that is away."""
    is_told = False
    while True:
        try:
            return await migrate(owner_url, secret_key)
        except Transient as error:
            if not is_told:
                say("laurel", f"waiting for the database: {error}")
                is_told = True
            await clock.sleep(_RETRY_SECONDS)


async def ensure_access(
    owner_url: str,
    secret_key: str,
    settings: Settings,
    folder: DataFolder,
    clock: Clock,
    *,
    on_terminal: bool,
) -> Access:
    """The workspace `main` and its admin key."""
    database = Database(
        service_url(owner_url, "roi", secret_key), application_name="laurel-run", pool_size=1
    )
    await database.open()
    try:
        workspace_id = await bootstrap.ensure_workspace(database, clock, WORKSPACE)
        keys = _Keys(database, clock, workspace_id)
        if settings.admin_key is not None:
            given = settings.admin_key.get_secret_value()
            if not await keys.ensure(given, "LAUREL_ADMIN_KEY"):
                raise ConfigurationError("the key in LAUREL_ADMIN_KEY was revoked: set another")
            return Access(probe=given, from_setting=True)
        await keys.ensure(own_key(secret_key), "laurel command line")
        return await _admin_key(folder, keys, own_key(secret_key), on_terminal=on_terminal)
    finally:
        await database.close()


class _Keys:
    """Admin keys of one workspace."""

    def __init__(self, database: Database, clock: Clock, workspace_id: str) -> None:
        self._database, self._clock, self._workspace_id = database, clock, workspace_id

    async def exists(self, digest: str) -> bool:
        return await bootstrap.key_exists(self._database, digest)

    async def ensure(self, key: str, name: str) -> bool:
        """Let the key in; False when somebody revoked it, which stands."""
        if await self.exists(api_key_hash(key)):
            return True
        await bootstrap.create_key(
            self._database,
            self._clock,
            self._workspace_id,
            key=key,
            scopes=ADMIN_SCOPES,
            public=False,
            name=name,
        )
        return await self.exists(api_key_hash(key))


async def _admin_key(folder: DataFolder, keys: _Keys, own: str, *, on_terminal: bool) -> Access:
    kept = folder.admin_key()
    if kept is not None and await keys.ensure(kept, "admin"):
        return Access(probe=kept, file=folder.admin_key_file)
    mark = folder.admin_mark()
    if mark is not None and await keys.exists(mark):
        return Access(probe=own)
    made = new_api_key(public=False)
    # Kept before it works: a crash in between must not leave a working key that nobody knows.
    if on_terminal:
        folder.keep_admin_mark(api_key_hash(made))
    else:
        folder.keep_admin_key(made)
    await keys.ensure(made, "admin")
    if on_terminal:
        return Access(probe=made, shown=made)
    return Access(probe=made, file=folder.admin_key_file)
