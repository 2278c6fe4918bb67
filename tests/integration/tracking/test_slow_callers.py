"""Hundreds of callers that never finish, in front of the real tracking app: honest traffic goes on, and each of them is closed in time."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from services.tracking.app import BODY_LIMIT_BYTES
from shared.http.gate import Gate
from shared.http.limits import ConnectionLimits
from tests.fixtures.http import running
from tests.integration.shared.sample_app import problem
from tests.integration.tracking.test_claims import ORDER
from tests.integration.tracking.world import Site, World

# More than the requests that a process takes at once.
SLOW_CALLERS = 300
BODY_SECONDS = 3.0
HEAD_SECONDS = 3.0
# The deadline and as much again for a machine with other things to do, many times over.
PATIENCE_SECONDS = 60.0
LIMITS = ConnectionLimits(head_seconds=HEAD_SECONDS, parting_seconds=0.2)
JSON = {"Content-Type": "application/json"}


def head(world: World, length: int) -> bytes:
    bearer = world.brand.bearer()["Authorization"]
    return (
        "POST /v1/conversions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: {bearer}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


@pytest.fixture
async def patient(world: World) -> AsyncIterator[Site]:
    """A process with short deadlines and the product's limit of requests at once."""
    gate = Gate(body_limit_bytes=BODY_LIMIT_BYTES, body_seconds=BODY_SECONDS)
    tracking = world.tracking(gate=gate)
    async with (
        tracking.running(),
        running(
            tracking.asgi, limits=LIMITS, telemetry=tracking.telemetry, prompt=tracking.prompt
        ) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        site = Site(world, tracking, client)
        await site.ready()
        yield site


async def hold(url: httpx.URL, begun: bytes, drop: bytes) -> bytes:
    """Send a drop all the time; what came back when the server had enough."""
    assert url.port is not None
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(begun)
    answer = asyncio.ensure_future(reader.read())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not answer.done():
                if not writer.is_closing():
                    writer.write(drop)
                await asyncio.wait([answer], timeout=0.5)
        return await answer
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def honest(site: Site, rounds: int) -> None:
    """A visit and a claim, again and again; each is answered as always."""
    for number in range(rounds):
        assert (await site.client.get("/mia")).status_code == 302
        claimed = await site.post("/v1/conversions", ORDER | {"order_id": f"honest-{number}"})
        assert claimed.status_code == 202, claimed.text


@pytest.mark.parametrize(
    ("slow", "status"),
    [("body", b"HTTP/1.1 408 "), ("head", b"HTTP/1.1 408 "), ("idle", b"")],
)
async def test_slow_callers_hold_nobody_up(patient: Site, slow: str, status: bytes) -> None:
    begun, drop = {
        "body": (head(patient.world, 5_000), b" "),
        "head": (head(patient.world, 5_000)[:-2], b"A: b\r\n"),
        "idle": (b"", b""),
    }[slow]
    url = patient.client.base_url
    async with asyncio.TaskGroup() as tasks:
        held = [tasks.create_task(hold(url, begun, drop)) for _ in range(SLOW_CALLERS)]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in held)
        await honest(patient, 10)
    answers = [task.result() for task in held]
    assert all(answer.startswith(status) for answer in answers), set(answers)
    if status:
        assert all(answer.count(b"HTTP/1.1 ") == 1 for answer in answers)
        assert all(b"application/problem+json" in answer for answer in answers)
    await honest(patient, 2)


async def test_bodies_on_their_way_share_a_budget(world: World) -> None:
    gate = Gate(body_limit_bytes=BODY_LIMIT_BYTES, waiting_bytes_max=200_000)
    async with world.serving(gate=gate) as site:
        await site.ready()
        url = site.client.base_url
        begun = head(world, 100_000) + b" " * 60_000
        async with asyncio.TaskGroup() as tasks:
            held = [tasks.create_task(hold(url, begun, b" ")) for _ in range(8)]
            await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED, timeout=20)
            await honest(site, 3)
            turned_away = [task.result() for task in held if task.done()]
            assert turned_away
            for answer in turned_away:
                assert answer.startswith(b"HTTP/1.1 503 "), answer
                assert b"retry-after: " in answer
            for task in held:
                task.cancel()


async def test_bombs_and_nests(site: Site) -> None:
    deep = b'{"order_id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    bomb = gzip.compress(b" " * 20_000_000)
    keys = "&".join(f"key{number}={number}" for number in range(1_000))
    bearer = site.world.brand.bearer() | JSON
    for path in ("/v1/conversions", "/v1/adjustments", "/v1/events"):
        for body, more, status in (
            (deep, {}, 400),
            (b"[" * 100_000, {}, 400),
            (bomb, {"Content-Encoding": "gzip"}, 415),
            (bomb, {"Content-Encoding": "br, gzip"}, 415),
            (b" " * (BODY_LIMIT_BYTES + 1), {}, 413),
        ):
            answer = await site.client.post(path, content=body, headers=bearer | more)
            if path == "/v1/events" and body is deep:
                # An object where a list belongs.
                assert answer.status_code in (400, 422)
            else:
                problem(answer, status)
    assert (await site.client.get(f"/mia?{keys[:8_000]}")).status_code == 302
    problem(await site.client.get(f"/mia?{keys}"), 414)
    claimed = await site.client.post(
        f"/v1/conversions?{keys[:8_000]}", content=json.dumps(ORDER), headers=bearer
    )
    assert claimed.status_code == 202
