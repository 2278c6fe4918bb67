"""The HTTP server: uvicorn with every option that matters passed by name.

Promise: one process, one loop (uvloop), a strict parser (httptools). SIGTERM and SIGINT stop accepting, let running requests
finish within a deadline and then return to the caller, whose own clean-up runs.

What can go wrong: the port is taken: uvicorn says so and the process exits with status 1.
"""

import asyncio
import resource
import signal
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, Final, TypeVar, cast

import uvicorn
import uvloop
from starlette.types import ASGIApp
from typing_extensions import override

from shared.http.gate import Gate
from shared.http.limits import LIMITS, ConnectionLimits
from shared.http.protocol import GuardedProtocol, Prompt
from shared.telemetry import Telemetry

# Requests end within 5 s; twice that lets the slowest finish and still beats an orchestrator's 30 s.
GRACEFUL_SHUTDOWN_SECONDS: Final = 10
# Connections the kernel may hold while the loop is busy.
BACKLOG: Final = 2_048
# Open files besides connections: journals, the database's pool, the log.
OTHER_FILES: Final = 1_000

Result = TypeVar("Result")


class Server(uvicorn.Server):
    """uvicorn's server, which returns after a signal instead of raising it again: the caller still has to clean up."""

    def __init__(self, config: uvicorn.Config, *, gate: Gate | None = None) -> None:
        super().__init__(config)
        self._gate = gate

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._gate is not None:
            self._gate.stop()
        await super().shutdown(sockets)

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _stop(self, number: int, frame: FrameType | None = None) -> None:
        self.handle_exit(number, frame)


def server_config(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    telemetry: Telemetry | None = None,
    limits: ConnectionLimits = LIMITS,
    prompt: Prompt | None = None,
) -> uvicorn.Config:
    """Every option by name; the protocol and the app's own middleware do what uvicorn leaves undone."""
    protocol = partial(GuardedProtocol, limits=limits, telemetry=telemetry, prompt=prompt)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=cast("type[asyncio.Protocol]", protocol),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nothing in Laurel believes a forwarding header: the public base of links is a setting.
        proxy_headers=False,
        backlog=BACKLOG,
        # The protocol has its own limits: uvicorn would answer in plain text.
        limit_concurrency=None,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    telemetry: Telemetry | None = None,
    prompt: Prompt | None = None,
    gate: Gate | None = None,
) -> None:
    """Serve until a signal comes; the app's lifespan runs inside. Refused requests are counted in `telemetry`; what `prompt` answers
    the app never hears of; those that `gate`, the app's, holds are let go when the server stops."""
    raise_file_limit()
    config = server_config(app, host, port, telemetry=telemetry, prompt=prompt)
    await Server(config, gate=gate).serve()


def raise_file_limit() -> None:
    """Let this process open as many files as its connections need: a shell's usual 1,024 are a minute's work to use up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LIMITS.connections_max + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a process's main coroutine on uvloop: what each `__main__` calls."""
    return uvloop.run(main)
