"""The redirect shortcut and uvicorn's own protocol answer with the same bytes over real sockets.

Promise: only the new parts of each answer (click id, visitor id, request id, date) are masked
before the comparison.
"""

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.tracking.routes.redirect_protocol import Fields, redirect_protocol
from shared.catalog import RESERVED_WORDS
from shared.http.server import GRACEFUL_SHUTDOWN_SECONDS
from shared.ids import new_id
from tests.fixtures.http import running
from tests.integration.tracking.world import Site, World

OWN_HOST = b"go.brand.example"
# This timer ends the connection after an upgrade or a malformed request.
KEEP_ALIVE_SECONDS = 1
PATIENCE_SECONDS = 90.0
NEW_PARTS = re.compile(
    rb"lclid=[A-Za-z0-9_-]{50}|(?<=lvid=)(?!v{21}w)[A-Za-z0-9_-]{22}"
    rb"|[0-9a-f]{8}-[0-9a-f-]{27}|(?<=\r\ndate: )[^\r]+"
)
KNOWN_VISITOR = b"Cookie: a=b; lvid=" + b"v" * 21 + b"w" + b"\r\n"


def get(target: bytes = b"/mia", *lines: bytes, version: bytes = b"1.1") -> bytes:
    """Return a GET request; each of `lines` is one header."""
    more = b"".join(line + b"\r\n" for line in lines)
    return b"GET %b HTTP/%b\r\nHost: x\r\n%b\r\n" % (target, version, more)


POST = b"POST /v1/conversions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
CLOSE = get(b"/mia", b"Connection: close")
# What is sent on one connection, and how many of these requests the shortcut answers. The test adds
# a last request that closes the connection.
SENT: dict[str, tuple[bytes, int]] = {
    "one visit": (get(), 1),
    "keep-alive": (get() + get(b"/MIA") + get(b"/mia?s=bio"), 3),
    "asked to keep alive": (get(b"/mia", b"Connection: keep-alive"), 1),
    "behind a call that is answered later": (POST + get() + get(), 0),
    "before a call": (get() + get() + POST, 2),
    "HTTP/1.0": (get(version=b"1.0"), 0),
    "HTTP/1.0 that stays": (get(b"/mia", b"Connection: keep-alive", version=b"1.0"), 0),
    "close": (CLOSE, 0),
    "a known visitor": (get(b"/mia", KNOWN_VISITOR[:-2]), 1),
    "a forged visitor": (get(b"/mia", b"Cookie: lvid=<script>"), 1),
    "no consent by header": (get(b"/mia", b"Sec-GPC: 1", KNOWN_VISITOR[:-2]), 1),
    "do not track": (get(b"/mia", b"DNT:  1 "), 1),
    "no consent by query": (get(b"/mia?consent=0&s=a"), 1),
    "a strange query": (get(b"/mia?url=//evil.example&s=%0d%0aX:1&lclid=x"), 1),
    "a question mark more": (get(b"/mia??x=1"), 1),
    "an empty query": (get(b"/mia?"), 1),
    "a NUL in the query": (get(b"/mia?s=%00"), 0),
    "a fragment": (get(b"/mia#top") + get(b"/mia?s=a#top"), 0),
    "prefetch": (get(b"/mia", b"Sec-Purpose: prefetch;prerender"), 1),
    "a crawler": (get(b"/mia", b"User-Agent: Googlebot/2.1"), 1),
    "an agent of bytes": (get(b"/mia", b"User-Agent: \xff\xfe"), 1),
    "a request id": (get(b"/mia", b"X-Request-Id: my-own-id-1"), 0),
    "a body": (get(b"/mia", b"Content-Length: 5") + b"hello", 0),
    "no bytes": (get(b"/mia", b"Content-Length: 0"), 0),
    "a body in chunks": (get(b"/mia", b"Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n", 0),
    "expect": (get(b"/mia", b"Expect: 100-continue"), 0),
    "an upgrade": (get(b"/mia", b"Upgrade: h2c"), 0),
    "an upgrade to a socket": (get(b"/mia", b"Upgrade: websocket"), 0),
    "escapes": (get(b"/%6Dia") + get(b"/mia%00") + get(b"/m%C3%ADa"), 0),
    "a whole address": (get(b"http://x/mia"), 0),
    "other paths": (get(b"//mia") + get(b"/mia/") + get(b"/") + get(b"/health/live"), 0),
    "unknown, off and gone": (get(b"/nobody") + get(b"/off") + get(b"/gone"), 0),
    "reserved words": (get(b"/v1") + get(b"/docs2") + get(b"/l.js"), 0),
    "HEAD": (b"HEAD /mia HTTP/1.1\r\nHost: x\r\n\r\n", 0),
    "other methods": (b"DELETE /mia HTTP/1.1\r\nHost: x\r\n\r\n", 0),
    "two hosts": (get(b"/own", b"Host: " + OWN_HOST), 0),
    "no host": (b"GET /mia HTTP/1.1\r\n\r\n", 1),
    "a forged host": (get(b"/mia", b"X-Forwarded-Host: evil.example"), 1),
    "malformed": (b"GET /mia HTTP/1.1\r\nHost : x\r\n\r\n", 0),
}


@dataclass
class Pair:
    """One process with two addresses: with the shortcut and without."""

    site: Site
    short: str
    plain: str
    answered: list[bytes]

    async def agree(self, sent: bytes) -> bytes:
        """Assert that both answer with the same bytes, and return them."""
        short, plain = await exchange(self.short, sent), await exchange(self.plain, sent)
        assert short == plain
        return short


async def exchange(url: str, *pieces: bytes) -> bytes:
    """Return all that the server answers until it closes, with the new parts masked."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return NEW_PARTS.sub(b"?", await until_closed(reader))
    finally:
        writer.close()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    got = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        with contextlib.suppress(ConnectionResetError):
            while part := await reader.read(65_536):
                got += part
    return got


@pytest.fixture(params=[False, True], ids=["shared codes", "own hosts"])
async def pair(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Pair]:
    brand = world.brand
    await world.publish(
        brand.link("off", id=new_id(), enabled=False),
        brand.link("gone", id=new_id(), deleted_at=brand.clock.now()),
    )
    if request.param:
        await world.publish(brand.link("own", id=new_id(), host=OWN_HOST.decode()))
    ready, done = asyncio.Event(), asyncio.Event()
    found: list[Pair] = []

    async def serve() -> None:
        async with world.serving() as site:
            await site.ready()
            answered: list[bytes] = []

            def respond(path: bytes, query: bytes, headers: Fields) -> bytes | None:
                answer = site.tracking.redirects.respond(path, query, headers)
                if answer is not None:
                    answered.append(path)
                return answer

            async with (
                running(
                    site.tracking.app,
                    redirect_protocol(respond),
                    keep_alive_seconds=KEEP_ALIVE_SECONDS,
                ) as short,
                running(site.tracking.app, keep_alive_seconds=KEEP_ALIVE_SECONDS) as plain,
            ):
                found.append(Pair(site, short, plain, answered))
                ready.set()
                await done.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve())
        await ready.wait()
        yield found[0]
        done.set()


@pytest.mark.parametrize("name", SENT)
async def test_the_shortcut_answers_like_the_route(pair: Pair, name: str) -> None:
    sent, answered = SENT[name]
    await pair.agree(sent + CLOSE)
    assert len(pair.answered) == answered


ALPHABET = "mMiIaA01_-%/.\\~;:@&=+$,!*'()?<>\"|^`{}[]xyz"
# Without the metrics, which change between two requests.
CODES = RESERVED_WORDS - {"metrics"}
MORE = (
    b"Sec-GPC: 1",
    b"DNT: 1",
    b"Cookie: lvid=" + b"a" * 21 + b"w",
    b"Cookie: lvid=x; lvid=" + b"b" * 21 + b"w",
    b"User-Agent: WhatsApp/2.23.20",
    b"Forwarded: host=evil.example",
    b"X-Moz: prefetch",
    b"Host: [::1]:80",
    b"Host: " + OWN_HOST.upper() + b":443",
)


async def test_the_two_agree_on_any_target(pair: Pair) -> None:
    chance = random.Random(8)
    sound = ["mia", "MIA", "own", "mia?s=", "mia?consent=0&"]
    words = [*sound * 6, "off", *sorted(CODES)]
    for _ in range(100):
        sent = b""
        for _ in range(3):
            letters = "".join(chance.choices(ALPHABET, k=chance.randrange(6)))
            target = "/" + chance.choice(words) + chance.choice(["", letters])
            sent += get(target.encode(), *chance.sample(MORE, chance.randrange(3)))
        await pair.agree(sent + CLOSE)
    assert len(pair.answered) > 50


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The application in the tests of timers: `/slow` takes longer than the keep-alive timer."""
    if scope["type"] == "http":
        if scope["path"] == "/slow":
            await asyncio.sleep(1.5 * KEEP_ALIVE_SECONDS)
        await Response("by the app")(scope, receive, send)


def short(path: bytes, query: bytes, headers: Fields) -> bytes | None:
    """Answer `/short` with the query in a header, and raise on `/broken`."""
    if path == b"/broken":
        raise ZeroDivisionError(query, headers)
    return b"content-length: 0\r\na: %b\r\n\r\n" % query if path == b"/short" else None


@contextlib.asynccontextmanager
async def connected(
    *, limit_concurrency: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield a connection to a server with `app` and `short`."""
    async with running(
        app,
        redirect_protocol(short),
        keep_alive_seconds=KEEP_ALIVE_SECONDS,
        limit_concurrency=limit_concurrency,
    ) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        yield reader, writer
        writer.close()


async def head(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)


async def test_an_idle_connection_ends_with_the_keep_alive_timer() -> None:
    loop = asyncio.get_running_loop()
    answered_at = 0.0
    async with connected() as (reader, writer):
        for _ in range(3):
            writer.write(get(b"/short"))
            assert (await head(reader)).startswith(b"HTTP/1.1 302 ")
            answered_at = loop.time()
            await asyncio.sleep(0.5 * KEEP_ALIVE_SECONDS)
        assert await until_closed(reader) == b""
        assert loop.time() - answered_at > 0.9 * KEEP_ALIVE_SECONDS


async def test_the_timer_of_a_short_answer_does_not_end_the_request_behind_it() -> None:
    async with connected() as (reader, writer):
        writer.write(get(b"/short") + get(b"/slow", b"Connection: close"))
        answers = await until_closed(reader)
    assert answers.count(b"HTTP/1.1 302 ") == 1
    assert answers.endswith(b"by the app")


async def test_a_shortcut_that_fails_leaves_the_request_to_the_app() -> None:
    async with connected() as (reader, writer):
        writer.write(get(b"/broken") + get(b"/short") + CLOSE)
        answers = await until_closed(reader)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"200", b"200"]


async def test_with_a_limit_of_uvicorn_all_requests_go_to_uvicorn() -> None:
    async with connected(limit_concurrency=1) as (reader, writer):
        writer.write(get(b"/short"))
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 503 ")


async def test_a_caller_that_reads_nothing_is_waited_for() -> None:
    """The shortcut answers until the sockets are full; then uvicorn's flow control is used."""
    # Both ways carry more than can be stored on them: 41 MB of requests and as much of answers. The
    # kernel lends a receiver up to 33 MB and a sender 4 MB.
    requests = 10_000
    request = get(b"/short?" + b"a" * 4_000)
    async with connected() as (reader, writer):
        sending = asyncio.ensure_future(_send(writer, request * requests + CLOSE))
        await asyncio.sleep(1)
        assert not sending.done()
        answers = await until_closed(reader)
        await sending
    assert answers.count(b"HTTP/1.1 ") == requests + 1


async def _send(writer: asyncio.StreamWriter, sent: bytes) -> None:
    writer.write(sent)
    await writer.drain()


async def test_a_server_that_stops_closes_an_idle_connection_at_once() -> None:
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        reader, writer = await stack.enter_async_context(connected())
        writer.write(get(b"/short"))
        await head(reader)
        began = loop.time()
    assert await until_closed(reader) == b""
    assert loop.time() - began < GRACEFUL_SHUTDOWN_SECONDS / 2
