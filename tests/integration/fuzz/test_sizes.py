"""Every list, text and number of tracking's calls at its bound and one beyond.

Promise: the bounds come from the OpenAPI document of the running process. What is beyond is
refused with a 4xx, what is at the bound is not refused for its size, and the links of another
brand are followed all the time. The long form compares its redirects with undisturbed ones.
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import httpx
import pytest

from services.tracking.app import BODY_BYTES_MAX
from services.tracking.wire.event_batch import EVENTS_MAX, REPORT_BYTES_MAX, TOUCHES
from shared.ids import new_id
from tests.contract.test_described import example_body
from tests.integration.fuzz.sizes import Json, sized_bodies
from tests.integration.tracking.test_durability import process
from tests.integration.tracking.test_hostile_sizes import hostile_clicks, second_brand
from tests.integration.tracking.world import World

SEED: Final = os.environ.get("SEED", "20261130")
MOMENT: Final = "2026-03-01T12:00:00Z"
CALLS: Final = ("/v1/conversions", "/v1/adjustments")
# The required fields of each touch.
TOUCH_FIELDS: Final[dict[str, Json]] = {
    "clicked": {"link": "mia"},
    "viewed": {"placement_id": new_id()},
    "visited": {},
    "engaged": {"action": "add_to_cart"},
    "identified": {"person": {"visitor_id": "v", "customer_id": "c"}},
    "referred": {"code": "MIA10"},
    "surveyed": {"placement_id": new_id()},
}
LONG_SECONDS: Final = 30 * 60
CALM_SECONDS: Final = 20
# The goal of a redirect's p99 during the attack, and what a slow machine may need instead.
REDIRECT_SECONDS: Final = 0.1
CALM_TIMES: Final = 5


class Attack:
    """Sends bodies of all sizes to one process, and checks each answer."""

    def __init__(self, client: httpx.AsyncClient, document: Json) -> None:
        self._client = client
        self._document = document
        self.sent = 0

    def bodies(self) -> Iterator[tuple[str, Any, bool]]:
        """Yield calls, their bodies, and whether they are within all bounds."""
        for call in CALLS:
            operation = self._document["paths"][call]["post"]
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            base = example_body(self._document, operation)
            for sized in sized_bodies(self._document, schema, base):
                yield call, sized.body, sized.fits
        for name, model in TOUCHES.items():
            schema = model.model_json_schema()
            base = {"type": name, "occurred_at": MOMENT} | TOUCH_FIELDS[name]
            for sized in sized_bodies(schema, schema, base):
                yield "/v1/events", [sized.body], sized.fits
        touch = {"type": "visited", "occurred_at": MOMENT}
        yield "/v1/events", [touch] * EVENTS_MAX, True
        yield "/v1/events", [touch] * (EVENTS_MAX + 1), False

    async def send(self, call: str, body: Any, *, fits: bool) -> None:
        """Send one body and check its answer."""
        content = json.dumps(body, ensure_ascii=False).encode()
        answer = await self._post(call, content)
        refused = answer.json().get("rejected") or answer.status_code in (413, 422)
        if fits:
            assert "at most" not in answer.text, (call, answer.text[:500])
        else:
            assert refused, (call, content[:500], answer.text[:500])

    async def send_bytes(self, call: str, size_bytes: int, *, fits: bool) -> None:
        """Send a body of exactly so many bytes: an example, then blanks."""
        touch = [{"type": "visited", "occurred_at": MOMENT}]
        operation = self._document["paths"][call]["post"]
        body = touch if call == "/v1/events" else example_body(self._document, operation)
        answer = await self._post(call, json.dumps(body).encode().ljust(size_bytes))
        assert answer.status_code == (202 if fits else 413), answer.text

    async def _post(self, call: str, content: bytes) -> httpx.Response:
        headers = {"content-type": "application/json"}
        answer = await self._client.post(call, content=content, headers=headers, timeout=60)
        self.sent += 1
        assert answer.status_code < 500, (call, answer.text)
        return answer

    async def send_every_bound(self, chance: random.Random) -> None:
        """Send every bound of every call, in a random order."""
        bodies = list(self.bodies())
        chance.shuffle(bodies)
        for call, body, fits in bodies:
            await self.send(call, body, fits=fits)
        for call, bound in (
            *((call, REPORT_BYTES_MAX) for call in CALLS),
            ("/v1/events", BODY_BYTES_MAX),
        ):
            await self.send_bytes(call, bound, fits=True)
            await self.send_bytes(call, bound + 1, fits=False)
        await self.send("/v1/events", hostile_clicks(chance.randrange(10**9)), fits=True)


class Visitor:
    """Follows the link of another brand without a pause, and keeps the seconds of each answer."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.seconds: list[float] = []

    async def visit(self) -> None:
        """Visit until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            answer = await self._client.get("/ivy")
            assert answer.status_code == 302
            self.seconds.append(loop.time() - began)

    def p99(self) -> float:
        """Return the 99th percentile."""
        return quantiles(self.seconds, n=100)[98]


@asynccontextmanager
async def visiting(client: httpx.AsyncClient) -> AsyncIterator[Visitor]:
    """Visit during the block."""
    visitor = Visitor(client)
    task = asyncio.ensure_future(visitor.visit())
    try:
        yield visitor
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


async def two_brands(folder: Path) -> World:
    """Return a world with two brands, each with a link."""
    world = World(folder)
    await world.publish(*world.brand.records())
    await second_brand(world)
    return world


async def test_every_bound_holds_while_another_brands_links_are_followed(tmp_path: Path) -> None:
    world = await two_brands(tmp_path)
    async with process(world) as (_, client):
        attack = Attack(client, (await client.get("/openapi.json")).json())
        async with visiting(client) as visitor:
            await attack.send_every_bound(random.Random(SEED))
    assert attack.sent > 150
    assert len(visitor.seconds) > attack.sent, f"SEED={SEED}"


@pytest.mark.slow
@pytest.mark.timeout(3_600)
async def test_every_bound_holds_for_long(tmp_path: Path) -> None:
    world = await two_brands(tmp_path)
    chance = random.Random(SEED)
    loop = asyncio.get_running_loop()
    async with process(world) as (_, client):
        async with visiting(client) as calm:
            await asyncio.sleep(CALM_SECONDS)
        attack = Attack(client, (await client.get("/openapi.json")).json())
        ends_at = loop.time() + LONG_SECONDS
        async with visiting(client) as visitor:
            while loop.time() < ends_at:
                await attack.send_every_bound(chance)
    assert visitor.p99() <= max(REDIRECT_SECONDS, CALM_TIMES * calm.p99()), f"SEED={SEED}"
