"""Acknowledged events survive kill -9, an outage of the log, a full disk and a damaged journal.

Promise: processes, files and kills are real. Every acknowledged id is later found on the log.
"""

import asyncio
import random
import sqlite3
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.tracking.store.journal_file import JournalFile
from services.tracking.store.journal_slots import take_slot
from shared.events import Clicked
from shared.http.middleware import IN_FLIGHT_MAX
from shared.ids import new_id
from shared.sealing import new_api_key
from tests.integration.tracking.test_shopify_webhooks import ORDER as SHOP_ORDER
from tests.integration.tracking.world import Brand, Site, World, until

ROOT = Path(__file__).resolve().parents[3]
MOMENT = "2026-03-01T12:00:00Z"


def order(number: object) -> dict[str, Any]:
    return {"order_id": f"A-{number}", "occurred_at": MOMENT, "net": "1.00", "currency": "EUR"}


@asynccontextmanager
async def process(
    world: World,
    *,
    file_bytes_max: int = 0,
    in_flight_max: int = IN_FLIGHT_MAX,
) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """Run a separate process in the world's folder; kill it at the end if it still runs."""
    module = "tests.integration.tracking.killable_process"
    words = (str(world.folder), str(file_bytes_max), str(in_flight_max))
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *words),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        port = int(await child.stdout.readline())
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=world.brand.bearer()
        ) as client:
            yield child, client
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def snapshot(world: World) -> None:
    """Run a process once, so that the folder has a snapshot to start from."""
    async with world.serving() as site:
        await site.ready()


async def acknowledged(client: httpx.AsyncClient, child: Process, seconds: float) -> set[str]:
    """Return the acknowledged ids of orders, sent until the process is killed.

    The kill comes `seconds` after the first answer. Clicks are sent in between.
    """
    ids: set[str] = set()
    answered = asyncio.Event()

    async def worker(name: int) -> None:
        number = 0
        while True:
            number += 1
            try:
                await client.get("/mia")
                answer = await client.post("/v1/conversions", json=order(f"{name}-{number}"))
            except httpx.TransportError:
                return
            if answer.status_code == 202:
                ids.add(answer.json()["event_id"])
                answered.set()

    async with asyncio.TaskGroup() as tasks:
        for name in range(8):
            tasks.create_task(worker(name))
        await answered.wait()
        await asyncio.sleep(seconds)
        child.kill()
    return ids


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_was_acknowledged_survives_kill_9(world: World, seed: int) -> None:
    await snapshot(world)
    chance = random.Random(seed)
    async with process(world) as (child, client):
        ids = await acknowledged(client, child, chance.uniform(0.2, 1.0))
    assert ids
    async with world.serving() as site:
        await until(lambda: ids <= {event.event_id for event in world.events()})
        await until(lambda: not site.tracking.journal.backlog)
    assert not list(world.folder.glob("journal/slot-*"))
    assert len([e for e in world.events() if e.event_id in ids]) == len(ids)


async def test_a_stop_leaves_the_journal_to_the_next_process(world: World) -> None:
    await snapshot(world)
    world.broker.go_away()
    async with world.serving() as site:
        answer = await site.post("/v1/conversions", order(1))
        assert answer.status_code == 202
    assert list(world.folder.glob("journal/slot-*"))
    world.broker.come_back()
    async with world.serving() as site:
        (event,) = await site.events(1)
    assert event.event_id == answer.json()["event_id"]


@pytest.mark.parametrize("outage", ["away", "hanging", "flapping"])
async def test_events_accepted_during_an_outage_reach_the_log_later(
    world: World, outage: str
) -> None:
    async with world.serving() as site:
        await site.ready()
        if outage == "away":
            world.broker.go_away()
        elif outage == "hanging":
            world.broker.hang()
        else:
            world.broker.fail_appends(3)
            world.broker.fail_appends(1, after_writing=True)
        began = asyncio.get_running_loop().time()
        answers = [await site.post("/v1/conversions", order(n)) for n in range(20)]
        clicks = [await site.client.get("/mia") for _ in range(20)]
        assert asyncio.get_running_loop().time() - began < 10
        assert {a.status_code for a in answers} == {202}
        assert {c.status_code for c in clicks} == {302}
        assert (await site.client.get("/health/ready")).status_code == 200
        world.broker.come_back()
        world.broker.resume()
        await until(lambda: len({e.event_id for e in world.events()}) == 40)
        orders = [a.json()["event_id"] for a in answers]
        first_seen = list(dict.fromkeys(e.event_id for e in world.events()))
    assert [i for i in first_seen if i in orders] == orders


async def test_it_starts_and_redirects_from_the_snapshot_while_the_log_is_away(
    world: World,
) -> None:
    await snapshot(world)
    world.broker.go_away()
    async with world.serving() as site:
        assert (await site.client.get("/health/ready")).status_code == 200
        assert (await site.client.get("/mia")).status_code == 302
        await assert_unknown_records_get_503(site)
        assert (await site.post("/v1/conversions", order(1))).status_code == 202
        world.broker.come_back()
        await until(lambda: site.tracking.catalog.is_complete)
        assert (await site.client.get("/nobody")).status_code == 404
        await site.world.publish(world.brand.link(revision=2, enabled=False))
        await until(lambda: _is_gone(site))
    assert len(world.events()) == 2


async def assert_unknown_records_get_503(site: Site) -> None:
    """Unknown links, keys and connections get 503.

    Until the log was read, a record that is not in the snapshot can exist.
    """
    stranger = {"Authorization": "Bearer lrl_sec_stranger_" + "x" * 32}
    answers = [
        await site.client.get("/nobody"),
        await site.client.post("/v1/conversions", json=order(2), headers=stranger),
        await site.client.post("/webhooks/shopify/0190a000-0000-7000-8000-000000000001", json={}),
    ]
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all("retry-after" in answer.headers for answer in answers)


def _is_gone(site: Site) -> bool:
    found = site.tracking.catalog.links.find(b"mia")
    return found is not None and not found.destination


async def test_without_snapshot_and_log_readiness_names_what_is_missing(world: World) -> None:
    world.broker.go_away()
    async with world.serving() as site:
        ready = await site.client.get("/health/ready")
        assert (ready.status_code, ready.json()["errors"][0]["field"]) == (503, "catalog")
        assert (await site.client.get("/health/live")).status_code == 200
        for answer in (
            await site.client.get("/mia"),
            await site.post("/v1/conversions", order(1)),
            await site.deliver("orders/create", {}),
        ):
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        world.broker.come_back()
        await site.ready()


async def test_a_damaged_snapshot_is_not_used(world: World) -> None:
    await snapshot(world)
    (path,) = world.folder.glob("tracking/*.snapshot")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    world.broker.go_away()
    async with world.serving() as site:
        assert (await site.client.get("/mia")).status_code == 503
        world.broker.come_back()
        await site.ready()
        assert (await site.client.get("/mia")).status_code == 302


async def test_a_full_disk_refuses_claims_and_redirects_clicks(world: World) -> None:
    await snapshot(world)
    async with process(world, file_bytes_max=150_000) as (_, client):
        accepted: list[str] = []
        refused = None
        for number in range(2_000):
            answer = await client.post("/v1/conversions", json=order(number))
            if answer.status_code != 202:
                refused = answer
                break
            accepted.append(answer.json()["event_id"])
        assert refused is not None
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        again = await client.post("/v1/conversions", json=order("again"))
        assert again.status_code == 503
        assert (await client.get("/mia")).status_code == 302
        await asyncio.sleep(1.1)
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["errors"][0]["field"]) == (503, "journal")
        metrics = (await client.get("/metrics")).text
        assert 'laurel_redirects_total{outcome="unrecorded"} 1.0' in metrics
        # A new, empty file is tried five seconds later.
        await asyncio.sleep(5)
        later = await client.post("/v1/conversions", json=order("later"))
        assert later.status_code == 202
        accepted.append(later.json()["event_id"])
    async with world.serving():
        await until(lambda: set(accepted) <= {e.event_id for e in world.events()})


async def test_a_journal_folder_that_cannot_be_created_does_not_stop_the_start(
    world: World,
) -> None:
    await snapshot(world)
    (world.folder / "journal").rmdir()
    (world.folder / "journal").write_text("not a folder")
    async with world.serving() as site:
        assert (await site.client.get("/mia")).status_code == 302
        assert (await site.post("/v1/conversions", order(1))).status_code == 503
        assert (await site.client.get("/health/ready")).status_code == 503
        (world.folder / "journal").unlink()
        await until(lambda: not site.tracking.journal.trouble)
        assert (await site.post("/v1/conversions", order(1))).status_code == 202
        await site.events(1)


async def test_over_its_share_of_the_disk_a_brand_is_refused_and_others_go_on(
    world: World,
) -> None:
    other, second = Brand(), new_api_key(public=False)
    await world.publish(
        world.brand.key(second, "track"), *other.records()[:4], other.link("Ivy", id=new_id())
    )
    await snapshot(world)
    world.broker.go_away()
    async with world.serving(environ={"LAUREL_JOURNAL_BYTES": "20000"}) as site:
        statuses = [
            (await site.post("/v1/conversions", order(n), key)).status_code
            for n in range(60)
            for key in (None, second)
        ]
        assert (statuses[0], set(statuses)) == (202, {202, 429})
        refused = await site.post("/v1/conversions", order("refused"))
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
        # What is left is less than a few events.
        delivered = [await site.deliver("orders/create", SHOP_ORDER) for _ in range(5)]
        assert delivered[-1].status_code == 503
        assert "retry-after" in delivered[-1].headers
        for _ in range(5):
            assert (await site.client.get("/mia")).status_code == 302
        theirs = [
            await site.client.post("/v1/conversions", json=order(n), headers=other.bearer())
            for n in range(5)
        ]
        assert {answer.status_code for answer in theirs} == {202}
        assert (await site.client.get("/ivy")).status_code == 302
        assert (await site.client.get("/health/ready")).status_code == 200
        world.broker.come_back()
        await until(lambda: not site.tracking.journal.bytes_waiting)
        events = world.events()
        clicks = Counter(event.workspace_id for event in events if isinstance(event, Clicked))
        assert clicks[world.brand.workspace_id] < 5
        assert clicks[other.workspace_id] == 1
        accepted = statuses.count(202) + sum(answer.status_code == 200 for answer in delivered)
        assert len(events) - clicks.total() == accepted + len(theirs)
        assert (await site.post("/v1/conversions", order("after"))).status_code == 202


async def test_a_key_over_its_share_is_refused_and_the_webhooks_of_its_brand_go_on(
    world: World,
) -> None:
    second = new_api_key(public=False)
    await world.publish(world.brand.key(second, "track"))
    await snapshot(world)
    world.broker.go_away()
    async with world.serving(environ={"LAUREL_JOURNAL_BYTES": "20000"}) as site:
        statuses = [(await site.post("/v1/conversions", order(n))).status_code for n in range(60)]
        assert (statuses[0], set(statuses)) == (202, {202, 429})
        refused = await site.post("/v1/conversions", order("refused"))
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
        assert "the key has used up its share" in refused.json()["detail"]
        assert (await site.deliver("orders/create", SHOP_ORDER)).status_code == 200
        assert (await site.post("/v1/conversions", order("other"), second)).status_code == 202
        assert (await site.client.get("/mia")).status_code == 302
        world.broker.come_back()
        await until(lambda: not site.tracking.journal.bytes_waiting)
        assert sum(isinstance(event, Clicked) for event in world.events()) == 1
        assert (await site.post("/v1/conversions", order("after"))).status_code == 202


async def test_over_the_disk_budget_all_claims_are_refused_and_clicks_redirected(
    world: World,
) -> None:
    await snapshot(world)
    world.broker.go_away()
    async with world.serving() as site:
        for number in range(10):
            assert (await site.post("/v1/conversions", order(number))).status_code == 202
    async with world.serving(environ={"LAUREL_JOURNAL_BYTES": "3000"}) as site:
        refused = await site.post("/v1/conversions", order("refused"))
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert (await site.client.get("/mia")).status_code == 302
        world.broker.come_back()
        await until(lambda: not site.tracking.journal.trouble)
        assert (await site.post("/v1/conversions", order("after"))).status_code == 202
        await until(lambda: len(world.events()) == 11)


async def test_a_damaged_group_is_skipped_and_its_neighbours_are_kept(world: World) -> None:
    await snapshot(world)
    world.broker.go_away()
    async with world.serving() as site:
        ids = []
        for number in range(5):
            answer = await site.post("/v1/conversions", order(number))
            ids.append(answer.json()["event_id"])
    (path,) = world.folder.glob("journal/slot-*/*.journal")
    with sqlite3.connect(path) as connection:
        (blob,) = connection.execute("SELECT frames FROM groups WHERE id = 3").fetchone()
        broken = bytes([blob[0], blob[1], blob[2], blob[3], blob[4] ^ 1]) + blob[5:]
        connection.execute("UPDATE groups SET frames = ? WHERE id = 3", (broken,))
    connection.close()
    world.broker.come_back()
    async with world.serving() as site:
        await until(lambda: len(world.events()) == 4)
        metrics = (await site.client.get("/metrics")).text
    assert 'laurel_journal_groups_total{outcome="damaged"} 1.0' in metrics
    assert [event.event_id for event in world.events()] == ids[:2] + ids[3:]


async def test_a_file_that_is_no_journal_is_renamed(world: World) -> None:
    slot = take_slot(world.folder / "journal")
    path = slot.next_file()
    path.write_bytes(b"no database" * 100)
    slot.release()
    async with world.serving() as site:
        await site.ready()
        assert (await site.post("/v1/conversions", order(1))).status_code == 202
        await site.events(1)
        await until(lambda: not site.tracking.journal.backlog)
    assert path.with_suffix(".damaged").is_file()


async def test_a_live_process_keeps_its_journal(world: World) -> None:
    world.broker.go_away()
    await asyncio.sleep(0)
    slot = take_slot(world.folder / "journal")
    file = JournalFile(slot.next_file())
    file.open_writer()
    file.write([b"held"])
    async with world.serving() as site:
        assert site.tracking.journal.backlog == []
    file.close()
    assert slot.files()
    slot.release()
