"""The HTTP server: uvicorn with its options.

Promise: one process, one loop (uvloop), a strict parser (httptools). After SIGTERM or SIGINT it
accepts no connection, running requests finish within a deadline, and `serve` returns, so that the
caller can clean up.
What can go wrong: if the port is taken, uvicorn logs it and the process exits with status 1.
"""

import asyncio
import os
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

# Requests end within 5 s. Twice that lets the slowest one finish; orchestrators kill after 30 s.
GRACEFUL_SHUTDOWN_SECONDS: Final = 10
# Longer than the proxy keeps an idle connection (deploy/nginx.conf), so it uses no closed one.
KEEP_ALIVE_SECONDS: Final = 75
# The connections that the kernel queues while the loop is busy.
BACKLOG: Final = 2_048
# For connections, journals, the database and the log. The usual limit of 1,024 files is too low.
OPEN_FILES: Final = 11_000

Result = TypeVar("Result")


class Server(uvicorn.Server):
    """uvicorn's server without the second raise of a signal, because the caller must clean up."""

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
    """Return the options of uvicorn. `http` is uvicorn's protocol or a subclass of it."""
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
        # No forwarding header is used: the public base of links is a setting.
        proxy_headers=False,
        backlog=BACKLOG,
        # The middleware limits requests: a refusal by uvicorn is plain text without Retry-After.
        limit_concurrency=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


async def serve(
    app: ASGIApp, host: str, port: int, http: type[HttpToolsProtocol] = HttpToolsProtocol
) -> None:
    """Serve until SIGTERM or SIGINT, inside the lifespan of the app."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    await Server(server_config(app, host, port, http)).serve()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run the main coroutine of a process on uvloop. Each `__main__` calls it.

    Files that the process makes, such as the journal, are readable by its user alone.
    """
    os.umask(0o077)
    return uvloop.run(main)
