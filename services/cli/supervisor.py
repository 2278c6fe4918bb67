"""`laurel run` without a service: Postgres, the three children, the first key, and one Ctrl-C for all of it.

Promise: the addresses are printed when the key works everywhere and not before; once the children run, only Ctrl-C or SIGTERM
ends them; within ten seconds of it no process of Laurel is left. A second Ctrl-C does not wait for anybody.

What can go wrong: a `LaurelError` while starting, with everything that had been started ended again.
"""

import asyncio
import signal
import sys
from typing import Final

from services.cli import ports
from services.cli.access import Access, ensure_access, prepare_database
from services.cli.announce import announce
from services.cli.children import Child
from services.cli.console import out
from services.cli.embedded import EmbeddedPostgres
from services.cli.folder import DataFolder
from services.cli.output import Output
from services.cli.profile import Profile, service_urls
from services.cli.waiting import wait_and_tell
from shared.clock import SystemClock
from shared.db.roles import SERVICES
from shared.settings import Settings

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def supervise(settings: Settings) -> None:
    """Run Laurel until told to stop."""
    folder = DataFolder(settings.data_dir)
    folder.prepare()
    with folder.held():
        ports.require_free(settings)
        await _Supervisor(settings, folder).run()


class _Supervisor:
    """One run of everything."""

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self._settings = settings
        self._folder = folder
        self._clock = SystemClock()
        self._output = Output(out)
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._children: list[Child] = []
        self._postgres: EmbeddedPostgres | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._told_to_stop)
        async with asyncio.TaskGroup() as group:
            start = group.create_task(self._start(group))
            try:
                await self._stop.wait()
            finally:
                start.cancel()
                await self._end()

    def _told_to_stop(self) -> None:
        if self._stop.is_set():
            for child in self._children:
                child.kill()
        else:
            self._output.say("laurel", "stopping (Ctrl-C again to stop at once)")
            self._stop.set()

    async def _start(self, group: asyncio.TaskGroup) -> None:
        secret_key = self._folder.secret_key(self._settings, create=True)
        assert secret_key is not None
        owner_url = await self._database(group)
        await prepare_database(owner_url, secret_key, self._clock, self._output.say)
        access = await ensure_access(
            owner_url,
            secret_key,
            self._settings,
            self._folder,
            self._clock,
            on_terminal=sys.stdout.isatty(),
        )
        self._start_children(group, owner_url, secret_key)
        await self._say_when_ready(access)

    async def _database(self, group: asyncio.TaskGroup) -> str:
        """The owner's address of a database that runs: the setting's, or the embedded one, started and watched."""
        if self._settings.database_url is not None:
            return self._settings.database_url.get_secret_value()
        self._output.say("laurel", f"starting Postgres; data in {self._folder.path}")
        self._postgres = EmbeddedPostgres(self._folder.path, self._clock, self._output.say)
        await self._postgres.start()
        self._tasks.append(group.create_task(self._postgres.watch()))
        return self._postgres.owner_url

    def _start_children(self, group: asyncio.TaskGroup, owner_url: str, secret_key: str) -> None:
        environment = {
            "LAUREL_DATA_DIR": str(self._folder.path),
            "LAUREL_DATABASE_URL": owner_url,
            "LAUREL_SECRET_KEY": secret_key,
            "PYTHONUNBUFFERED": "1",
        }
        for service in SERVICES:
            child = Child(service, environment, self._clock, self._output)
            self._children.append(child)
            self._tasks.append(group.create_task(child.run()))

    async def _say_when_ready(self, access: Access) -> None:
        profile = Profile(**service_urls(self._settings), key=access.probe)
        await wait_and_tell(profile, self._clock, self._output.say)
        announce(self._settings, profile, access)

    async def _end(self) -> None:
        """Children first, all at once and heard to the end; then the database under them."""
        async with asyncio.TaskGroup() as group:
            for child in self._children:
                group.create_task(child.stop())
        for task in self._tasks:
            task.cancel()
        if self._postgres is not None:
            await self._postgres.stop()
        self._output.say("laurel", "stopped")
