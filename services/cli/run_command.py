"""`laurel run`: Postgres and all services under one supervisor, or one service in the foreground.

Promise: the addresses are printed as soon as the key works on every service. After that only
Ctrl-C, SIGTERM or SIGHUP ends them, and ten seconds later no process of Laurel is left. A second
Ctrl-C ends everything at once.

A service gets its own log-in and keys and no other secret (`handing`).

What can go wrong: a `LaurelError` during the start; then every started process is ended.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final, NoReturn

import typer

from services.cli.console import Output, out
from services.cli.data_folder import DataFolder
from services.cli.handing import PROCESSES, environment_for
from services.cli.processes import EmbeddedPostgres, ServiceProcess
from services.cli.profile import Profile, service_urls
from services.cli.readiness import announce, exposure, wait_and_tell
from services.cli.sign_in_command import sign_in_url
from services.cli.startup import (
    Access,
    ensure_access,
    known_workspaces,
    prepare_database,
    require_free_ports,
)
from services.tracking.settings import TrackingSettings
from shared.clock import SystemClock
from shared.sealing import is_key_ring
from shared.settings import Settings

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Service(StrEnum):
    """The services."""

    TRACKING = "tracking"
    ATTRIBUTION = "attribution"
    ROI = "roi"
    DASHBOARD = "dashboard"


def run(
    service: Annotated[
        Service | None,
        typer.Argument(help="Run only this service, in the foreground, as a deployment does."),
    ] = None,
) -> None:
    """Start Laurel: Postgres and the four services, until Ctrl-C.

    All data is in LAUREL_DATA_DIR (default: .laurel in this folder). With LAUREL_DATABASE_URL it
    uses your Postgres, with LAUREL_LOG=kafka://host:9092 your Kafka.
    """
    settings = Settings.load()
    if service is None:
        asyncio.run(supervise(settings))
    else:
        become(service.value, settings)


def become(service: str, settings: Settings) -> NoReturn:
    """Become the service, so that signals and exit codes pass directly, with what is its own."""
    secret_key = settings.require_secret_key()
    url = None if settings.database_url is None else settings.database_url.get_secret_value()
    workspaces: Sequence[str] = ()
    if service == Service.TRACKING and url is not None and not is_key_ring(secret_key):
        snapshot_file = TrackingSettings.load().snapshot_file
        workspaces = asyncio.run(known_workspaces(url, secret_key, snapshot_file))
    environment = environment_for(service, settings, url, secret_key, workspaces)
    arguments = [sys.executable, "-m", f"services.{service}"]
    os.execve(sys.executable, arguments, environment)


async def supervise(settings: Settings) -> None:
    """Run Laurel until a signal asks it to stop."""
    folder = DataFolder(settings.data_dir)
    folder.prepare()
    with folder.held():
        require_free_ports(settings)
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
        self._services: list[ServiceProcess] = []
        self._postgres: EmbeddedPostgres | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        async with asyncio.TaskGroup() as group:
            start = group.create_task(self._start(group))
            try:
                await self._stop.wait()
            finally:
                start.cancel()
                await self._end()

    def _on_signal(self) -> None:
        if self._stop.is_set():
            for child in self._services:
                child.kill()
        else:
            self._output.say("laurel", "stopping (Ctrl-C again to stop at once)")
            self._stop.set()

    async def _start(self, group: asyncio.TaskGroup) -> None:
        if warning := exposure(self._settings.host):
            self._output.say("laurel", f"warning: {warning}")
        secret_key = self._folder.secret_key(self._settings, create=True)
        assert secret_key is not None
        owner_url = await self._database(group, secret_key)
        await prepare_database(owner_url, secret_key, self._clock, self._output.say)
        access = await ensure_access(
            owner_url,
            secret_key,
            self._settings,
            self._folder,
            self._clock,
            on_terminal=sys.stdout.isatty(),
        )
        self._start_services(group, owner_url, secret_key, access.workspaces)
        await self._announce_when_ready(access, secret_key)

    async def _database(self, group: asyncio.TaskGroup, secret_key: str) -> str:
        """Return the URL of the owner: of the setting, else of the embedded Postgres it starts."""
        if self._settings.database_url is not None:
            return self._settings.database_url.get_secret_value()
        self._output.say("laurel", f"starting Postgres; data in {self._folder.path}")
        self._postgres = EmbeddedPostgres(
            self._folder.path, secret_key, self._clock, self._output.say
        )
        await self._postgres.start()
        self._tasks.append(group.create_task(self._postgres.watch()))
        return self._postgres.owner_url

    def _start_services(
        self,
        group: asyncio.TaskGroup,
        owner_url: str,
        secret_key: str,
        workspaces: Sequence[str],
    ) -> None:
        for service in PROCESSES:
            environment = environment_for(
                service, self._settings, owner_url, secret_key, workspaces
            )
            # The folder names the Laurel of a process, also where the service does not use it.
            environment |= {"LAUREL_DATA_DIR": str(self._folder.path), "PYTHONUNBUFFERED": "1"}
            child = ServiceProcess(service, environment, self._clock, self._output)
            self._services.append(child)
            self._tasks.append(group.create_task(child.run()))

    async def _announce_when_ready(self, access: Access, secret_key: str) -> None:
        profile = Profile(**service_urls(self._settings), key=access.probe)
        await wait_and_tell(profile, self._clock, self._output.say)
        announce(self._settings, profile, access, sign_in_url(profile, secret_key, self._clock))

    async def _end(self) -> None:
        """End all services at once and print their last lines; then end the database."""
        async with asyncio.TaskGroup() as group:
            for child in self._services:
                group.create_task(child.stop())
        for task in self._tasks:
            task.cancel()
        if self._postgres is not None:
            await self._postgres.stop()
        self._output.say("laurel", "stopped")
