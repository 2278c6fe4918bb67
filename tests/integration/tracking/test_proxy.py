"""deploy/nginx.conf: accepted by the real nginx, and run in front of a real tracking and two apps that say who they are.

Promise: only ports, the pid file and one deadline are changed. Without nginx the tests skip, with the sentence that says how to get it.
"""

import asyncio
import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.http.app import create_app
from shared.http.body import Router
from shared.http.health import Health
from tests.fixtures.http import running
from tests.integration.shared.sample_app import problem
from tests.integration.tracking.test_claims import ORDER
from tests.integration.tracking.world import World, until

CONFIGURATION: Final = Path(__file__).resolve().parents[3] / "deploy/nginx.conf"
PROGRAM: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
PATIENCE_SECONDS: Final = 30.0
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="nginx is missing: install the Debian package nginx-light"
)


def named(service: str) -> FastAPI:
    """An app that answers every path with its name and the headers it got."""
    app = create_app(service=service, lifespan=None, health=Health())
    router = Router()

    @router.get("/{path:path}")
    async def everything(path: str, request: Request) -> dict[str, str]:
        return dict(request.headers) | {"service": service, "path": path}

    app.include_router(router)
    return app


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def configured(folder: Path, ports: dict[int, int]) -> Path:
    """The shipped file on other ports, with its pid and one deadline changed."""
    text = CONFIGURATION.read_text()
    for shipped, ours in ports.items():
        assert text.count(f"{shipped};") == 1
        text = re.sub(rf"(listen |127\.0\.0\.1:){shipped};", rf"\g<1>{ours};", text)
    text = text.replace("/run/laurel-nginx.pid", str(folder / "nginx.pid"))
    assert text.count("client_header_timeout 10s;") == 1
    text = text.replace("client_header_timeout 10s;", "client_header_timeout 1s;")
    text = text.replace("listen ", "listen 127.0.0.1:")
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


def test_nginx_accepts_the_file(tmp_path: Path) -> None:
    assert PROGRAM is not None
    words = [PROGRAM, "-t", "-q", "-p", str(tmp_path), "-c", str(configured(tmp_path, {}))]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@asynccontextmanager
async def proxied(folder: Path, urls: dict[int, str]) -> AsyncIterator[httpx.AsyncClient]:
    """nginx in front of these addresses."""
    assert PROGRAM is not None
    ports = {port: int(url.rpartition(":")[2]) for port, url in urls.items()} | {8000: free_port()}
    words = ("-p", str(folder), "-c", str(configured(folder, ports)), "-g", "daemon off;")
    nginx = await asyncio.create_subprocess_exec(PROGRAM, *words)
    try:
        base_url = f"http://127.0.0.1:{ports[8000]}"
        async with httpx.AsyncClient(base_url=base_url, timeout=PATIENCE_SECONDS) as client:
            await until(lambda: _listens(ports[8000]))
            yield client
    finally:
        nginx.terminate()
        await nginx.wait()


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def front(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    folder = tmp_path_factory.mktemp("nginx")
    ready, done = asyncio.Event(), asyncio.Event()
    clients: list[httpx.AsyncClient] = []

    async def serve() -> None:
        async with (
            world.serving() as site,
            running(named("attribution")) as attribution,
            running(named("roi")) as roi,
        ):
            await site.ready()
            urls = {8001: str(site.client.base_url), 8002: attribution, 8003: roi}
            async with proxied(folder, urls) as client:
                clients.append(client)
                ready.set()
                await done.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve())
        await ready.wait()
        yield clients[0]
        done.set()


async def test_one_host_serves_all_three(front: httpx.AsyncClient, world: World) -> None:
    visit = await front.get("/MIA?s=bio")
    assert visit.status_code == 302
    assert visit.headers["location"].startswith("https://shop.example/p?x=1&lclid=")
    claimed = await front.post("/v1/conversions", json=ORDER, headers=world.brand.bearer())
    assert claimed.status_code == 202, claimed.text
    await until(lambda: len(world.events()) == 2)
    problem(await front.post("/webhooks/shopify/nobody", json={}), 404)
    for path, service in (
        ("/v1/explanations?order_id=1", "attribution"),
        ("/v1/ledger/balance", "attribution"),
        ("/v1/lag", "attribution"),
        ("/v1/roi", "roi"),
        ("/v1/links", "roi"),
        ("/app/", "roi"),
        ("/", "roi"),
    ):
        assert (await front.get(path)).json()["service"] == service, path
    for path in ("/metrics", "/docs", "/openapi.json", "/health/live", "/a/b", "/.well-known/x"):
        problem(await front.get(path), 404)


async def test_what_a_caller_says_about_itself_stays_outside(front: httpx.AsyncClient) -> None:
    forged = {
        "Host": "Go.Brand.Example",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example",
        "X-Real-IP": "203.0.113.9",
        "X-Original-URL": "/v1/keys",
        "Upgrade": "h2c",
    }
    got = (await front.get("/v1/roi", headers=forged)).json()
    assert got["host"] == "go.brand.example"
    assert not {name.lower() for name in forged} - {"host"} & set(got)


async def test_a_slow_head_and_a_large_body_end_at_the_proxy(front: httpx.AsyncClient) -> None:
    assert front.base_url.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", front.base_url.port)
    writer.write(b"GET /mia HTTP/1.1\r\nHost: x\r\n")
    async with asyncio.timeout(PATIENCE_SECONDS):
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()
    problem(await front.post("/v1/conversions", content=b" " * 1_100_000), 413)
    problem(await front.get("/mia", headers={"A": "a" * 20_000}), 431)
    assert (await front.get("/mia")).status_code == 302
