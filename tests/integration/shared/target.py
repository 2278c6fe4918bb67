"""A server for callers of any kind, which remembers the paths that it answered: by its app, or by a prompt before it.

Promise: over real sockets and the production server. What can go wrong: an answer that does not end in time fails the test.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.http.edge import Edge
from shared.http.gate import Gate
from shared.http.protocol import Fields
from shared.telemetry import Telemetry

# A machine with other things to do may be late; an endless wait is what these tests look for.
PATIENCE_SECONDS = 20.0
# More than the sockets of both sides hold.
LARGE_BYTES = 32_000_000
# Longer than the test of idle connections lets one be idle.
SLOW_SECONDS = 1.5
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass
class Target:
    """A server, and the paths of which its app heard."""

    url: str = ""
    telemetry: Telemetry = field(default_factory=lambda: Telemetry("test"))
    heard: list[str] = field(default_factory=list)
    prompted: int = 0

    def prompt(self, target: bytes, fields: Fields) -> bytes | None:
        """Answer on the spot; large and slow answers are the app's."""
        if target in (b"/large", b"/slow"):
            return None
        assert fields
        self.heard.append(target.decode())
        self.prompted += 1
        return b"content-length: 0\r\n\r\n"

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, whatever is asked."""
        if scope["type"] != "http":
            return
        self.heard.append(scope["path"])
        if scope["path"] == "/slow":
            await asyncio.sleep(SLOW_SECONDS)
        body = b"x" * LARGE_BYTES if scope["path"] == "/large" else b"heard"
        await Response(body)(scope, receive, send)

    def edge(self) -> Edge:
        """The app as services have it."""
        return Edge(self.app, telemetry=self.telemetry, gate=Gate(body_limit_bytes=65_536))

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection."""
        host, port = self.url.removeprefix("http://").split(":")
        return await asyncio.open_connection(host, int(port))

    async def ask(self, sent: bytes) -> bytes:
        """The head of the first answer."""
        reader, writer = await self.open()
        try:
            writer.write(sent)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()

    async def tell(self, sent: bytes) -> bytes:
        """All that comes back until the server closes."""
        reader, writer = await self.open()
        try:
            writer.write(sent)
            return await until_closed(reader)
        finally:
            writer.close()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    got = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        with contextlib.suppress(ConnectionResetError):
            while part := await reader.read(65_536):
                got += part
    return got


def statuses(answer: bytes) -> list[int]:
    """The statuses of all answers; a prompt's 302 counts as the 200 that the app would give."""
    return [200 if status == b"302" else int(status) for status in STATUS.findall(answer)]
