"""Keeps the embedded Postgres alive: started as a child, probed each second, started afresh when it is gone or stuck.

Promise: after `start` it answers; while `watch` runs, a server that died is back within seconds; after `stop` nothing of it
is left. Its own log is `postgres.log` in the data folder.

What can go wrong: `Transient` from `start` when it does not come up, with the last lines of its log.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Final

import asyncpg

from services.cli import place
from services.cli.backoff import BackOff
from services.cli.output import Say
from shared.clock import Clock
from shared.db.failures import DRIVER_ERRORS
from shared.errors import Transient

ROOT: Final = Path(__file__).resolve().parents[2]
PROBE_SECONDS: Final = 1.0
PROBE_TIMEOUT_SECONDS: Final = 2.0
# Making the cluster takes a second or two, recovery after kill -9 about as long; a slow disk may need far more.
START_SECONDS_MAX: Final = 60.0
# A server that answers nothing for this long is stuck, not busy; recovery and start-up do answer ("starting up").
SILENT_SECONDS_MAX: Final = 30.0
STOP_SECONDS_MAX: Final = 4.0
LOG_BYTES_MAX: Final = 10_000_000
_LOG_LINES_SHOWN: Final = 5


class EmbeddedPostgres:
    """One server on one data folder, whose lock the caller holds."""

    def __init__(self, data_folder: Path, clock: Clock, say: Say) -> None:
        self._data_folder = data_folder
        self._clock = clock
        self._say = say
        self._log = data_folder / "postgres.log"
        self._place = place.find(data_folder)
        self._process: Process | None = None

    @property
    def owner_url(self) -> str:
        """The owner's address."""
        return self._place.owner_url

    async def start(self) -> None:
        """Start it and wait until it answers."""
        place.prepare(self._place, self._data_folder)
        back_off = BackOff(self._clock)
        deadline = self._clock.monotonic() + START_SECONDS_MAX
        while True:
            await self._spawn()
            if await self._answers_before(deadline):
                return
            if self._clock.monotonic() > deadline:
                await self.stop()
                raise Transient(f"Postgres did not start. {self._last_words()}")
            await self._clock.sleep(back_off.seconds_before_next())

    async def watch(self) -> None:
        """Probe each second for ever; bring back what died."""
        back_off = BackOff(self._clock)
        answered_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(PROBE_SECONDS)
            is_dead = self._process is None or self._process.returncode is not None
            if not is_dead and await self._answers():
                answered_at = self._clock.monotonic()
                continue
            is_stuck = self._clock.monotonic() - answered_at > SILENT_SECONDS_MAX
            if is_dead or is_stuck:
                await self._restart(back_off, "ended" if is_dead else "no longer answers")
                answered_at = self._clock.monotonic()

    async def stop(self) -> None:
        """Fast shutdown; a server that does not follow is stopped hard."""
        for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process = self._process
            if process is None or process.returncode is not None:
                return
            process.send_signal(sign)
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS_MAX)
            except TimeoutError:
                continue

    async def _restart(self, back_off: BackOff, what: str) -> None:
        wait_seconds = back_off.seconds_before_next()
        self._say("postgres", f"{what}; starting it again" + _in(wait_seconds))
        if what != "ended":
            await self.stop()
        await self._clock.sleep(wait_seconds)
        await self._spawn()
        if await self._answers_before(self._clock.monotonic() + SILENT_SECONDS_MAX):
            self._say("postgres", "is back")

    async def _spawn(self) -> None:
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.old"))
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.cli.postgres_process",
                str(self._data_folder),
                str(os.getpid()),
                cwd=ROOT,
                # Not our environment: it holds keys that Postgres needs not know. The folder tells people whose it is.
                env={
                    "LC_ALL": "C.UTF-8",
                    "LAUREL_DATA_DIR": str(self._data_folder),
                    "PYTHONPATH": os.pathsep.join(sys.path),
                },
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own session: Ctrl-C in the terminal is for the supervisor, which ends things in order.
                start_new_session=True,
            )

    async def _answers_before(self, deadline: float) -> bool:
        while self._clock.monotonic() < deadline:
            if self._process is None or self._process.returncode is not None:
                return False
            if await self._answers():
                return True
            await self._clock.sleep(0.05)
        return False

    async def _answers(self) -> bool:
        """Whether somebody is in there. "Starting up" is not an answer yet, but `watch` sees that the process lives."""
        try:
            connection = await asyncpg.connect(
                self.owner_url, timeout=PROBE_TIMEOUT_SECONDS, command_timeout=PROBE_TIMEOUT_SECONDS
            )
        except DRIVER_ERRORS:
            return False
        try:
            return bool(await connection.fetchval("SELECT 1"))
        except DRIVER_ERRORS:
            return False
        finally:
            connection.terminate()

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
        return "\n".join((f"The end of {self._log}:", *lines))


def _in(wait_seconds: float) -> str:
    return f" in {wait_seconds:.0f} s" if wait_seconds else ""
