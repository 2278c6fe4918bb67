"""The HTTP base over real sockets and the real server: limits, malformed requests, lifespan."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import text
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.api.app import create_app
from shared.http.body import Router
from shared.http.health import Health
from shared.http.middleware import RequestMiddleware
from shared.ids import new_id
from shared.telemetry import Telemetry
from tests.fixtures.http import running
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.shared.sample_app import LIMIT_BYTES, problem, sample_app


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry("test")


@pytest.fixture
def app(telemetry: Telemetry) -> FastAPI:
    return sample_app(telemetry)


async def exchange(url: str, sent: bytes, *, wait_seconds: float = 3.0) -> bytes:
    """Send bytes over a raw connection and return the answer."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(wait_seconds):
            return await reader.read(65_536)
    finally:
        writer.close()


async def test_a_body_beyond_the_limit_is_413_announced_or_streamed(app: FastAPI) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LIMIT_BYTES // 64 + 2):
            yield b" " * 64

    async with running(app) as url, httpx.AsyncClient(base_url=url) as client:
        for path in ("/orders", "/raw"):
            headers = {"Content-Type": "application/json"}
            announced = await client.post(path, content=b" " * (LIMIT_BYTES + 1), headers=headers)
            problem(announced, 413)
            problem(await client.post(path, content=endless(), headers=headers), 413)
        fits = await client.post("/raw", content=b" " * LIMIT_BYTES)
        assert fits.json() == LIMIT_BYTES


SMUGGLED = [
    b"POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\nGET /broken HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhellox",
    b"POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello",
    b"GET /health/live HTTP/1.1\r\nHost : x\r\n\r\n",
    b"garbage\r\n\r\n",
]


@pytest.mark.parametrize("sent", SMUGGLED)
async def test_malformed_http_is_refused(app: FastAPI, telemetry: Telemetry, sent: bytes) -> None:
    async with running(app) as url:
        answer = await exchange(url, sent)
    assert answer.startswith(b"HTTP/1.1 4")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert 'route="/broken"' not in telemetry.render().decode()


async def test_forwarding_headers_are_ignored(app: FastAPI) -> None:
    router = Router()

    @router.get("/peer")
    async def peer(request: Request) -> str:
        assert request.client is not None
        return f"{request.url.scheme} {request.client.host}"

    app.include_router(router)
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    async with running(app) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/peer", headers=forged)).json() == "http 127.0.0.1"


async def test_a_disconnected_caller_affects_no_other(app: FastAPI, telemetry: Telemetry) -> None:
    head = (
        b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99\r\n\r\n{"
    )
    async with running(app) as url, httpx.AsyncClient(base_url=url) as client:
        host, port = url.removeprefix("http://").split(":")
        for _ in range(20):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(head)
            await writer.drain()
            writer.close()
        assert (await client.get("/health/live")).is_success
    assert "laurel_http_unexpected_failures_total{" not in telemetry.render().decode()


@pytest.fixture
def stopped_lifespans() -> Iterator[list[str]]:
    seen: list[str] = []
    yield seen
    assert seen == ["opened", "closed"]


async def test_the_lifespan_runs_inside_the_server(stopped_lifespans: list[str]) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stopped_lifespans.append("opened")
        yield
        stopped_lifespans.append("closed")

    app = create_app(service="test", lifespan=lifespan, health=Health())
    async with running(app) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/health/live")).is_success
        assert stopped_lifespans == ["opened"]


async def test_load_above_the_limit_is_refused_and_health_answers(
    telemetry: Telemetry,
) -> None:
    held = asyncio.Event()
    entered = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == "/slow":
                entered.set()
                await held.wait()
            await Response("done")(scope, receive, send)

    app = RequestMiddleware(slow, telemetry, body_bytes_max=LIMIT_BYTES, in_flight_max=1)
    async with running(app) as url, httpx.AsyncClient(base_url=url) as client:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(client.get("/slow"))
            await entered.wait()
            shed = await client.get("/other")
            problem(shed, 503)
            assert int(shed.headers["retry-after"]) > 0
            assert (await client.get("/health/live")).is_success
            held.set()
        assert first.result().text == "done"
        assert (await client.get("/other")).is_success


async def test_a_request_without_a_free_connection_is_503_within_two_seconds(
    app: FastAPI, database_for: DatabaseFactory
) -> None:
    database = await database_for("roi", pool_size=1)
    workspace = new_id()
    router = Router()

    @router.get("/answer")
    async def answer() -> int:
        async with database.read([workspace]) as conn:
            return int((await conn.execute(text("SELECT 1"))).scalar_one())

    app.include_router(router)
    loop = asyncio.get_running_loop()
    async with running(app) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
        async with database.read([workspace]):
            began = loop.time()
            refused = await asyncio.gather(*(client.get("/answer") for _ in range(10)))
            assert loop.time() - began < 3
        for response in refused:
            problem(response, 503)
        assert (await client.get("/answer")).json() == 1
