"""The short way of bodies and answers: taken only where the ordinary one would neither wait nor end the connection, with the same bytes.

What holds of every request (deadlines, sizes, malformed requests) is in `test_http_connections.py` and `test_http_sockets.py`.
"""

import asyncio
import re

import pytest
from starlette.types import Receive, Scope, Send

from shared.http.direct import direct_of
from shared.http.gate import Gate
from tests.fixtures.http import running
from tests.integration.shared.target import PATIENCE_SECONDS, Target, until_closed

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\n"
POST = HEAD + b"Content-Length: 5\r\n\r\nhello"
CLOSE = HEAD + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello"
DATE = re.compile(rb"(?<=\r\ndate: )[^\r]+")


class Echo:
    """Answers with the body, by the short way when it is `short` and the way is open."""

    def __init__(self, *, short: bool) -> None:
        self.ways: list[tuple[bool, bool]] = []
        self.heard = asyncio.Event()
        self._short = short
        self._gate = Gate(body_limit_bytes=65_536)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not self._short:
            scope = {name: value for name, value in scope.items() if name != "extensions"}
        taken: list[bool] = []

        async def noticed() -> object:
            taken.append(False)
            return await receive()

        body = await self._gate.body(b"", scope, noticed)  # type: ignore[arg-type]
        direct = direct_of(scope)
        rest = b"content-length: %d\r\nx-own: yes\r\n\r\n%b" % (len(body), body)
        is_told = direct is not None and direct.answer(scope, 202, rest)
        self.ways.append((not taken, is_told))
        self.heard.set()
        if is_told:
            # Answered is answered.
            assert direct is not None
            assert not direct.answer(scope, 202, rest)
            assert direct.take_body(scope) is None
            assert (await receive())["type"] == "http.disconnect"
            return
        headers = [(b"content-length", b"%d" % len(body)), (b"x-own", b"yes")]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def told(echo: Echo, *pieces: bytes) -> bytes:
    """What comes back for these pieces, sent one after the other, until the server closes."""
    target = Target()
    async with running(echo) as target.url:
        reader, writer = await target.open()
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.05)
            return DATE.sub(b"now", await until_closed(reader))
        finally:
            writer.close()


# What is sent, and of each request whether its body and its answer went the short way.
WAYS: dict[str, tuple[tuple[bytes, ...], list[tuple[bool, bool]]]] = {
    "one after the other": ((POST, POST, CLOSE), [(True, True), (True, True), (True, False)]),
    "HTTP/1.0": ((POST.replace(b"1.1", b"1.0"),), [(True, False)]),
    "a body in two pieces": ((POST[:-2], b"lo", CLOSE), [(False, True), (True, False)]),
    "a body in chunks": (
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", CLOSE),
        [(True, True), (True, False)],
    ),
    "no bytes": ((HEAD + b"Content-Length: 0\r\n\r\n", CLOSE), [(True, True), (True, False)]),
    "expect": (
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", CLOSE),
        [(False, True), (True, False)],
    ),
    # Only the last of those that came together is the connection's own cycle.
    "together": ((POST + POST + CLOSE,), [(False, False), (False, False), (True, False)]),
    "no body": (
        (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", CLOSE),
        [(False, False), (True, False)],
    ),
}


@pytest.mark.parametrize("name", WAYS)
async def test_the_short_way_says_what_the_ordinary_one_says(name: str) -> None:
    pieces, ways = WAYS[name]
    short, ordinary = Echo(short=True), Echo(short=False)
    answer = await told(short, *pieces)
    assert answer == await told(ordinary, *pieces)
    assert answer.count(b"HTTP/1.1 202 Accepted\r\ndate: now\r\ncontent-length: ") == len(ways)
    assert short.ways == ways
    assert not any(any(way) for way in ordinary.ways)


async def test_a_caller_that_reads_nothing_is_waited_for() -> None:
    """Answers go the short way until the sockets are full; the next one waits as `send` does."""
    echo, target = Echo(short=True), Target()
    request = HEAD + b"Content-Length: 60000\r\n\r\n" + b"x" * 60_000
    sent = 0
    async with running(echo) as target.url:
        reader, writer = await target.open()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not echo.ways or echo.ways[-1][1]:
                writer.write(request)
                sent += 1
                await echo.heard.wait()
                echo.heard.clear()
        assert sent > 1
        writer.write(CLOSE)
        got = await until_closed(reader)
        writer.close()
    assert got.count(b"HTTP/1.1 202 ") == sent + 1
    assert got.endswith(b"hello")
