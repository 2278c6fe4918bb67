"""Faults of a log's server: frozen (connections stay open without an answer) or gone.

A signal freezes or kills the broker of Kafka. Postgres is behind a proxy on a unix socket, which
stops forwarding or closes, so that other tests keep their server.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from typing_extensions import override

from deploy.kafka.server import KafkaServer
from shared.log.memory import MemoryBroker

PORT = 5432


class Fault(ABC):
    """The faults of the server of one log."""

    @abstractmethod
    async def freeze(self) -> None:
        """Stop all answers and keep the connections open."""

    @abstractmethod
    async def thaw(self) -> None:
        """End `freeze`."""

    @abstractmethod
    async def vanish(self) -> None:
        """Break all connections and refuse new ones."""

    @abstractmethod
    async def return_(self) -> None:
        """End `vanish`."""


class MemoryFault(Fault):
    """The memory broker's own hooks."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    @override
    async def freeze(self) -> None:
        self._broker.hang()

    @override
    async def thaw(self) -> None:
        self._broker.resume()

    @override
    async def vanish(self) -> None:
        self._broker.go_away()

    @override
    async def return_(self) -> None:
        self._broker.come_back()


class KafkaFault(Fault):
    """A broker that only this test uses."""

    def __init__(self, server: KafkaServer) -> None:
        self._server = server

    @override
    async def freeze(self) -> None:
        self._server.pause()

    @override
    async def thaw(self) -> None:
        self._server.resume()

    @override
    async def vanish(self) -> None:
        await asyncio.to_thread(self._server.kill)

    @override
    async def return_(self) -> None:
        await asyncio.to_thread(self._server.start)


class SocketProxy(Fault):
    """A unix socket in `folder` that forwards to the server's socket."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.folder = folder
        self._path = folder / f".s.PGSQL.{PORT}"
        self._target = target / f".s.PGSQL.{PORT}"
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()
        self._server: asyncio.Server | None = None

    @override
    async def freeze(self) -> None:
        self._flowing.clear()

    @override
    async def thaw(self) -> None:
        self._flowing.set()

    @override
    async def vanish(self) -> None:
        assert self._server is not None
        self._server.close()
        self._path.unlink(missing_ok=True)
        for writer in list(self._open):
            writer.transport.abort()

    @override
    async def return_(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SocketProxy"]:
        await self.return_()
        try:
            yield self
        finally:
            self._flowing.set()
            await self.vanish()
            if self._open:
                self._idle.clear()
                await self._idle.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(self._target)
        self._open |= {writer, forth}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, forth))
                tasks.create_task(self._pump(back, writer))
        finally:
            self._open -= {writer, forth}
            if not self._open:
                self._idle.set()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        sink.close()
        with suppress(OSError):
            await sink.wait_closed()
