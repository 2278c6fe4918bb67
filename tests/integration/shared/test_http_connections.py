"""Connections as attackers open them, over real sockets and the production server: slow, endless, and two requests dressed as one.

Promise: whatever is malformed gets exactly one problem and a closed connection, and the app hears of sound requests only; all of it
holds as well when there is a prompt that answers before the app.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.http.limits import ConnectionLimits
from shared.http.problems import PROBLEM_MEDIA_TYPE
from tests.fixtures.http import running
from tests.integration.shared.target import (
    LARGE_BYTES,
    PATIENCE_SECONDS,
    Target,
    statuses,
    until_closed,
)

HEAD_SECONDS = 0.3
LIMITS = ConnectionLimits(head_seconds=HEAD_SECONDS, write_seconds=0.3, parting_seconds=0.3)


@pytest.fixture(params=["app", "prompt"])
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    target = Target()
    edge = target.edge()
    prompt = target.prompt if request.param == "prompt" else None
    ready, done = asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        async with running(
            edge, limits=LIMITS, telemetry=target.telemetry, prompt=prompt
        ) as target.url:
            ready.set()
            await done.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve())
        await ready.wait()
        yield target
        done.set()


def refused(answer: bytes, status: int) -> None:
    """One problem with everything that a problem carries."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert statuses(answer) == [status], answer
    lines = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    assert lines[b"content-type"] == PROBLEM_MEDIA_TYPE.encode()
    assert lines[b"connection"] == b"close"
    assert lines[b"x-content-type-options"] == b"nosniff"
    assert b'"request_id":"' + lines[b"x-request-id"] + b'"' in body
    assert int(lines[b"content-length"]) == len(body)


HOST = b"Host: x\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
SECOND = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKS = b"\r\n0\r\n\r\n" + SECOND

MALFORMED: dict[str, bytes] = {
    "CL and TE": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + CHUNKS,
    "TE and CL": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + CHUNKS,
    "two CL": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhellox" + SECOND,
    "one CL twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + SECOND,
    "a list of CL": POST + b"Content-Length: 5, 5\r\n\r\nhello" + SECOND,
    "CL +5": POST + b"Content-Length: +5\r\n\r\nhello" + SECOND,
    "CL -1": POST + b"Content-Length: -1\r\n\r\n" + SECOND,
    "CL 0x5": POST + b"Content-Length: 0x5\r\n\r\nhello" + SECOND,
    "CL 5 6": POST + b"Content-Length: 5 6\r\n\r\nhello" + SECOND,
    "CL empty": POST + b"Content-Length:\r\n\r\n" + SECOND,
    "CL of 23 digits": POST + b"Content-Length: " + b"9" * 23 + b"\r\n\r\n" + SECOND,
    "TE identity": POST + b"Transfer-Encoding: identity\r\n" + CHUNKS,
    "TE chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n" + CHUNKS,
    "TE identity, chunked": POST + b"Transfer-Encoding: identity, chunked\r\n" + CHUNKS,
    "TE gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS,
    "TE chunked twice": POST + b"Transfer-Encoding: chunked\r\n" * 2 + CHUNKS,
    "TE x, then chunked": POST + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n" + CHUNKS,
    "TE xchunked": POST + b"Transfer-Encoding: xchunked\r\n" + CHUNKS,
    "TE quoted": POST + b'Transfer-Encoding: "chunked"\r\n' + CHUNKS,
    "TE with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n" + CHUNKS,
    "TE behind a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n" + CHUNKS,
    "TE before a colon with a space": POST + b"Transfer-Encoding : chunked\r\n" + CHUNKS,
    "TE folded": POST + b"Transfer-Encoding:\r\n chunked\r\n" + CHUNKS,
    "TE empty": POST + b"Transfer-Encoding:\r\n" + CHUNKS,
    "TE under HTTP/1.0": b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + CHUNKS,
    "a folded header": b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "a space before the first header": b"GET /a HTTP/1.1\r\n Host: x\r\n\r\n",
    "a space before a colon": b"GET /a HTTP/1.1\r\nHost : x\r\n\r\n",
    "a header without a name": b"GET /a HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "a header without a colon": b"GET /a HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n",
    "a NUL in a header": b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "a non-ASCII name": b"GET /a HTTP/1.1\r\nHost: x\r\nA\xff: b\r\n\r\n",
    "bare line feeds": b"GET /a HTTP/1.1\nHost: x\n\n",
    "one bare line feed": b"GET /a HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "a bare carriage return": b"GET /a HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
    "no Host": b"GET /a HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "an empty Host": b"GET /a HTTP/1.1\r\nHost:\r\n\r\n",
    "a Host with a path": b"GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "a Host with a user": b"GET /a HTTP/1.1\r\nHost: a@x\r\n\r\n",
    "two Hosts in one": b"GET /a HTTP/1.1\r\nHost: x, y\r\n\r\n",
    "a Host of \xff": b"GET /a HTTP/1.1\r\nHost: \xff\r\n\r\n",
    "a whole address": b"GET http://evil.example/a HTTP/1.1\r\nHost: x\r\n\r\n",
    "an authority": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n" + SECOND,
    "a tunnel to a path": b"CONNECT /a HTTP/1.1\r\nHost: x\r\n\r\n" + SECOND,
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a backslash first": b"GET \\a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a NUL in the path": b"GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tab in the path": b"GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the path": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "non-ASCII bytes in the path": b"GET /m\xc3\xada HTTP/1.1\r\nHost: x\r\n\r\n",
    "a small method": b"get /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown method": b"STEAL /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "HTTP/0.9 by name": b"GET /a HTTP/0.9\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /a HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2.0": b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a body under GET": b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n\r\n" + SECOND,
    "chunks under GET": b"GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + CHUNKS,
}

CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED_BODIES: dict[str, bytes] = {
    "a bare line feed": CHUNKED + b"3\nabc\n0\n\n" + SECOND,
    "a space after the size": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n" + SECOND,
    "a size of 0x3": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n" + SECOND,
    "a size of -3": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n" + SECOND,
    "a size of 17 digits": CHUNKED + b"f" * 17 + b"\r\nabc\r\n0\r\n\r\n" + SECOND,
    "a chunk without an end": CHUNKED + b"3\r\nabcXX0\r\n\r\n" + SECOND,
    "a line feed in an extension": CHUNKED + b"3;x\nabc\r\n0\r\n\r\n" + SECOND,
    "a trailer": CHUNKED + b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\n\r\n" + SECOND,
}

SOUND: dict[str, tuple[bytes, list[str]]] = {
    "one after the other": (
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ["/a", "/b"],
    ),
    "none after a close": (
        b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + SECOND,
        ["/a"],
    ),
    "none after an upgrade": (
        b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + SECOND,
        ["/a"],
    ),
    "two leading slashes": (
        b"GET //evil.example/%2e%2e/a%2fb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ["//evil.example/../a/b"],
    ),
    "empty lines before": (
        b"\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        ["/a"],
    ),
    "HTTP/1.0 without a Host": (b"GET /a HTTP/1.0\r\n\r\n", ["/a"]),
    "a Host with a port": (
        b"GET /a HTTP/1.1\r\nHost: [2001:db8::1]:80\r\nConnection: close\r\n\r\n",
        ["/a"],
    ),
    "chunks, spelt oddly": (
        POST
        + b"Connection: close\r\nTransfer-Encoding:\tChunked \r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
        ["/a"],
    ),
    "an empty body under GET": (
        b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ["/a"],
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_malformed_is_one_problem(target: Target, name: str) -> None:
    refused(await target.tell(MALFORMED[name]), 400)
    assert target.heard == []
    counted = 'laurel_http_requests_total{method="other",route="unmatched",status="400"} 1.0'
    assert counted in target.telemetry.render().decode()


@pytest.mark.parametrize("name", MALFORMED_BODIES)
async def test_a_malformed_body_is_one_problem(target: Target, name: str) -> None:
    refused(await target.tell(MALFORMED_BODIES[name]), 400)
    assert target.heard == []


@pytest.mark.parametrize("name", SOUND)
async def test_each_request_is_answered_once(target: Target, name: str) -> None:
    sent, paths = SOUND[name]
    answer = await target.tell(sent)
    assert statuses(answer) == [200] * len(paths), answer
    assert target.heard == paths


async def test_a_malformed_request_is_answered_behind_the_sound_ones(target: Target) -> None:
    answer = await target.tell(SECOND + SECOND + b"GET /bad HTTP/1.1\r\n\r\n" + SECOND)
    assert statuses(answer) == [200, 200, 400]
    assert target.heard == ["/second", "/second"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /a HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000 + b"\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5_000 + b"\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100 + b"\r\n", 431),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /" + b"a" * 900_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"\r\nGET /a HTTP/1.1\r\n" + b"A: b\r\n" * 100_000, 431),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + b"a" * 9_000_000, 413),
        (CHUNKED + b"10000\r\n" + (b"a" * 65_536 + b"\r\n10000\r\n") * 90, 413),
        (SECOND * 2_000, 200),
    ],
)
async def test_what_is_too_large_is_told_so(target: Target, sent: bytes, status: int) -> None:
    answer = await target.tell(sent)
    if status == 200:
        assert statuses(answer)[-1] == 429
        assert len(target.heard) == len(statuses(answer)) - 1 <= 20
    else:
        refused(answer, status)
        assert target.heard == []


async def test_a_head_of_the_allowed_size_is_taken_in_one_piece_or_many(target: Target) -> None:
    head = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: " + b"a" * 16_000 + b"\r\n\r\n"
    assert statuses(await target.tell(head)) == [200]
    reader, writer = await target.open()
    for start in range(0, len(head), 4_000):
        writer.write(head[start : start + 4_000])
        await writer.drain()
        await asyncio.sleep(0.01)
    assert statuses(await until_closed(reader)) == [200]
    writer.close()


async def test_a_large_body_may_follow_its_head_in_one_piece(target: Target) -> None:
    post = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"a" * 60_000
    close = b"GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(await target.tell(post + post + close)) == [200, 200, 200]


async def trickle(target: Target, begun: bytes, drop: bytes) -> bytes:
    """What a caller gets that sends another drop all the time."""
    reader, writer = await target.open()
    writer.write(begun)
    answer = asyncio.ensure_future(until_closed(reader))
    while not answer.done():
        if not writer.is_closing():
            writer.write(drop)
        await asyncio.wait([answer], timeout=0.05)
    writer.close()
    return await answer


SLOW: dict[str, tuple[bytes, bytes, list[int]]] = {
    "idle": (b"", b"", []),
    "empty lines": (b"", b"\r\n", []),
    "half a head": (b"GET /a HTTP/1.1\r\nHost: x\r\n", b"", [408]),
    "a trickled target": (b"GET /", b"a", [408]),
    "trickled headers": (b"GET /a HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n", [408]),
    "HTTP/0.9 without an end": (b"GET /a\r\n", b"", [408]),
    "half a second head": (SECOND + b"GET /a HTTP/1.1\r\n", b"", [200, 408]),
    "empty lines after an answer": (SECOND, b"\r\n", [200]),
}


@pytest.mark.parametrize("name", SLOW)
async def test_a_slow_caller_is_closed_by_its_deadline(target: Target, name: str) -> None:
    begun, drop, wanted = SLOW[name]
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(*(trickle(target, begun, drop) for _ in range(20)))
    assert loop.time() - began >= HEAD_SECONDS * 0.9
    for answer in answers:
        assert statuses(answer) == wanted, answer
    assert target.heard == ["/second"] * wanted.count(200) * 20


async def test_a_caller_that_reads_nothing_is_cut_off(target: Target) -> None:
    reader, writer = await target.open()
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(1.5)
    assert len(await until_closed(reader)) < LARGE_BYTES
    writer.close()


@pytest.mark.parametrize("with_prompt", [False, True])
async def test_a_connection_may_be_idle_for_a_while_after_its_last_answer(
    with_prompt: bool,
) -> None:
    """Answers in between begin the while anew, and an answer that takes longer is no idleness."""
    target = Target()
    prompt = target.prompt if with_prompt else None
    slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
    loop = asyncio.get_running_loop()
    async with running(
        target.edge(), limits=ConnectionLimits(idle_seconds=1), prompt=prompt
    ) as target.url:
        reader, writer = await target.open()
        for request in (SECOND, SECOND, SECOND, slow, SECOND):
            writer.write(request)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
            assert statuses(answer) == [200]
            await reader.read(0 if b" 302 " in answer else len(b"heard"))
            await asyncio.sleep(0.4)
        began = loop.time()
        assert await until_closed(reader) == b""
        assert 0.3 < loop.time() - began < PATIENCE_SECONDS
        writer.close()
    assert target.heard == ["/second"] * 3 + ["/slow", "/second"]


async def test_more_connections_than_allowed_are_told_to_come_back() -> None:
    target = Target()
    limits = ConnectionLimits(connections_max=3)
    async with running(target.edge(), limits=limits) as target.url:
        held = [await target.open() for _ in range(3)]
        answer = await target.tell(SECOND)
        for _, writer in held:
            writer.close()
    refused(answer, 503)
    assert b"retry-after: " in answer
    assert target.heard == []
