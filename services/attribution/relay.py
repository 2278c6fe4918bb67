"""The relay (outbox publisher): moves records from the outbox to the log, in order.

Promise: one relay works at a time over all processes, so the numbers of a workspace are in order on
the log. A record is deleted only after the log has it. After a crash between append and delete a
record is published again; readers drop the numbers that they have.
What can go wrong: `Transient` of the log or the database is retried. No record is lost.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.attribution.store import offset_rows, outbox_rows
from services.attribution.store.outbox_rows import OutboxRow
from shared.clock import Clock
from shared.db.engine import Database, driver
from shared.errors import Transient
from shared.log.port import EventLog, Record
from shared.log.topics import CREDITS, DEAD_LETTER, Topic
from shared.telemetry import Metric, Telemetry, get_logger

# One append: some megabytes at most, and far less than the 10 s that a transaction may idle.
RECORDS_MAX: Final = 2_000
# Workspaces of one transaction; their ids are a database setting of some kilobytes.
WORKSPACES_MAX: Final = 500
# Another process holds the relay lock. It holds it for a short time, so the retry comes soon.
LOCK_RETRY_SECONDS: Final = 0.05
# How often all workspaces are searched for records that a killed process left.
SWEEP_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.5

_TOPICS: Final[Mapping[str, Topic]] = {topic.name: topic for topic in (CREDITS, DEAD_LETTER)}
_JSON: Final = (("content-type", b"application/json"),)

logger = get_logger(__name__)


@dataclass(slots=True)
class Relay:
    """The relay of one process; `call` names the workspaces that have new records."""

    database: Database
    log: EventLog
    clock: Clock
    telemetry: Telemetry
    _named: set[str] = field(default_factory=set)
    _called: asyncio.Event = field(default_factory=asyncio.Event)

    def call(self, workspaces: Sequence[str]) -> None:
        """Tell the relay that these workspaces may have records to move."""
        self._named.update(workspaces)
        self._called.set()

    async def run(self) -> None:
        """Work until cancelled."""
        await self.sweep()
        while True:
            try:
                if not await self.drain():
                    await self.clock.sleep(LOCK_RETRY_SECONDS)
                    continue
                await self._rest()
            except Transient as problem:
                logger.warning("relay.retry", problem=str(problem))
                await self.clock.sleep(RETRY_SECONDS)

    async def _rest(self) -> None:
        """Wait for a call, at most until the next sweep."""
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._called.wait()
        except TimeoutError:
            await self.sweep()
        self._called.clear()

    async def sweep(self) -> None:
        """Add every workspace: a killed process may have left records in the outbox."""
        try:
            async with self.database.exempt() as connection:
                self._named.update(await offset_rows.all_workspaces(await driver(connection)))
        except Transient as problem:
            logger.warning("relay.retry", problem=str(problem))

    async def drain(self) -> bool:
        """Move all records of the named workspaces; False when another process holds the lock."""
        while self._named:
            chunk = sorted(self._named)[:WORKSPACES_MAX]
            # Removed first, so a call during the move adds the workspace again.
            self._named.difference_update(chunk)
            moved = None
            try:
                moved = await self._move(chunk)
            finally:
                if moved is None or moved == RECORDS_MAX:
                    self._named.update(chunk)
            if moved is None:
                return False
        return True

    async def _move(self, workspaces: Sequence[str]) -> int | None:
        """Move one chunk and return its number of records; None when another process holds the
        lock.

        It takes no lock of a workspace, because it only deletes rows that are on the log. So no
        batch waits for it.
        """
        async with self.database.exempt() as connection:
            conn = await driver(connection)
            if not await outbox_rows.try_relay(conn):
                return None
            rows = await outbox_rows.read_outbox(conn, workspaces, RECORDS_MAX)
            await self._append(rows)
            await outbox_rows.delete_outbox(conn, rows)
        return len(rows)

    async def _append(self, rows: Sequence[OutboxRow]) -> None:
        for name, topic in _TOPICS.items():
            records = [Record(row.key, row.value, _JSON) for row in rows if row.topic == name]
            if records:
                await self.log.append(topic, records)
                self.telemetry.count(Metric.RELAYED, len(records), topic=name)
