"""`python -m services.tracking` as it is deployed: PostgreSQL log, signals, wrong settings."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx

from shared.catalog import encode_catalog
from shared.clock import SystemClock
from shared.events import decode_event
from shared.ids import new_id
from shared.log.port import Record
from shared.log.postgres import PostgresLog
from shared.log.topics import ALL, CATALOG, EVENTS
from shared.sealing import Sealer
from tests.integration.tracking.world import Brand, free_port, until

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30


def slots_in(folder: Path) -> list[Path]:
    return list(folder.glob("journal/slot-*"))


async def start(environ: dict[str, str]) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LAUREL_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.tracking"),
        cwd=ROOT,
        env=clean | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def redirects(client: httpx.AsyncClient, path: str) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            if (await client.get(path)).status_code == 302:
                return
            await asyncio.sleep(0.01)


async def events_on(log: PostgresLog) -> list[str]:
    reader = await log.reader(EVENTS, group=None)
    low = await log.low_offsets(EVENTS)
    for partition in await reader.assignment():
        await reader.seek(partition, low[partition])
    async with asyncio.timeout(START_SECONDS):
        while not (records := await reader.fetch(records_max=10, wait_ms=500)):
            pass
    await reader.close()
    return [decode_event(record.value).event_id for record in records]


async def test_a_process_serves_on_the_embedded_log_and_stops_when_asked(
    fresh_database: str, secret_key: str, tmp_path: Path
) -> None:
    brand = Brand()
    brand.sealer = Sealer(secret_key)
    log = PostgresLog(fresh_database, SystemClock())
    await log.open()
    await log.ensure_topics(ALL)
    await log.append(CATALOG, [Record(r.id.encode(), encode_catalog(r)) for r in brand.records()])
    port = free_port()
    child = await start(
        {
            "LAUREL_TRACKING_PORT": str(port),
            "LAUREL_DATA_DIR": str(tmp_path),
            "LAUREL_DATABASE_URL": fresh_database,
            "LAUREL_SECRET_KEY": secret_key,
        }
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await ready(client)
            assert (await client.get("/mia")).status_code == 302
            assert len(await events_on(log)) == 1
    finally:
        child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.communicate(), START_SECONDS)
        await log.close()
    assert child.returncode == 0
    assert slots_in(tmp_path) == []


async def test_a_link_made_before_a_crash_redirects_when_the_log_is_away_at_the_next_start(
    fresh_database: str, secret_key: str, tmp_path: Path
) -> None:
    brand = Brand()
    brand.sealer = Sealer(secret_key)
    log = PostgresLog(fresh_database, SystemClock())
    await log.open()
    await log.ensure_topics(ALL)
    await log.append(CATALOG, [Record(r.id.encode(), encode_catalog(r)) for r in brand.records()])
    port, dead_port = free_port(), free_port()
    environ = {
        "LAUREL_TRACKING_PORT": str(port),
        "LAUREL_DATA_DIR": str(tmp_path),
        "LAUREL_DATABASE_URL": fresh_database,
        "LAUREL_SECRET_KEY": secret_key,
    }
    away = f"postgresql://laurel@127.0.0.1:{dead_port}/nowhere"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        child = await start(environ)
        try:
            await ready(client)
            # The first snapshot is written. The next one follows 30 s later.
            await until((tmp_path / "tracking" / "catalog.snapshot").exists, START_SECONDS)
            link = brand.link("Later", id=new_id())
            await log.append(CATALOG, [Record(link.id.encode(), encode_catalog(link))])
            await redirects(client, "/later")
            # Tracking promises to save a change within one second.
            await asyncio.sleep(1)
        finally:
            child.kill()
            await child.communicate()
            await log.close()
        child = await start(environ | {"LAUREL_DATABASE_URL": away})
        try:
            await ready(client)
            assert (await client.get("/later")).status_code == 302
        finally:
            child.send_signal(signal.SIGTERM)
            await asyncio.wait_for(child.communicate(), START_SECONDS)


async def test_settings_that_cannot_work_are_one_sentence(tmp_path: Path) -> None:
    child = await start({"LAUREL_DATA_DIR": str(tmp_path), "LAUREL_SHORT_ULR": "https://a.example"})
    _, error = await asyncio.wait_for(child.communicate(), START_SECONDS)
    assert child.returncode == 2
    assert b"LAUREL_SHORT_URL" in error
    assert b"Traceback" not in error
