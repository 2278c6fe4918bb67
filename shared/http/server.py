"""The HTTP server: uvicorn with every option that matters passed by name.

Promise: one process, one loop (uvloop), a strict parser (httptools). SIGTERM and SIGINT stop accepting, let running requests
finish within a deadline and then return to the caller, whose own clean-up runs.

What can go wrong: the port is taken: uvicorn says so and the process exits with status 1.
"""

import asyncio
import resource
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import uvicorn
import uvloop
from starlette.types import ASGIApp
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Requests end within 5 s; twice that lets the slowest finish and still beats an orchestrator's 30 s.
GRACEFUL_SHUTDOWN_SECONDS: Final = 10
# Longer than a proxy keeps an idle connection to us (deploy/nginx.conf), so that it never sends into a closed one.
KEEP_ALIVE_SECONDS: Final = 75
# Connections the kernel may hold while the loop is busy.
BACKLOG: Final = 2_048
# Connections, journals, the database's pool, the log: a shell's usual limit of 1,024 files is soon used up.
OPEN_FILES: Final = 11_000

Result = TypeVar("Result")


class Server(uvicorn.Server):
    """uvicorn's server, which returns after a signal instead of raising it again: the caller still has to clean up."""

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


def server_config(
    app: ASGIApp, host: str, port: int, http: type[HttpToolsProtocol] = HttpToolsProtocol
) -> uvicorn.Config:
    """Every option by name. `http` is uvicorn's own protocol or a subclass of it."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # No service believes a forwarding header: the public base of links is a setting.
        proxy_headers=False,
        backlog=BACKLOG,
        # The middleware limits the requests in flight: uvicorn's own refusal is plain text without Retry-After.
        limit_concurrency=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


async def serve(
    app: ASGIApp, host: str, port: int, http: type[HttpToolsProtocol] = HttpToolsProtocol
) -> None:
    """Serve until a signal comes; the app's lifespan runs inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    await Server(server_config(app, host, port, http)).serve()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a process's main coroutine on uvloop: what each `__main__` calls."""
    return uvloop.run(main)
