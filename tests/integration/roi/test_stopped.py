"""A record that cannot be folded stops its workspace, says so in answers, and heals."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from services.roi.app import Outside, running_roi
from services.roi.settings import RoiSettings
from shared.clock import SystemClock
from shared.credits import DecisionCredited, encode_credits
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.ids import new_id
from shared.log.kafka import KafkaLog
from shared.log.port import EventLog, Record, StoredRecord
from shared.log.postgres import PostgresLog
from shared.log.topics import ALL, CREDITS
from tests.fixtures.batches import hand_over
from tests.fixtures.connections import execute
from tests.fixtures.http import running
from tests.fixtures.postgres import SECRET_KEY, DatabaseFactory
from tests.fixtures.slow_rows import QUICK, SLOW_SECONDS, slow_row
from tests.integration.roi.handed_batches import HANDED_PARTITION, fold, handed, stored
from tests.integration.roi.roi_service import PATIENCE_SECONDS, BrandClient, RoiService
from tests.integration.roi.roi_workspace import NOON, RoiWorkspace
from tests.integration.roi.test_fold import brute_force, folded, rows_of


@pytest.fixture
async def database(fresh_database: str, database_for: DatabaseFactory) -> Database:
    """A pool on a database of its own: a workspace that stands still is seen by every consumer."""
    return await database_for("roi", url=fresh_database)


@pytest.mark.parametrize("problem", ["body", "account", "bytes", "sequence"])
async def test_a_record_that_makes_no_sense_stops_its_workspace_alone_and_heals(
    database: Database, problem: str
) -> None:
    torn, whole = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    good = [torn.order(100, NOON, {"organic": (100, None)}) for _ in range(4)]
    others = [whole.order(7, NOON, {"organic": (7, None)}) for _ in range(3)]
    handler = torn.handler()
    at = await handed(handler)
    batch = stored(at, [good[0], others[0], good[1], others[1], good[2], others[2]])
    spoils: dict[str, Callable[[bytes], bytes]] = {
        "body": lambda value: value.replace(b'"entries":[', b'"entries":[7,'),
        "account": lambda value: value.replace(b'"account":"organic"', b'"account":"nobody"'),
        "bytes": lambda value: value[:40],
        "sequence": lambda value: value.replace(b'"sequence":2', b'"sequence":0'),
    }
    batch[2] = replace(batch[2], value=spoils[problem](batch[2].value))
    await hand_over(handler, HANDED_PARTITION, at, batch)
    assert await handed(handler) == at + len(batch)
    assert await folded(whole) == brute_force(whole, others, "UTC")
    assert await folded(torn) == brute_force(torn, good[:1], "UTC")
    assert torn.gaps == {torn.workspace_id: 2}
    assert torn.stops[torn.workspace_id].problem
    (warning,) = (await torn.ask())["meta"]["warnings"]
    assert warning["id"] == "stopped"
    assert "credits record 2 cannot be used" in warning["sentence"]
    assert (await whole.ask())["meta"]["warnings"] == []
    # A later batch and a fresh process change nothing about it.
    await fold(torn.handler(), [good[3]])
    restarted = torn.handler()
    await restarted.stored_offsets()
    await restarted.retry_stopped()
    assert torn.gaps == {torn.workspace_id: 2}
    assert torn.stops[torn.workspace_id].problem
    # The record, published again as it should be, heals it.
    await fold(restarted, [good[1]])
    assert torn.gaps == {}
    assert await folded(torn) == brute_force(torn, good, "UTC")
    assert (await torn.ask())["meta"]["warnings"] == []
    assert not await rows_of(torn, "waiting_credits")


async def test_a_record_of_no_known_workspace_is_skipped(database: Database) -> None:
    roi_workspace = await RoiWorkspace.open(database)
    good = roi_workspace.order(100, NOON, {"organic": (100, None)})
    strange = roi_workspace.order(100, NOON, {"organic": (100, None)}, workspace_id=new_id())
    handler = roi_workspace.handler()
    at = await handed(handler)
    nameless = StoredRecord(
        CREDITS.name, HANDED_PARTITION, at + 2, b"no workspace", b"nonsense", (), 0
    )
    for batch in ([*stored(at, [strange, good]), nameless], [replace(nameless, offset=at + 3)]):
        await hand_over(handler, HANDED_PARTITION, batch[0].offset, batch)
    assert await handed(handler) == at + 4
    assert await folded(roi_workspace) == brute_force(roi_workspace, [good], "UTC")
    assert roi_workspace.gaps == {}


async def test_a_sum_that_does_not_fit_stops_its_workspace_alone(
    database: Database,
) -> None:
    """Each amount fits a bigint, the sum of a day does not."""
    torn, whole = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    most = 2**63 - 1
    huge = [torn.order(most, NOON, {"organic": (most, None)}) for _ in range(2)]
    small = [torn.order(5, NOON, {"organic": (5, None)}) for _ in range(3)]
    others = [whole.order(7, NOON, {"organic": (7, None)}) for _ in range(3)]
    handler = torn.handler()
    await fold(handler, [huge[0], others[0], huge[1], others[1], *small[:2]])
    assert torn.gaps == {torn.workspace_id: 2}
    assert "range" in str(torn.stops[torn.workspace_id].problem)
    assert await folded(torn) == brute_force(torn, huge[:1], "UTC")
    assert await folded(whole) == brute_force(whole, others[:2], "UTC")
    # It stands still: later records wait, and the others go on.
    await fold(handler, [small[2], others[2]])
    await handler.retry_stopped()
    assert await folded(torn) == brute_force(torn, huge[:1], "UTC")
    assert await folded(whole) == brute_force(whole, others, "UTC")
    (warning,) = (await torn.ask())["meta"]["warnings"]
    assert "credits record 2 cannot be used" in warning["sentence"]
    assert sum((await rows_of(torn, "waiting_credits")).values()) == 4


async def test_an_amount_beyond_the_database_stops_its_workspace_alone(
    database: Database,
) -> None:
    torn, whole = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    bad = [torn.order(2**63, NOON, {"organic": (2**63, None)})]
    others = [whole.order(7, NOON, {"organic": (7, None)})]
    handler = torn.handler()
    await fold(handler, [*bad, *others])
    assert torn.gaps == {torn.workspace_id: 1}
    assert await folded(whole) == brute_force(whole, others, "UTC")


async def test_a_workspace_that_times_out_is_stopped_alone_and_goes_on_later(
    fresh_database: str, database: Database
) -> None:
    """A trigger makes the rows of one conversion slow, so the time-outs are those of Postgres."""
    torn, whole = await RoiWorkspace.open(database), await RoiWorkspace.open(database)
    records = [torn.order(100, NOON, {"organic": (100, None)}) for _ in range(5)]
    others = [whole.order(7, NOON, {"organic": (7, None)}) for _ in range(3)]
    slow = records[2]
    assert isinstance(slow, DecisionCredited)
    await execute(
        fresh_database, slow_row("roi.credit_entries", "conversion_id", slow.conversion_id)
    )
    handler = torn.handler()
    at = await handed(handler)
    began = time.monotonic()
    await hand_over(handler, HANDED_PARTITION, at, stored(at, [*records[:4], *others]))
    # A part of the time of one slow statement, of which each level has one.
    assert time.monotonic() - began < SLOW_SECONDS / 2
    assert await folded(whole) == brute_force(whole, others, "UTC")
    assert await folded(torn) == brute_force(torn, records[:2], "UTC")
    assert torn.gaps == {torn.workspace_id: 3}
    assert "timeout" in str(torn.stops[torn.workspace_id].problem)
    await fold(handler, records[4:])
    await handler.retry_stopped()
    assert torn.gaps == {torn.workspace_id: 3}
    await execute(fresh_database, QUICK)
    await handler.retry_stopped()
    assert torn.gaps == {}
    assert await folded(torn) == brute_force(torn, records, "UTC")


@asynccontextmanager
async def serving(owner_url: str, log: EventLog) -> AsyncIterator[RoiService]:
    """Run roi on this log."""
    clock = SystemClock()
    database = Database(service_url(owner_url, "roi", SECRET_KEY), application_name="test-roi")
    settings = RoiSettings.load({"LAUREL_SECRET_KEY": SECRET_KEY})
    outside = Outside(database, log, clock)
    async with running_roi(settings, outside) as app, running(app) as base:
        yield RoiService(base, database, log, clock)


@asynccontextmanager
async def real_log(
    kind: str, owner_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[EventLog, EventLog]]:
    """Yield the log of roi, in Postgres or Kafka, not opened yet, and one to write to."""
    clock = SystemClock()
    if kind == "kafka":
        servers = request.getfixturevalue("kafka_bootstrap")
        ours, writer = (KafkaLog(servers, clock, client_id=f"test-{n}") for n in range(2))
        logs: tuple[EventLog, EventLog] = ours, writer
    else:
        logs = (
            PostgresLog(service_url(owner_url, "roi", SECRET_KEY), clock),
            PostgresLog(owner_url, clock),
        )
    await logs[1].open()
    try:
        await logs[1].ensure_topics(ALL)
        yield logs
    finally:
        await logs[1].close()


@pytest.mark.parametrize("kind", ["postgres", "kafka"])
async def test_on_a_real_log_the_other_workspaces_go_on_within_seconds(
    fresh_database: str, request: pytest.FixtureRequest, kind: str
) -> None:
    """A bad record, then orders of two workspaces; then the record as it should be."""
    async with (
        real_log(kind, fresh_database, request) as (ours, log),
        serving(fresh_database, ours) as roi,
        httpx.AsyncClient(timeout=10) as http,
    ):
        torn_brand, whole_brand = await roi.brand(http), await roi.brand(http)
        torn = RoiWorkspace(roi.database, torn_brand.workspace_id)
        whole = RoiWorkspace(roi.database, whole_brand.workspace_id)
        good = [torn.order(100, NOON, {"organic": (100, None)}) for _ in range(3)]
        others = [whole.order(7, NOON, {"organic": (7, None)}) for _ in range(3)]
        values = [encode_credits(record) for record in good]
        await send(log, torn, values[0], b'{"type":"decision","entries":7' + values[1][18:])
        await send(log, whole, *(encode_credits(record) for record in others))
        await send(log, torn, values[2])
        assert await revenue(whole_brand, lambda meta: meta["sequence"] == 3) == (21, [])
        stopped = await revenue(torn_brand, lambda meta: meta["warnings"])
        assert stopped == (100, ["stopped"])
        assert (await http.get(roi.url + "/health/ready")).status_code == 200
        assert "laurel_stopped_workspaces 1.0" in (await http.get(roi.url + "/metrics")).text
        await send(log, torn, values[1])
        assert await revenue(torn_brand, lambda meta: meta["sequence"] == 3) == (300, [])
        assert "laurel_stopped_workspaces 0.0" in (await http.get(roi.url + "/metrics")).text


async def send(log: EventLog, roi_workspace: RoiWorkspace, *values: bytes) -> None:
    key = roi_workspace.workspace_id.encode()
    await log.append(CREDITS, [Record(key, value) for value in values])


async def revenue(brand: BrandClient, holds: Callable[[Any], Any]) -> tuple[int, list[str]]:
    """Return organic revenue and warnings once `holds` holds for the meta of an answer."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await brand.ok("GET", "/v1/roi?from=2026-01-01&to=2026-12-31")
            if holds(answer["meta"]):
                found = answer["organic"]["net_revenue"]["amount_minor"]
                return found, [warning["id"] for warning in answer["meta"]["warnings"]]
            await asyncio.sleep(0.05)
