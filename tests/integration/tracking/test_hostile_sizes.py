"""One brand sends the largest and slowest requests that it may; another brand's links still work.

Promise: the process, the requests and the redirects are real. No time is measured: a test counts
the redirects that are answered while the hostile requests are worked.
"""

import asyncio
import json
import random
from collections.abc import Awaitable
from typing import Any, Final

import httpx
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from services.tracking.domain.visits import AGENT_CHARACTERS_MAX
from services.tracking.store.user_agents import Agents
from services.tracking.wire.event_batch import EVENTS_MAX, REPORT_BYTES_MAX
from shared.events import Quality
from shared.ids import new_id
from tests.integration.tracking.test_claims import ORDER
from tests.integration.tracking.test_durability import process, snapshot
from tests.integration.tracking.world import Brand, Site, World

# Texts that are nearly crawlers make a matcher try many patterns at every character.
NEARLY: Final = [str(entry["pattern"])[:-1] for entry in CRAWLER_USER_AGENTS_DATA]
# The first version of the matcher answered one such request after 10 s, and no redirect before it.
REDIRECTS_MIN: Final = 50


def hostile_agent(chance: random.Random, characters: int) -> str:
    """Return a text of nearly matching parts that no cache knows."""
    text = ""
    while len(text) < characters:
        text += chance.choice(NEARLY)
    return text[:characters]


def hostile_clicks(seed: int) -> list[dict[str, Any]]:
    """Return as many refused clicks as one request may have, with the longest user agents."""
    chance = random.Random(seed)
    return [
        {
            "type": "clicked",
            "occurred_at": "2026-03-01T12:00:00Z",
            "link": "mia",
            "person": {"visitor_id": f"v-{number}"},
            "user_agent": hostile_agent(chance, 1_900),
        }
        for number in range(EVENTS_MAX)
    ]


async def second_brand(world: World) -> Brand:
    """Publish another brand with the link `ivy`, and keep the catalog in the folder."""
    other = Brand()
    link = other.link("Ivy", id=new_id())
    await world.publish(*other.records()[:4], link)
    await snapshot(world)
    return other


async def redirects_during(client: httpx.AsyncClient, work: Awaitable[Any]) -> int:
    """Return how many redirects of the second brand are answered until `work` is done."""
    count = 0
    task = asyncio.ensure_future(work)
    while not task.done():
        assert (await client.get("/ivy")).status_code == 302
        count += 1
    await task
    return count


async def test_batches_of_hostile_user_agents_leave_another_brands_redirects(
    world: World,
) -> None:
    await second_brand(world)
    async with process(world) as (_, client):
        bodies = [json.dumps(hostile_clicks(seed)).encode() for seed in range(4)]
        assert all(950_000 < len(body) < 1_048_576 for body in bodies)
        headers = {"content-type": "application/json"}

        async def attack() -> list[httpx.Response]:
            sent = [client.post("/v1/events", content=b, headers=headers) for b in bodies]
            return list(await asyncio.gather(*sent))

        count = await redirects_during(client, attack())
        answer = await client.post("/v1/events", json=hostile_clicks(9)[:3])
    assert answer.json()["accepted"] == 3
    assert count >= REDIRECTS_MIN


def test_a_user_agent_is_cut_before_it_is_matched_and_kept() -> None:
    agents = Agents()
    filler = "x" * AGENT_CHARACTERS_MAX
    assert agents.flags(filler[: -len("Googlebot/")] + "Googlebot/") == (Quality.BOT,)
    assert agents.flags(filler + "Googlebot/2.1") == ()
    for number in range(10):
        agents.flags(filler + str(number))
    assert agents._cached.cache_info().currsize == 2


async def test_one_report_has_a_limit_of_its_own(site: Site) -> None:
    lines = [{"sku": "x" * 1_000}] * (REPORT_BYTES_MAX // 1_000)
    large = ORDER | {"lines": lines}
    refused = await site.post("/v1/conversions", large)
    assert (refused.status_code, str(REPORT_BYTES_MAX) in refused.text) == (413, True)
    batch = [{"type": "ordered"} | large, {"type": "ordered"} | ORDER]
    answer = (await site.post("/v1/events", batch)).json()
    assert answer["accepted"] == 1
    (rejected,) = answer["rejected"]
    assert rejected["index"] == 0
    assert "larger than" in rejected["errors"][0]["message"]
    await site.events(1)
