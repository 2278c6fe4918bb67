"""The processes under `laurel run`: the three services and Postgres, restarted when they die.

Promise: a process that dies comes back after 0, 1, 5, then 30 s, and after a healthy minute after
0 s again, whatever killed it and however often. A Postgres that runs and no longer answers is
ended and restarted. After `stop` none of them is left.

What can go wrong: `Transient` from `EmbeddedPostgres.start` when it does not come up, with the
last lines of its log (`postgres.log` in the data folder).
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import asyncpg

from services.cli import postgres_folder
from services.cli.console import Output, Say
from shared.clock import Clock
from shared.db.failures import DRIVER_ERRORS
from shared.errors import Transient
from shared.settings import environment_with

ROOT: Final = Path(__file__).resolve().parents[2]

# --- how long to wait before a restart -----------------------------------------------------------

# The first restart is at once: most deaths are accidents. A process that keeps dying is tried
# every 30 s and never given up.
WAIT_SECONDS: Final = (0.0, 1.0, 5.0, 30.0)
HEALTHY_SECONDS: Final = 60.0


class BackOff:
    """The deaths of one process. Make it when the process first starts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._deaths = 0
        self._started_at = clock.monotonic()

    def seconds_before_next(self) -> float:
        """The process died now: how long to wait before the next start, which must follow."""
        now = self._clock.monotonic()
        if now - self._started_at >= HEALTHY_SECONDS:
            self._deaths = 0
        wait_seconds = WAIT_SECONDS[min(self._deaths, len(WAIT_SECONDS) - 1)]
        self._deaths += 1
        self._started_at = now + wait_seconds
        return wait_seconds


# --- services ------------------------------------------------------------------------------------

# Together with the fast shutdown of Postgres this stays below the ten seconds of `laurel run`.
DRAIN_SECONDS_MAX: Final = 7.0


class ServiceProcess:
    """One service as a child process, started again whenever it ends."""

    def __init__(
        self, service: str, environment: Mapping[str, str], clock: Clock, output: Output
    ) -> None:
        self.service = service
        self._environment = environment_with(environment)
        self._clock = clock
        self._output = output
        self._process: Process | None = None
        self._is_stopping = False

    async def run(self) -> None:
        """Keep the service running until `stop`."""
        back_off = BackOff(self._clock)
        while not self._is_stopping:
            how = await self._live()
            if self._is_stopping:
                return
            wait_seconds = back_off.seconds_before_next()
            when = f"in {wait_seconds:.0f} s" if wait_seconds else "at once"
            self._output.say(self.service, f"{how}; starts again {when}")
            await self._clock.sleep(wait_seconds)

    async def stop(self) -> None:
        """Ask it to drain, then make it end. `run` goes on showing what it says meanwhile."""
        self._is_stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), DRAIN_SECONDS_MAX)
        except TimeoutError:
            self._output.say(self.service, f"did not drain within {DRAIN_SECONDS_MAX:.0f} s")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it now: for a person who pressed Ctrl-C twice."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _live(self) -> str:
        """One life of the process; how it ended."""
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.cli.child",
                "run",
                self.service,
                cwd=ROOT,
                env=self._environment,
                stdin=PIPE,  # never written to: its end tells the child that we are gone
                stdout=PIPE,
                stderr=STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"could not start ({error.strerror})"
        assert process.stdout is not None
        await self._output.follow(self.service, process.stdout)
        return f"ended {_how(await process.wait())}"


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


# --- Postgres ------------------------------------------------------------------------------------

PROBE_SECONDS: Final = 1.0
PROBE_TIMEOUT_SECONDS: Final = 2.0
# Making the cluster takes two seconds, recovery about as long; a slow disk may need far more.
START_SECONDS_MAX: Final = 60.0
# A server that answers nothing for so long is stuck; during recovery and start it does answer.
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
        self._folder = postgres_folder.find(data_folder)
        self._process: Process | None = None

    @property
    def owner_url(self) -> str:
        """The owner's address."""
        return self._folder.owner_url

    async def start(self) -> None:
        """Start it and wait until it answers."""
        postgres_folder.prepare(self._folder, self._data_folder)
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
                "services.cli.child",
                "postgres",
                str(self._data_folder),
                str(os.getpid()),
                cwd=ROOT,
                # Not our environment: it holds keys. The folder says which Laurel this belongs to.
                env={
                    "LC_ALL": "C.UTF-8",
                    "LAUREL_DATA_DIR": str(self._data_folder),
                    "PYTHONPATH": os.pathsep.join(sys.path),
                },
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own session: Ctrl-C must reach only the supervisor, which ends it last.
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
        """Whether the server answers a query. "Starting up" is not an answer yet."""
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
