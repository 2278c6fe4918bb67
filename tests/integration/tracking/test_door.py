"""The door and the lane against the same app without them: without a socket, so that also requests that no client would send are compared.

Promise: the same status, the same `Location` but for the click id, the same cookie but for its value, the same counted outcome.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Scope

from shared.catalog import RESERVED_WORDS
from shared.ids import new_id
from tests.integration.tracking.world import Site, World

OWN_HOST = b"go.brand.example"
RANDOM_PARTS = re.compile(
    rb"lclid=[A-Za-z0-9_-]{50}|lvid=[A-Za-z0-9_-]{22}|[0-9a-f]{8}-[0-9a-f-]{27}"
)

COMPARED = (b"location", b"set-cookie", b"cache-control", b"content-type", b"allow")

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str = "GET"
    path: bytes = b"/mia"
    query: bytes = b""
    headers: Headers = ((b"host", b"x"),)

    def scope(self) -> Scope:
        """As the server hands it over."""
        path = self.path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1234),
            "scheme": "http",
            "root_path": "",
            "method": self.method,
            "path": unquote(path) if "%" in path else path,
            "raw_path": self.path,
            "query_string": self.query,
            "headers": list(self.headers),
            "state": {},
        }


Answered = tuple[int, list[tuple[bytes, bytes]], bytes]


def compared(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that have to agree, without what is new each time."""
    for _, value in headers:
        assert b"\r" not in value, headers
        assert b"\n" not in value, headers
    return sorted(
        (name, RANDOM_PARTS.sub(b"?", value)) for name, value in headers if name in COMPARED
    )


async def answer(app: ASGIApp, asked: Asked) -> Answered:
    """Status, headers without what is new each time, body."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(asked.scope(), receive, send)
    head, *bodies = sent
    headers = compared(head["headers"])
    body = b"".join(message.get("body", b"") for message in bodies)
    if head["status"] == 200:
        # Metrics change between two looks.
        return 200, headers, b""
    return head["status"], headers, RANDOM_PARTS.sub(b"?", body)


def parsed(head: bytes) -> Answered:
    """What a door's answer says, as `answer` gives an app's."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    assert (b"content-length", b"0") in headers
    return 302, compared(headers), b""


class Pair:
    """A process with two ways in."""

    def __init__(self, site: Site) -> None:
        self.site = site
        # What is counted is moved to the metrics now and then; here nothing may be moved between two looks.
        self.visits = site.tracking._visits
        self.by_the_door = 0

    async def agree(self, asked: Asked) -> int:
        """The status on which both agree."""
        through_door = await self._look(self._by_the_door, asked)
        through_app = await self._look(partial(answer, self.site.tracking.app), asked)
        assert through_door == through_app, asked
        status: int = through_door[0][0]
        return status

    async def _by_the_door(self, asked: Asked) -> Answered:
        """As the server asks: the door for a GET without a body, then what is behind it."""
        tracking = self.site.tracking
        if asked.method == "GET":
            target = asked.path + (b"?" + asked.query if asked.query else b"")
            head = tracking.prompt(target, list(asked.headers))
            if head is not None:
                self.by_the_door += 1
                return parsed(head)
        return await answer(tracking.asgi, asked)

    async def _look(
        self, look: Callable[[Asked], Awaitable[Answered]], asked: Asked
    ) -> tuple[Answered, dict[str, int]]:
        before = self._counts()
        answered = await look(asked)
        after = self._counts()
        return answered, {name: after[name] - before.get(name, 0) for name in after}

    def _counts(self) -> dict[str, int]:
        return {**self.visits.tally.outcomes, "recorded": self.visits.tally.recorded}


ALPHABET = "mMiIaA01_-%/.\\~;:@&=+$,!*'() ?<>\"|^`{}[]xyz"
PATHS = st.one_of(
    st.text(ALPHABET, max_size=12).map(lambda text: "/" + text),
    st.lists(st.integers(0, 255), max_size=6).map(
        lambda raw: "/" + "".join(f"%{byte:02x}" for byte in raw)
    ),
    st.sampled_from(["/mia", "/MIA", "/own", "/off", "/new", "//mia", "/mia/", "/./mia", "/%6dia"]),
    st.sampled_from(sorted(RESERVED_WORDS)).map(lambda word: f"/{word}"),
    st.sampled_from(["/health/live", "/v1/conversions", "/webhooks/shopify/x", "/docs", "/"]),
)
METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
)
QUERIES = st.one_of(
    st.just(b""),
    st.sampled_from([b"consent=0", b"s=bio", b"s=%0d%0aX:%201", b"consent=0&s=a", b"s=", b"%00"]),
    st.binary(max_size=12).filter(lambda raw: not set(raw) & set(b" #\r\n\0")),
)
HOSTS = st.sampled_from(
    [b"x", OWN_HOST, OWN_HOST.upper(), OWN_HOST + b":443", b"[::1]:80", b"evil.example", b""]
)
MORE = st.lists(
    st.sampled_from(
        [
            (b"sec-gpc", b"1"),
            (b"dnt", b"1"),
            (b"cookie", b"lvid=" + b"a" * 22),
            (b"cookie", b"lvid=<script>"),
            (b"user-agent", b"Googlebot/2.1"),
            (b"user-agent", b"\xff\xfe"),
            (b"x-forwarded-host", b"evil.example"),
            (b"sec-purpose", b"prefetch"),
            (b"content-length", b"0"),
        ]
    ),
    max_size=3,
)


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    path = "".join(letter for letter in draw(PATHS) if letter not in "? ")
    headers = [(b"host", draw(HOSTS)), *draw(MORE)]
    return Asked(draw(METHODS), path.encode("ascii"), draw(QUERIES), headers)


CORPUS = [
    Asked(method, path.encode(), query, ((b"host", host),))
    for method in ("GET", "HEAD", "POST")
    for path in ("/mia", "/own", "/off", "/gone", "/nobody", "//mia", "/mia%2f", "/mia%00", "/v1")
    for query in (b"", b"consent=0", b"url=//evil.example&s=%0d%0a")
    for host in (b"x", OWN_HOST + b":8443")
]


async def publish(world: World, *, with_hosts: bool) -> None:
    """A link on every host, one switched off, one that is gone, and perhaps one on a host of its own."""
    brand = world.brand
    records = [
        brand.link("off", id=new_id(), enabled=False),
        brand.link("gone", id=new_id(), deleted_at=brand.clock.now()),
    ]
    if with_hosts:
        records.append(
            brand.link(
                "own",
                id=new_id(),
                host=OWN_HOST.decode(),
                destination="https://b.example/?y=2",
            )
        )
    await world.publish(*records)


@pytest.mark.parametrize("with_hosts", [False, True])
async def test_the_door_and_the_app_agree_on_the_corpus(world: World, with_hosts: bool) -> None:
    await publish(world, with_hosts=with_hosts)
    async with world.serving() as site:
        await site.ready()
        pair = Pair(site)
        statuses = {await pair.agree(one) for one in CORPUS}
    assert statuses == {302, 400, 404, 405, 410}
    assert pair.by_the_door


@pytest.mark.parametrize("with_hosts", [False, True])
def test_the_door_and_the_app_agree_on_anything(world: World, with_hosts: bool) -> None:
    with asyncio.Runner() as runner:
        runner.run(publish(world, with_hosts=with_hosts))
        serving = world.serving()
        site = runner.run(serving.__aenter__())
        try:
            runner.run(site.ready())
            pair = Pair(site)

            @settings(max_examples=150, suppress_health_check=list(HealthCheck))
            @given(requests())
            def agree(asked: Asked) -> None:
                runner.run(pair.agree(asked))

            agree()
        finally:
            runner.run(serving.__aexit__(None, None, None))
