"""The three services as child processes: started, watched, started again, and ended in good time.

Promise: a service that dies comes back with back-off (0, 1, 5, 30 s, a clean record after a healthy minute), whatever killed
it and however often; only the supervisor's own end stops it. After `stop` none of them is left.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping
from typing import Final

from services.cli.backoff import BackOff
from services.cli.embedded import ROOT
from services.cli.output import Output
from shared.clock import Clock
from shared.settings import environment_with

# Together with Postgres's fast shutdown this stays below the ten seconds that a person waits before pulling the plug.
DRAIN_SECONDS_MAX: Final = 7.0


class Child:
    """One service's process, through all its lives."""

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
