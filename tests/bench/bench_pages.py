"""The overview of a brand with a hundred creators: its first load in a browser of a slow machine.

Promise: `laurel run` on the embedded default and Debian's Chromium, its processor slowed four times
and its cache empty. The time is that of the largest paint. The limit is the same bytes from a
server that only holds them.
What can go wrong: without Chromium the item cannot run.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

from typing_extensions import override

from services.dashboard.layout.assets import assets
from tests.bench.child_processes import scratch
from tests.bench.comparison import percentile
from tests.bench.performance_page import Line, Section
from tests.bench.scale import Scale
from tests.e2e.installation import ADMIN_KEY, Brand, Installation
from tests.integration.dashboard.crowd import CREATORS, fill
from tests.integration.dashboard.site import Visit, Visitor

PAGE: Final = "/app/overview"
SLOWER: Final = 4
GOAL_SECONDS: Final = 1.0
LOADS_A_ROUND: Final = 5
_PAINTED: Final = """
new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
  .observe({type: "largest-contentful-paint", buffered: true}))
"""


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    loads = LOADS_A_ROUND * scale.rounds
    with scratch() as folder:
        laurel = Installation(folder)
        try:
            laurel.start("run")
            laurel.wait_until_ready()
            scale.tell(f"{CREATORS} creators")
            fill(laurel, Brand(laurel))
            with Visitor(laurel.url("dashboard"), ADMIN_KEY) as visitor:
                line = asyncio.run(_compared(visitor, folder, loads))
        finally:
            laurel.stop()
    scale.tell(line.text())
    note = f"{loads} loads each, in turn, without cache; a processor slowed {SLOWER} times."
    return Section("pages", "First load of the overview", [line], (note,))


async def _compared(visitor: Visitor, folder: Path, loads: int) -> Line:
    paths = (PAGE, *(f"/app/static/{name}" for name in assets()))
    pages, copies = [], []
    with _copy(visitor, folder / "copy", paths) as copy, tempfile.TemporaryDirectory() as profile:
        async with visitor.browser(Path(profile)) as visit:
            session = await visit.page.context.new_cdp_session(visit.page)
            await session.send("Network.enable")
            await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
            await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            for _ in range(loads):
                pages.append(await _load(visit, visitor.url + PAGE))
                copies.append(await _load(visit, f"{copy}{PAGE}.html"))
    median, bare = percentile(pages, 50), percentile(copies, 50)
    return Line(
        "largest paint: median",
        f"{median:.2f} s ({median / bare:.2f} ×), p95 {percentile(pages, 95):.2f} s",
        f"{bare:.2f} s",
        f"≤ {GOAL_SECONDS:.0f} s",
        median <= GOAL_SECONDS,
    )


async def _load(visit: Visit, url: str) -> float:
    await visit.page.goto(url, wait_until="load")
    painted: float = await visit.page.evaluate(_PAINTED)
    return painted / 1_000


@contextmanager
def _copy(visitor: Visitor, folder: Path, paths: tuple[str, ...]) -> Iterator[str]:
    """Serve the same bytes from files; yield the base address."""
    for path in paths:
        name = path.lstrip("/") + ("" if "." in path else ".html")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(visitor.get(path))

    class Quiet(SimpleHTTPRequestHandler):
        @override
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
