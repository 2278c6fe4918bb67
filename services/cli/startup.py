"""The steps of `laurel run` before its services start: ports, the database, and the keys.

Promise: every step can be repeated. The admin key is made once for a data folder and shown once: on
a terminal, or in a 0600 file whose path is printed. If the database was replaced and the data
folder was kept, the new database gets the key of the folder, or a new one.

What can go wrong: `ConfigurationError` when a port is taken, when the database cannot be prepared
or when the given key was revoked. The start waits for a database that does not answer.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from services.cli.handing import PROCESSES
from services.cli.console import Say
from services.cli.data_folder import DataFolder, own_key
from services.roi import bootstrap
from services.roi.store.workspaces import workspace_ids
from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.catalog_snapshot import load_snapshot
from shared.clock import Clock
from shared.db.engine import Database
from shared.db.failures import DRIVER_ERRORS
from shared.db.migrate import migrate
from shared.db.roles import service_url
from shared.errors import ConfigurationError, Transient
from shared.ids import api_key_hash
from shared.sealing import Sealer, new_api_key
from shared.settings import Settings

WORKSPACE: Final = bootstrap.FIRST_WORKSPACE
ADMIN_SCOPES: Final = ("admin",)
OWN_KEY_NAME: Final = "laurel command line"
_RETRY_SECONDS: Final = 1.0


# --- ports ---------------------------------------------------------------------------------------


def port_of(settings: Settings, service: str) -> int:
    """Return the port of a service."""
    ports = {
        "dashboard": settings.dashboard_port,
        "tracking": settings.tracking_port,
        "attribution": settings.attribution_port,
        "roi": settings.roi_port,
    }
    return ports[service]


def taken_ports(settings: Settings) -> dict[str, str]:
    """Return each service that cannot listen on its port, with the reason."""
    found = {}
    for service in PROCESSES:
        try:
            _try_to_listen(settings.host, port_of(settings, service))
        except OSError as error:
            found[service] = error.strerror or str(error)
    return found


def require_free_ports(settings: Settings) -> None:
    """Raise `ConfigurationError` if two ports are equal or a port is taken."""
    ports = [port_of(settings, service) for service in PROCESSES]
    if len(set(ports)) < len(ports):
        raise ConfigurationError(f"the four services need four ports, not {ports}")
    for service, why in taken_ports(settings).items():
        port = port_of(settings, service)
        raise ConfigurationError(
            f"{service} cannot listen on {settings.host}:{port} ({why}). Is another Laurel running?"
            f" Stop its process (`ss -ltnp 'sport = :{port}'` names it), or choose another"
            f" one: set LAUREL_{service.upper()}_PORT={port + 100} for every command"
        )


def _try_to_listen(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as listener:
        # uvicorn sets it too: a port in TIME_WAIT counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)


# --- the database and its keys -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """The admin key as the user sees it.

    `probe` is a key that must work before Laurel counts as ready. `shown` is the admin key, only
    when it was just made on a terminal; `file` is the file that holds it. `workspaces` are the ids
    of all workspaces.
    """

    probe: str
    shown: str | None = None
    file: Path | None = None
    from_setting: bool = False
    workspaces: Sequence[str] = ()


async def prepare_database(owner_url: str, secret_key: str, clock: Clock, say: Say) -> None:
    """Migrate the database to the newest revision; wait while it does not answer."""
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
    """Make the workspace `main` and its admin key if they are missing."""
    database = Database(
        service_url(owner_url, "roi", secret_key), application_name="laurel-run", pool_size=1
    )
    await database.open()
    try:
        workspace_id = await bootstrap.ensure_workspace(database, clock, WORKSPACE)
        keys = AdminKeys(database, clock, workspace_id)
        if settings.admin_key is not None:
            given = settings.admin_key.get_secret_value()
            if not await keys.ensure(given, "LAUREL_ADMIN_KEY"):
                raise ConfigurationError("the key in LAUREL_ADMIN_KEY was revoked: set another")
            access = Access(probe=given, from_setting=True)
        else:
            await keys.ensure(own_key(secret_key), OWN_KEY_NAME)
            access = await _admin_key(folder, keys, own_key(secret_key), on_terminal=on_terminal)
        return replace(access, workspaces=await workspace_ids(database))
    finally:
        await database.close()


async def known_workspaces(owner_url: str, secret_key: str, snapshot_file: Path) -> Sequence[str]:
    """Return the ids of all workspaces; those of tracking's snapshot while the database is away.

    tracking starts without a database, and then serves the workspaces of its snapshot. It needs the
    ids only for the e-mail keys of workspaces that were made before 30 November 2026.
    """
    database = Database(
        service_url(owner_url, "roi", secret_key), application_name="laurel-run", pool_size=1
    )
    await database.open()
    try:
        return await workspace_ids(database)
    except (Transient, *DRIVER_ERRORS):
        catalog = Catalog(Sealer(secret_key))
        load_snapshot(catalog, snapshot_file)
        return sorted({record.workspace_id for record in catalog.records()})
    finally:
        await database.close()


class AdminKeys:
    """The admin keys of one workspace."""

    def __init__(self, database: Database, clock: Clock, workspace_id: str) -> None:
        self._database, self._clock, self._workspace_id = database, clock, workspace_id

    async def exists(self, digest: str) -> bool:
        """Whether a key with this SHA-256 (hex) exists and is not revoked."""
        return await bootstrap.key_exists(self._database, digest)

    async def ensure(self, key: str, name: str) -> bool:
        """Make the key if it is missing; return False if it was revoked."""
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


async def _admin_key(folder: DataFolder, keys: AdminKeys, own: str, *, on_terminal: bool) -> Access:
    kept = folder.admin_key()
    if kept is not None and await keys.ensure(kept, "admin"):
        return Access(probe=kept, file=folder.admin_key_file)
    mark = folder.admin_mark()
    if mark is not None and await keys.exists(mark):
        return Access(probe=own)
    made = new_api_key(public=False)
    # Stored before it works: after a crash in between, no working key is missing in the files.
    if on_terminal:
        folder.keep_admin_mark(api_key_hash(made))
    else:
        folder.keep_admin_key(made)
    await keys.ensure(made, "admin")
    if on_terminal:
        return Access(probe=made, shown=made)
    return Access(probe=made, file=folder.admin_key_file)
