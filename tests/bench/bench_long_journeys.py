"""Goal 3, long journeys: orders of persons with 10 to 10,000 touches, and with a shared key.

Promise: the real service on a real Kafka and Postgres. The time of an order is from its append to
its stored conversion.
What can go wrong: the interval of reads (5 ms) and the wait of the broker are part of every number.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import Any, Final

from shared.events import AnyEvent, Person
from tests.bench.bench_attribution import append, record_of, running
from tests.bench.child_processes import scratch
from tests.bench.durable_postgres import postgres
from tests.bench.event_stream import BEGIN, CREATORS, Traffic, order
from tests.bench.performance_page import Line, Section
from tests.bench.scale import Scale
from tests.fixtures.connections import connect

TOUCHES: Final = (10, 1_000, 10_000)
SHARERS: Final = 200
SECONDS_MAX: Final = 120.0
LOOK_SECONDS: Final = 0.005
LATER: Final = BEGIN + timedelta(days=20)
CONVERSIONS: Final = "SELECT count(*) FROM attribution.conversions"
TOUCHES_STORED: Final = "SELECT count(*) FROM attribution.touches"


def measure(scale: Scale) -> Section:
    """Run the whole item."""
    orders = 3 if scale.is_short else 7
    traffic = Traffic(1, 0)
    with (
        scratch() as folder,
        postgres(folder) as database,
        running(folder, database, 1, traffic) as (url, bootstrap),
    ):
        found = asyncio.run(_measure(_EventSender(url, bootstrap, traffic), orders, scale))
    base = found[f"a person with {TOUCHES[0]} touches"]
    lines = [
        Line(
            f"{name}: an order", f"{ms:.0f} ms", f"{base:.0f} ms", f"{ms / base:.1f} × of the first"
        )
        for name, ms in found.items()
    ]
    return Section(
        "journeys",
        "Attribution of people with long journeys",
        lines,
        (
            f"Median of {orders} orders, one at a time, from the append to the stored conversion.",
            f"The shared key is one visitor id on the orders of {SHARERS} customers with 1,000"
            " clicks, so it has more neighbours than a key may have.",
        ),
    )


class _EventSender:
    """Sends events and waits until they are stored."""

    def __init__(self, url: str, bootstrap: str, traffic: Traffic) -> None:
        self._url = url
        self._bootstrap = bootstrap
        self._traffic = traffic
        self._chance = random.Random(7)
        self.workspace_id = traffic.workspaces[0]

    async def clicks(self, visitor: str, count: int) -> None:
        """Send the clicks of a visitor, spread over ten days."""
        events = [
            self._traffic.click(
                self.workspace_id,
                visitor,
                number % CREATORS,
                BEGIN + timedelta(seconds=number * 864_000 // count),
                self._chance,
            )
            for number in range(count)
        ]
        await self._send(events, TOUCHES_STORED)

    async def order(self, name: str, visitor: str, customer: str) -> float:
        """Send one order; return the milliseconds until its conversion is stored."""
        person = Person(visitor, None, customer, f"hash-{customer}")
        return await self._send([order(self.workspace_id, name, LATER, person)], CONVERSIONS)

    async def _send(self, events: Sequence[AnyEvent], counted_by: str) -> float:
        connection: Any = await connect(self._url)
        try:
            before = await connection.fetchval(counted_by)
            records = [record_of(event) for event in events]
            began = time.monotonic()
            await append(self._bootstrap, records)
            while await connection.fetchval(counted_by) < before + len(events):
                assert time.monotonic() - began < SECONDS_MAX, "the events were not stored"
                await asyncio.sleep(LOOK_SECONDS)
            return (time.monotonic() - began) * 1e3
        finally:
            await connection.close()


async def _measure(sender: _EventSender, orders: int, scale: Scale) -> dict[str, float]:
    found: dict[str, float] = {}
    for touches in TOUCHES:
        scale.tell(f"{touches} touches")
        visitor = f"long-{touches}"
        await sender.clicks(visitor, touches)
        await sender.order(f"{visitor}-first", visitor, visitor)
        times = [await sender.order(f"{visitor}-{n}", visitor, visitor) for n in range(orders)]
        found[f"a person with {touches:,} touches"] = median(times)
    scale.tell("a shared key")
    await sender.clicks("shared", 1_000)
    for number in range(SHARERS if not scale.is_short else 60):
        await sender.order(f"shared-{number}", "shared", f"sharer-{number}")
    times = [await sender.order(f"shared-last-{n}", "shared", f"last-{n}") for n in range(orders)]
    found[f"a key shared by {SHARERS} customers"] = median(times)
    return found
