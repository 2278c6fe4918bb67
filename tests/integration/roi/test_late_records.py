"""A catalog record that reaches the log after a newer one makes roi publish the entity again.

Compaction would otherwise keep only the older record.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from services.roi.bootstrap import ensure_workspace
from services.roi.domain.entity import Version
from services.roi.relay import CatalogRelay, Proofreader
from services.roi.store.catalog import Writer
from shared.catalog import Workspace, catalog_key, decode_catalog, encode_catalog
from shared.clock import ManualClock, SystemClock
from shared.db.engine import Database
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import Record
from shared.log.topics import CATALOG
from shared.telemetry import Telemetry
from tests.fixtures.background import at_work
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.roi.roi_service import PATIENCE_SECONDS

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def database(fresh_database: str, database_for: DatabaseFactory) -> Database:
    """An empty database with roi's role."""
    return await database_for("roi", url=fresh_database)


@pytest.fixture
async def broker() -> MemoryBroker:
    """A log that compacts only on request."""
    return MemoryBroker(SystemClock())


@asynccontextmanager
async def publishing(
    database: Database, broker: MemoryBroker
) -> AsyncIterator[tuple[MemoryLog, Proofreader]]:
    """Run roi's relay; yield the log and an idle proofreader whose sleeps end at once."""
    log = MemoryLog(broker)
    await log.open()
    troubles: list[str | None] = []
    relay = CatalogRelay(database, log, SystemClock(), Telemetry("roi"), troubles.append)
    async with asyncio.timeout(PATIENCE_SECONDS), at_work(relay.run()):
        yield log, Proofreader(database, log, ManualClock(NOON), relay.wake)


async def test_an_older_record_that_comes_late_does_not_outlive_the_newer_one(
    database: Database, broker: MemoryBroker
) -> None:
    workspace_id = await ensure_workspace(database, SystemClock(), "old")
    async with publishing(database, broker) as (log, proofreader):
        (old,) = await log_ending_with(broker, revision=1)
        await rename(database, workspace_id)
        await log_ending_with(broker, revision=2)
        await log.append(CATALOG, [Record(catalog_key(old), encode_catalog(old))])
        broker.compact(CATALOG)
        assert on_log(broker) == [old], "this is the hole: a new reader knows the old name only"
        async with at_work(proofreader.run()):
            await log_ending_with(broker, revision=2)
    broker.compact(CATALOG)
    assert [(record.id, record.revision) for record in on_log(broker)] == [(workspace_id, 2)]


async def test_what_stands_as_it_should_is_not_published_again(
    database: Database, broker: MemoryBroker
) -> None:
    workspace_id = await ensure_workspace(database, SystemClock(), "old")
    async with publishing(database, broker) as (_, proofreader):
        await log_ending_with(broker, revision=1)
        await rename(database, workspace_id)
        await log_ending_with(broker, revision=2)
        async with at_work(proofreader.run()):
            await asyncio.sleep(0.5)
    assert [record.revision for record in on_log(broker)] == [1, 2]


async def rename(database: Database, workspace_id: str) -> None:
    """Write another revision of a workspace."""
    async with database.write([workspace_id]) as conn:
        writer = await Writer.begin(conn, workspace_id, NOON)
        entity = await writer.find("workspace", workspace_id)
        assert entity is not None
        await writer.change(entity, versions=(Version({**entity.latest.facts, "name": "new"}),))


def on_log(broker: MemoryBroker) -> list[Workspace]:
    """Return the records of the workspace in order; its first store is on the topic too."""
    if CATALOG.name not in broker.topics:
        return []
    _, partitions = broker.topics[CATALOG.name]
    records = [decode_catalog(record.value) for part in partitions for record in part.records]
    return [record for record in records if isinstance(record, Workspace)]


async def log_ending_with(broker: MemoryBroker, *, revision: int) -> list[Workspace]:
    """Return the records of the workspace once the last one has this revision."""
    while True:
        records = on_log(broker)
        if records and records[-1].revision == revision:
            return records
        await asyncio.sleep(0.01)
