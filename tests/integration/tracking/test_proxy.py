"""deploy/nginx.conf under attack: the real nginx in front of tracking and two sample apps.

Promise: only ports, the pid file, deadlines and, in one test, limits are changed. Without nginx the
tests are skipped, and the reason says how to install it.
"""

import asyncio
import contextlib
import json
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

from shared.api.app import create_app
from shared.http.body import Router
from shared.http.health import Health
from tests.fixtures.http import running
from tests.integration.shared.sample_app import problem
from tests.integration.tracking.test_claims import ORDER
from tests.integration.tracking.world import Site, World, free_port, until

CONFIGURATION: Final = Path(__file__).resolve().parents[3] / "deploy/nginx.conf"
PROGRAM: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
PATIENCE_SECONDS: Final = 30.0
DEADLINE_SECONDS: Final = 2
SHORT: Final = {
    f"client_{part}_timeout 10s;": f"client_{part}_timeout {DEADLINE_SECONDS}s;"
    for part in ("header", "body")
}
# More than the admission limit of tracking in these tests.
SLOW_CALLERS: Final = 60
IN_FLIGHT_MAX: Final = 8
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="nginx is missing: install the Debian package nginx-light"
)


def named(service: str) -> FastAPI:
    """Return an app that answers every path with its name and the request headers."""
    app = create_app(service=service, lifespan=None, health=Health())
    router = Router()

    @router.get("/{path:path}")
    async def everything(path: str, request: Request) -> dict[str, str]:
        return dict(request.headers) | {"service": service, "path": path}

    app.include_router(router)
    return app


def configured(folder: Path, ports: dict[int, int], changes: dict[str, str] = SHORT) -> Path:
    """Write the shipped file with other ports, another pid file and `changes`; return its path."""
    text = CONFIGURATION.read_text()
    for shipped, ours in ports.items():
        assert text.count(f"{shipped};") == 1
        text = re.sub(rf"(listen |127\.0\.0\.1:){shipped};", rf"\g<1>{ours};", text)
    text = text.replace("/run/laurel-nginx.pid", str(folder / "nginx.pid"))
    for shipped_text, changed in changes.items():
        assert text.count(shipped_text) == 1
        text = text.replace(shipped_text, changed)
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
async def proxied(
    folder: Path, urls: dict[int, str], changes: dict[str, str]
) -> AsyncIterator[httpx.AsyncClient]:
    """Run nginx in front of these addresses and yield a client."""
    assert PROGRAM is not None
    ports = {port: int(url.rpartition(":")[2]) for port, url in urls.items()} | {8080: free_port()}
    words = ("-p", str(folder), "-c", str(configured(folder, ports, changes)), "-g", "daemon off;")
    nginx = await asyncio.create_subprocess_exec(PROGRAM, *words)
    try:
        base_url = f"http://127.0.0.1:{ports[8080]}"
        async with httpx.AsyncClient(base_url=base_url, timeout=PATIENCE_SECONDS) as client:
            await until(lambda: _listens(ports[8080]))
            yield client
    finally:
        nginx.terminate()
        await nginx.wait()


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class Front:
    """nginx and the tracking process behind it."""

    def __init__(self, client: httpx.AsyncClient, site: Site) -> None:
        self.client = client
        self.site = site
        assert client.base_url.port is not None
        self.port = client.base_url.port

    def answered(self) -> float:
        """Return the number of requests that tracking has answered."""
        self.site.tracking._recorder.counts.report(self.site.tracking.telemetry)
        lines = self.site.tracking.telemetry.render().decode().splitlines()
        names = ("laurel_http_requests_total{", "laurel_redirects_total{")
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(names))

    async def send(self, sent: bytes, drop: bytes = b"") -> bytes:
        """Return all that nginx answers until it closes; `drop` is sent repeatedly until then."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        answer = asyncio.ensure_future(_read(reader))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not answer.done():
                    if drop and not writer.is_closing():
                        writer.write(drop)
                    await asyncio.wait([answer], timeout=0.1)
            return await answer
        finally:
            writer.close()

    async def assert_serving(self) -> None:
        """Assert that a visit and a claim are answered as usual."""
        assert (await self.client.get("/mia")).status_code == 302
        headers = self.site.world.brand.bearer()
        claimed = await self.client.post("/v1/conversions", json=ORDER, headers=headers)
        assert claimed.status_code == 202, claimed.text


async def _read(reader: asyncio.StreamReader) -> bytes:
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while part := await reader.read(65_536):
            got += part
    return got


@asynccontextmanager
async def fronted(
    world: World, folder: Path, changes: dict[str, str] = SHORT
) -> AsyncIterator[Front]:
    """Run nginx and all services. Use it inside a test, not across a fixture's yield."""
    async with (
        world.serving(in_flight_max=IN_FLIGHT_MAX) as site,
        running(named("attribution")) as attribution,
        running(named("roi")) as roi,
        running(named("dashboard")) as dashboard,
    ):
        await site.ready()
        tracking = str(site.client.base_url)
        urls = {8000: dashboard, 8001: tracking, 8002: attribution, 8003: roi}
        async with proxied(folder, urls, changes) as client:
            yield Front(client, site)


@pytest.fixture
async def whole(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    ready, done = asyncio.Event(), asyncio.Event()
    found: list[Front] = []

    async def serve() -> None:
        async with fronted(world, folder) as front:
            found.append(front)
            ready.set()
            await done.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve())
        await ready.wait()
        yield found[0]
        done.set()


@pytest.fixture
def front(whole: Front) -> httpx.AsyncClient:
    return whole.client


async def test_one_host_serves_all_services(front: httpx.AsyncClient, world: World) -> None:
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
        ("/app/", "dashboard"),
        ("/app/overview", "dashboard"),
        ("/app/static/laurel.css", "dashboard"),
    ):
        assert (await front.get(path)).json()["service"] == service, path
    for path in ("/", "/app"):
        led = await front.get(path)
        assert (led.status_code, led.headers["location"]) == (302, "/app/")
    for path in ("/metrics", "/docs", "/openapi.json", "/health/live", "/a/b", "/.well-known/x"):
        problem(await front.get(path), 404)


@pytest.mark.parametrize("service", ["attribution", "roi", "tracking"])
async def test_every_call_reaches_the_service_that_documents_it(
    front: httpx.AsyncClient, service: str
) -> None:
    documents = CONFIGURATION.parents[1] / "docs/api"
    document = json.loads((documents / f"openapi-{service}.json").read_text())
    paths = [path for path in document["paths"] if path.startswith("/v1/")]
    assert paths
    for path in paths:
        answer = (await front.get(re.sub(r"{\w+}", "x", path))).json()
        # The stand-ins of attribution and roi answer everything with their name; tracking is real.
        expected = service if service != "tracking" else None
        assert answer.get("service") == expected, path


async def test_forged_headers_do_not_reach_a_service(front: httpx.AsyncClient) -> None:
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


POST = b"POST /v1/conversions HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"GET /mia HTTP/1.1\r\nHost: x\r\n\r\n"
# Each of these can be read in two ways, or is no request.
MALFORMED: Final[dict[str, bytes]] = {
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhellox" + SMUGGLED,
    "a length and chunks": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "chunks twice": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "another coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "an obscured coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a length with a sign": POST + b"Content-Length: +5\r\n\r\nhello" + SMUGGLED,
    "a length with a letter": POST + b"Content-Length: 5x\r\n\r\nhello" + SMUGGLED,
    "a chunk without a size": POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n" + SMUGGLED,
    "a space before the colon": b"GET /mia HTTP/1.1\r\nHost : x\r\n\r\n" + SMUGGLED,
    "two hosts": b"GET /mia HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + SMUGGLED,
    "no host": b"GET /mia HTTP/1.1\r\n\r\n" + SMUGGLED,
    "a host that is none": b"GET /mia HTTP/1.1\r\nHost: x/../y\r\n\r\n" + SMUGGLED,
    "a NUL": b"GET /mia\x00 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "a NUL in a header": b"GET /mia HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n" + SMUGGLED,
    "a line feed for an end": b"GET /mia HTTP/1.1\r\nHost: x\r\rA: b\r\n\r\n" + SMUGGLED,
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "another version": b"GET /mia HTTP/2.0\r\nHost: x\r\n\r\n" + SMUGGLED,
    "no request": b"garbage\r\n\r\n" + SMUGGLED,
    "above the root": b"GET /../mia HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "an escaped NUL": b"GET /mia%00 HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_is_malformed_is_one_problem_and_reaches_no_service(
    whole: Front, name: str
) -> None:
    before = whole.answered()
    answer = await whole.send(MALFORMED[name])
    assert re.findall(rb"HTTP/1\.1 (\d)", answer) == [b"4"], answer
    assert b"application/problem+json" in answer
    assert whole.answered() == before


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../metrics",
        "/%6detrics",
        "/./metrics",
        "/app/%2e%2e/health/ready",
        "/mia%2f..%2fmetrics",
        "//metrics",
        "/metrics%2f",
        "/webhooks/../openapi.json",
        "/mia/../docs",
    ],
)
async def test_no_spelling_of_a_path_reaches_an_internal_page(whole: Front, path: str) -> None:
    sent = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await whole.send(sent.encode())
    assert re.match(rb"HTTP/1\.1 40[04] ", answer), answer
    assert b"application/problem+json" in answer


async def test_what_is_too_large_ends_at_the_proxy(whole: Front) -> None:
    before = whole.answered()
    problem(await whole.client.post("/v1/conversions", content=b" " * 1_100_000), 413)
    problem(await whole.client.get("/mia", headers={"A": "a" * 20_000}), 431)
    problem(await whole.client.get("/" + "a" * 9_000), 414)
    many = [(f"A{number}", "b" * 200) for number in range(200)]
    problem(await whole.client.get("/mia", headers=many), 431)
    assert whole.answered() == before
    await whole.assert_serving()


HEAD: Final = POST + b"Content-Type: application/json\r\n"
SLOW: Final[dict[str, tuple[bytes, bytes]]] = {
    "half a head": (HEAD, b""),
    "a trickled head": (HEAD, b"A: b\r\n"),
    "half a body": (HEAD + b"Content-Length: 5000\r\n\r\n{", b""),
    "a trickled body": (HEAD + b"Content-Length: 60\r\n\r\n{", b" "),
}


@pytest.mark.parametrize("name", SLOW)
async def test_slow_callers_do_not_delay_others(whole: Front, name: str) -> None:
    sent, drop = SLOW[name]
    async with asyncio.TaskGroup() as tasks:
        held = [tasks.create_task(whole.send(sent, drop)) for _ in range(SLOW_CALLERS)]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in held)
        before = whole.answered()
        await whole.assert_serving()
        assert whole.answered() == before + 2
        if name == "a trickled body":
            # The body ends before the deadline. Each request is answered as a call without a key.
            await until(lambda: whole.answered() >= before + 2 + SLOW_CALLERS, PATIENCE_SECONDS)
            for task in held:
                task.cancel()
    if name != "a trickled body":
        for task in held:
            assert not re.match(rb"HTTP/1\.1 [235]", task.result()), task.result()
        assert whole.answered() == before + 2


async def test_the_connections_and_the_rate_of_an_address_are_limited(
    world: World, tmp_path: Path
) -> None:
    few = {"connections 512;": "connections 2;"}
    async with fronted(world, tmp_path, few) as front, asyncio.TaskGroup() as tasks:
        body = HEAD + b"Content-Length: 50\r\n\r\n{"
        held = [tasks.create_task(front.send(body)) for _ in range(2)]
        await asyncio.sleep(0.5)
        refused = await front.client.get("/mia")
        problem(refused, 429)
        assert int(refused.headers["retry-after"]) > 0
        for task in held:
            task.cancel()


# A call of each zone: the zone's rate, the place of its burst, the call, and the good answer.
LIMITED: Final = [
    ("zone=requests:10m rate=1000r/s", "zone=requests burst=2000", "/mia", 302),
    (
        "zone=questions:10m rate=100r/s",
        "zone=questions burst=400 nodelay;\n      proxy_pass http://roi",
        "/v1/roi",
        200,
    ),
    ("zone=webhooks:10m rate=5000r/s", "zone=webhooks burst=10000", "/webhooks/x/y", 405),
]


@pytest.mark.parametrize(("rate", "burst", "path", "status"), LIMITED)
async def test_each_rate_of_an_address_is_limited_by_itself(
    world: World, tmp_path: Path, rate: str, burst: str, path: str, status: int
) -> None:
    slow = {
        rate: re.sub(r"rate=\d+r/s", "rate=1r/m", rate),
        burst: re.sub(r"burst=\d+", "burst=2", burst),
    }
    async with fronted(world, tmp_path, slow) as front:
        answers = [await front.client.get(path) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [status] * 3 + [429] * 2
        problem(answers[-1], 429)
        assert int(answers[-1].headers["retry-after"]) > 0
        for _, _, other, good in LIMITED:
            if other != path:
                assert (await front.client.get(other)).status_code == good
