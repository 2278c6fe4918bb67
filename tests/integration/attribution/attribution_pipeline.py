"""One attribution process without HTTP: real handlers, worker and relay on a real Postgres.

Promise: only the log (the memory adapter of the design) and the clock are replaced. Each process
has its own partition, so tests share a database without conflicts.
"""

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.catalog_consumer import CatalogHandler
from services.attribution.pipeline.event_consumer import EventsHandler
from services.attribution.pipeline.recompute import Recomputer
from services.attribution.relay import Relay
from shared.catalog import AnyCatalogRecord, catalog_key, encode_catalog
from shared.clock import SystemClock
from shared.credits import AnyCredits, decode_credits
from shared.db.engine import Database, driver
from shared.events import AnyEvent, encode_event
from shared.ids import new_id
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.port import StoredRecord
from shared.log.topics import CATALOG, CREDITS, DEAD_LETTER, EVENTS
from shared.telemetry import Telemetry
from tests.fixtures.batches import hand_over

_partitions = itertools.count(os.getpid() % 10_000 * 100_000)

# The natural id of a conversion, with its store unless that is `main`; see `oracle.order_name`.
ORDER_NAME = "CASE {0}.store WHEN 'main' THEN '' ELSE {0}.store || '/' END || {0}.natural_id"
Account = tuple[str, str, str, str | None]


@dataclass
class Source:
    """One partition of events and one of the catalog, which several processes may read."""

    partition: int = field(default_factory=lambda: next(_partitions))
    events: list[StoredRecord] = field(default_factory=list)
    catalog: list[StoredRecord] = field(default_factory=list)

    def add(self, *events: AnyEvent) -> list[StoredRecord]:
        return [self.add_bytes(encode_event(e), e.workspace_id.encode()) for e in events]

    def add_bytes(self, value: bytes, key: bytes) -> StoredRecord:
        record = StoredRecord(EVENTS.name, self.partition, len(self.events), key, value, (), 0)
        self.events.append(record)
        return record

    def add_catalog(self, *records: AnyCatalogRecord) -> list[StoredRecord]:
        return [self.add_catalog_bytes(catalog_key(r), encode_catalog(r)) for r in records]

    def add_catalog_bytes(self, key: bytes, value: bytes) -> StoredRecord:
        record = StoredRecord(CATALOG.name, self.partition, len(self.catalog), key, value, (), 0)
        self.catalog.append(record)
        return record


@dataclass
class AttributionPipeline:
    """The handlers, worker and relay of one process."""

    database: Database
    source: Source = field(default_factory=Source)
    broker: MemoryBroker = field(default_factory=lambda: MemoryBroker(SystemClock()))

    def __post_init__(self) -> None:
        clock, cache = SystemClock(), FactsCache()
        self.telemetry = Telemetry("attribution")
        self.log = MemoryLog(self.broker)
        self.relay = Relay(self.database, self.log, clock, self.telemetry)
        self.worker = Recomputer(self.database, cache, clock, self.relay.call)
        self.events = EventsHandler(
            self.database, cache, clock, self.telemetry, self.relay.call, self.worker.call
        )
        self.catalog = CatalogHandler(self.database, cache, clock, self.telemetry, self._wake)

    def _wake(self, workspaces: Sequence[str]) -> None:
        self.worker.call(workspaces)
        self.relay.call(workspaces)

    async def learn(self, *records: AnyCatalogRecord) -> None:
        """Handle catalog records, and recompute the decisions that they correct."""
        await self._learn(self.source.add_catalog(*records))

    async def learn_bytes(self, *keys_and_values: tuple[bytes, bytes]) -> None:
        """Handle catalog records in the form of the topic, then recompute."""
        await self._learn([self.source.add_catalog_bytes(*pair) for pair in keys_and_values])

    async def _learn(self, added: Sequence[StoredRecord]) -> None:
        if added:
            await hand_over(self.catalog, self.source.partition, added[0].offset, added)
        await self.worker.drain()

    async def feed(self, *events: AnyEvent) -> None:
        """Handle events as one batch."""
        added = self.source.add(*events)
        if added:
            await hand_over(self.events, self.source.partition, added[0].offset, added)

    async def feed_bytes(self, *values: bytes, key: bytes) -> None:
        """Handle raw records as one batch."""
        added = [self.source.add_bytes(value, key) for value in values]
        await hand_over(self.events, self.source.partition, added[0].offset, added)

    async def net_ledger(self, *workspaces: str) -> Counter[Account]:
        """Return (order, model, account, currency) → minor units, without zeros."""
        rows = await self.rows(
            f"SELECT {ORDER_NAME.format('c')}, l.model, l.account, l.currency,"
            " sum(l.amount_minor)::bigint FROM attribution.ledger AS l"
            " JOIN attribution.conversions AS c USING (own_key, workspace_id) GROUP BY 1, 2, 3, 4",
            *workspaces,
        )
        return Counter({tuple(row[:4]): row[4] for row in rows if row[4]})

    async def rows(self, statement: str, *workspaces: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that may see these workspaces."""
        async with self.database.read(workspaces) as connection:
            conn = await driver(connection)
            return [tuple(row) for row in await conn.fetch(statement)]

    async def credits(self) -> list[AnyCredits]:
        """Return all records of the credits topic, partition by partition."""
        await self.log.ensure_topics([CREDITS, DEAD_LETTER])
        await self.relay.drain()
        return [decode_credits(record.value) for record in await self.read(CREDITS)]

    async def read(self, topic: Any) -> list[StoredRecord]:
        """Return all records of a topic of the memory log."""
        found: list[StoredRecord] = []
        ends = await self.log.end_offsets(topic)
        for partition, end in ends.items():
            found += self.broker.read(topic, partition, 0, end)
        return found


def new_workspaces(count: int) -> Iterable[str]:
    """Return new workspaces that no other test uses."""
    return [new_id() for _ in range(count)]
