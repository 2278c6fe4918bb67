"""Goal 5: seconds from a click to the answer that counts it, at 2,000 clicks per second.

Promise: `laurel run` on the embedded default and on a real Kafka. Clicks are sent at a fixed rate,
whether or not earlier ones are answered, while an answer is read repeatedly. A click is visible
when an answer counts all clicks up to it.
What can go wrong: clicks that are never counted fail the measurement.
"""

import asyncio
import shutil
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from services.cli.postgres_folder import find
from tests.bench.child_processes import scratch
from tests.bench.comparison import percentile
from tests.bench.performance_page import Line, Section
from tests.bench.pinned_kafka import kafka
from tests.bench.scale import Scale
from tests.bench.tracking_process import AGENTS
from tests.bench.wrk import http_request
from tests.e2e.installation import ADMIN_KEY, Brand, Installation

RATE: Final = 2_000
TICK_SECONDS: Final = 0.01
CONNECTIONS: Final = 32
LOOK_SECONDS: Final = 0.1
SETTLE_SECONDS_MAX: Final = 120.0
GOAL_SECONDS: Final = 2.0


@dataclass
class Sent:
    """The time of each click, and the count in each answer with its time."""

    at: list[float] = field(default_factory=list)
    answered: int = 0
    seen: list[tuple[float, int]] = field(default_factory=list)

    def seconds_to_visible(self) -> list[float]:
        """Return for each click the seconds until an answer counted it."""
        counts = [count for _, count in self.seen]
        waits = []
        for number, left_at in enumerate(self.at):
            first = bisect_left(counts, number + 1)
            assert first < len(self.seen), f"click {number + 1} of {len(self.at)} was never counted"
            waits.append(self.seen[first][0] - left_at)
        return waits


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    seconds = scale.visible_seconds
    lines = []
    for name in ("embedded default", "Kafka"):
        scale.tell(name)
        with scratch() as folder, _log(folder, name) as extra, _laurel(folder, extra) as laurel:
            sent = asyncio.run(_clicks(laurel, seconds))
        lines.append(_line(name, seconds, sent))
        scale.tell(lines[-1].text())
    return Section(
        "visible",
        "Click to visible answer",
        lines,
        (
            f"The sender of clicks and the reader ({1 / LOOK_SECONDS:.0f} answers per second)"
            " share the two cores with all of Laurel.",
        ),
    )


def _line(name: str, seconds: float, sent: Sent) -> Line:
    waits = sent.seconds_to_visible()
    p99 = percentile(waits, 99)
    rate = len(sent.at) / (sent.at[-1] - sent.at[0])
    return Line(
        f"{name}: {rate:,.0f} clicks/s for {seconds:.0f} s",
        f"p50 {percentile(waits, 50):.2f} s, p99 {p99:.2f} s, worst {max(waits):.2f} s",
        goal=f"p99 ≤ {GOAL_SECONDS:g} s",
        met=p99 <= GOAL_SECONDS,
    )


@contextmanager
def _log(folder: Path, name: str) -> Iterator[dict[str, str]]:
    if name != "Kafka":
        yield {}
        return
    with kafka(folder, core=None) as bootstrap:
        yield {"LAUREL_LOG": f"kafka://{bootstrap}"}


@contextmanager
def _laurel(folder: Path, extra: dict[str, str]) -> Iterator[Installation]:
    laurel = Installation(folder / "laurel", extra)
    laurel.start("run")
    try:
        laurel.wait_until_ready()
        yield laurel
    finally:
        laurel.stop()
        place = find((laurel.folder / "data").resolve())
        shutil.rmtree(place.folder, ignore_errors=True)


async def _clicks(laurel: Installation, seconds: float) -> Sent:
    brand = Brand(laurel)
    creator = brand.create("creators", name="Mia")
    placement = brand.create("placements", creator_id=creator["id"], platform="instagram")
    link = brand.create("links", placement_id=placement["id"], destination="https://shop.example/p")
    brand.click(link["code"])  # waits until tracking has the link
    sent = Sent()
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(_look(laurel, sent))
        await asyncio.sleep(2 * LOOK_SECONDS)
        first = sent.seen[-1][1] if sent.seen else 0
        await _send(laurel.ports["tracking"], link["code"], seconds, sent)
        began = time.monotonic()
        while sent.seen[-1][1] - first < len(sent.at):
            assert time.monotonic() - began < SETTLE_SECONDS_MAX, "the clicks were not all counted"
            await asyncio.sleep(LOOK_SECONDS)
        looking.cancel()
    sent.seen = [(at, count - first) for at, count in sent.seen]
    return sent


async def _look(laurel: Installation, sent: Sent) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx.AsyncClient(headers=headers, timeout=10) as client:
        while True:
            answer = await client.get(f"{laurel.url('roi')}/v1/roi")
            answer.raise_for_status()
            clicks = answer.json()["totals"]["clicks"]
            sent.seen.append((time.monotonic(), int(clicks or 0)))
            await asyncio.sleep(LOOK_SECONDS)


async def _send(port: int, code: str, seconds: float, sent: Sent) -> None:
    """Send clicks at a fixed rate over open connections; their answers are only counted."""
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    request = http_request("GET", f"/{code}", (("User-Agent", AGENTS[0]),))
    async with asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(_drain(reader, sent)) for reader, _ in streams]
        began = time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            for _ in range(int((now - began) * RATE) - len(sent.at)):
                streams[len(sent.at) % CONNECTIONS][1].write(request)
                sent.at.append(now)
            await asyncio.sleep(TICK_SECONDS)
        while sent.answered < len(sent.at):
            assert time.monotonic() - began < seconds + SETTLE_SECONDS_MAX, "answers are missing"
            await asyncio.sleep(TICK_SECONDS)
        for task in readers:
            task.cancel()
    for _, writer in streams:
        writer.close()


async def _drain(reader: asyncio.StreamReader, sent: Sent) -> None:
    while chunk := await reader.readuntil(b"\r\n\r\n"):
        assert chunk.startswith(b"HTTP/1.1 302"), chunk
        sent.answered += 1
