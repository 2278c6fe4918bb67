"""The processes under `laurel run`: the services and Postgres, restarted when they end.

Promise: a process that ends is restarted after 0, 1, 5, then always 30 s. After a minute of running
the first wait is 0 s again. A Postgres that runs and does not answer is ended and restarted. After
`stop` no process is left.

What can go wrong: `Transient` from `EmbeddedPostgres.start` when it does not start, with the last
lines of its log (`postgres.log` in the data folder).
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
from shared.db.roles import owner_password
from shared.errors import Transient

ROOT: Final = Path(__file__).resolve().parents[2]

# --- how long to wait before a restart -----------------------------------------------------------

# Most ends are accidents, so the first restart comes at once. A process that keeps ending is
# restarted every 30 s without limit.
WAIT_SECONDS: Final = (0.0, 1.0, 5.0, 30.0)
HEALTHY_SECONDS: Final = 60.0


class BackOff:
    """The waits between the restarts of one process. Make it when the process first starts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends = 0
        self._started_at = clock.monotonic()

    def seconds_before_next(self) -> float:
        """Note that the process ended now; return the wait before the start that must follow."""
        now = self._clock.monotonic()
        if now - self._started_at >= HEALTHY_SECONDS:
            self._ends = 0
        wait_seconds = WAIT_SECONDS[min(self._ends, len(WAIT_SECONDS) - 1)]
        self._ends += 1
        self._started_at = now + wait_seconds
        return wait_seconds


# --- services ------------------------------------------------------------------------------------

# Together with the fast shutdown of Postgres this stays below the ten seconds of `laurel run`.
DRAIN_SECONDS_MAX: Final = 7.0


class ServiceProcess:
    """One service as a child process that is restarted whenever it ends.

    `environment` is the whole environment of the child.
    """

    def __init__(
        self, service: str, environment: Mapping[str, str], clock: Clock, output: Output
    ) -> None:
        self.service = service
        self._environment = dict(environment)
        self._clock = clock
        self._output = output
        self._process: Process | None = None
        self._is_stopping = False

    async def run(self) -> None:
        """Keep the service running until `stop`."""
        back_off = BackOff(self._clock)
        while not self._is_stopping:
            how = await self._run_once()
            if self._is_stopping:
                return
            wait_seconds = back_off.seconds_before_next()
            when = f"in {wait_seconds:.0f} s" if wait_seconds else "at once"
            self._output.say(self.service, f"{how}; starts again {when}")
            await self._clock.sleep(wait_seconds)

    async def stop(self) -> None:
        """Send SIGTERM so that it drains, then SIGKILL. `run` still prints its lines meanwhile."""
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
        """End it at once, after a second Ctrl-C."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _run_once(self) -> str:
        """Start the process, wait for its end, and return how it ended."""
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.cli.child",
                "run",
                self.service,
                cwd=ROOT,
                env=self._environment,
                stdin=PIPE,  # never written to: its end tells the child that the supervisor ended
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
# Making the cluster or recovering it takes 2 s; a slow disk may need much more.
START_SECONDS_MAX: Final = 60.0
# A server that does not answer for so long is stuck: it answers during start and recovery.
SILENT_SECONDS_MAX: Final = 30.0
STOP_SECONDS_MAX: Final = 4.0
LOG_BYTES_MAX: Final = 10_000_000
_LOG_LINES_SHOWN: Final = 5


class EmbeddedPostgres:
    """One server of one data folder; the caller holds the lock of the folder."""

    def __init__(self, data_folder: Path, secret_key: str, clock: Clock, say: Say) -> None:
        self._data_folder = data_folder
        self._secret_key = secret_key
        self._clock = clock
        self._say = say
        self._log = data_folder / "postgres.log"
        self._folder = postgres_folder.find(data_folder)
        self._process: Process | None = None

    @property
    def owner_url(self) -> str:
        """The URL of the owner."""
        return self._folder.owner_url(self._secret_key)

    async def start(self) -> None:
        """Start the server and wait for an answer; raises `Transient` after `START_SECONDS_MAX`."""
        postgres_folder.prepare(self._folder, self._data_folder)
        back_off = BackOff(self._clock)
        deadline = self._clock.monotonic() + START_SECONDS_MAX
        while True:
            await self._spawn()
            if await self._answers_before(deadline):
                return
            if self._clock.monotonic() > deadline:
                await self.stop()
                raise Transient(f"Postgres did not start. {self._end_of_log()}")
            await self._clock.sleep(back_off.seconds_before_next())

    async def watch(self) -> None:
        """Probe every second without end; restart a server that ended or is stuck."""
        back_off = BackOff(self._clock)
        answered_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(PROBE_SECONDS)
            has_ended = self._process is None or self._process.returncode is not None
            if not has_ended and await self._answers():
                answered_at = self._clock.monotonic()
                continue
            is_stuck = self._clock.monotonic() - answered_at > SILENT_SECONDS_MAX
            if has_ended or is_stuck:
                await self._restart(back_off, "ended" if has_ended else "no longer answers")
                answered_at = self._clock.monotonic()

    async def stop(self) -> None:
        """Ask for a fast shutdown, then for an immediate one, then kill."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process = self._process
            if process is None or process.returncode is not None:
                return
            process.send_signal(number)
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
        self._log.touch(mode=0o600)
        self._log.chmod(0o600)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.cli.child",
                "postgres",
                str(self._data_folder),
                str(os.getpid()),
                cwd=ROOT,
                # The environment of the supervisor holds keys. The folder names the Laurel.
                env={
                    "LC_ALL": "C.UTF-8",
                    "LAUREL_DATA_DIR": str(self._data_folder),
                    "PYTHONPATH": os.pathsep.join(sys.path),
                },
                stdin=PIPE,
                stdout=log,
                stderr=log,
                # In its own session Ctrl-C does not reach it: the supervisor ends it last.
                start_new_session=True,
            )
        # Not in the environment or the arguments, where other processes could read it.
        assert self._process.stdin is not None
        self._process.stdin.write(owner_password(self._secret_key).encode())
        self._process.stdin.close()

    async def _answers_before(self, deadline: float) -> bool:
        while self._clock.monotonic() < deadline:
            if self._process is None or self._process.returncode is not None:
                return False
            if await self._answers():
                return True
            await self._clock.sleep(0.05)
        return False

    async def _answers(self) -> bool:
        """Whether the server answers a query; "starting up" is no answer."""
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

    def _end_of_log(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
        return "\n".join((f"The end of {self._log}:", *lines))


def _in(wait_seconds: float) -> str:
    return f" in {wait_seconds:.0f} s" if wait_seconds else ""
