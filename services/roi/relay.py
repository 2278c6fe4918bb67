"""The relay of the outbox to `laurel.catalog`, and the proofreader of that topic.

Promise: one process relays at a time, in the order of the commits. A record leaves the outbox only
after the log has stored it. After a crash in between it is appended again; readers tolerate that,
because they keep the greatest revision. A commit wakes the relay of its own process; another
process finds the record within `POLL_SECONDS`. A log without any catalog record gets the whole
catalog at the start.
What can go wrong: while the log or the database is unavailable, records wait, readiness reports it,
and the relay retries. An append that timed out, or that of a suspended process, may reach the log
after newer records. Compaction would then keep the old record. The proofreader finds this and
publishes the entity again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from services.roi.store.outbox import (
    Place,
    next_records,
    outdated,
    publish_again,
    publish_everything,
    relay_lock,
    remove_published,
)
from shared.catalog import CatalogRejected, decode_catalog
from shared.clock import Clock
from shared.db.engine import Database
from shared.errors import Transient
from shared.log.follow import Follower
from shared.log.port import EventLog, StoredRecord
from shared.log.topics import CATALOG
from shared.telemetry import Metric, Telemetry, get_logger

# A change must reach every service within 1 s; polling may use a tenth of that.
POLL_SECONDS: Final = 0.1
# Time between two attempts during an outage.
BACK_OFF_SECONDS: Final = 0.5
# The older record of an entity is almost never this far ahead of the newer one. If it is, the
# entity is published once more, which does no harm.
LOOK_SECONDS: Final = 5.0

logger = get_logger(__name__)


class CatalogRelay:
    """The relay of one process. `report` gets after each round why records wait, or None."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        clock: Clock,
        telemetry: Telemetry,
        report: Callable[[str | None], None],
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._telemetry = telemetry
        self._report = report
        self._woken = asyncio.Event()
        self._is_log_checked = False

    def wake(self) -> None:
        """Tell the relay that the outbox has new records."""
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self._fill_empty_log()
                published = await self.publish_once()
                self._report(None)
            except Transient as problem:
                logger.warning("catalog_relay_waits", problem=str(problem))
                self._report(str(problem))
                await self._clock.sleep(BACK_OFF_SECONDS)
                continue
            if not published:
                await self._wait()

    async def publish_once(self) -> int:
        """Publish one round and return its number of records; 0 while another process relays."""
        async with relay_lock(self._database) as workspace_ids:
            if not workspace_ids:
                return 0
            pending = await next_records(self._database, workspace_ids)
            await self._log.append(CATALOG, pending.records)
            await remove_published(self._database, pending)
        if pending.records:
            self._telemetry.count(Metric.RELAYED, len(pending.records), topic=CATALOG.name)
        return len(pending.records)

    async def _fill_empty_log(self) -> None:
        """Put the whole catalog into the outbox if the log is empty; checked once."""
        if self._is_log_checked:
            return
        await self._log.ensure_topics((CATALOG,))
        if not any((await self._log.end_offsets(CATALOG)).values()):
            workspaces = await publish_everything(self._database, self._clock.now())
            logger.info("catalog_published_again", workspaces=workspaces)
        self._is_log_checked = True

    async def _wait(self) -> None:
        """Wait until `wake` is called, at most `POLL_SECONDS`."""
        async with asyncio.TaskGroup() as tasks:
            pause = tasks.create_task(self._clock.sleep(POLL_SECONDS))
            woken = tasks.create_task(self._woken.wait())
            await asyncio.wait((pause, woken), return_when=asyncio.FIRST_COMPLETED)
            pause.cancel()
            woken.cancel()


class Proofreader:
    """Compares `laurel.catalog` with the database and repairs outdated records.

    It reads the whole topic at the start, then new records. When the last record of an entity is
    older than the entity at two checks in a row, the entity is published again.
    """

    def __init__(
        self, database: Database, log: EventLog, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._follower = Follower(log, CATALOG, self._receive, clock)
        self._read: dict[Place, int] = {}
        self._suspects: dict[Place, int] = {}

    async def run(self) -> None:
        """Read and check until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follower.run())
            while True:
                await self._clock.sleep(LOOK_SECONDS)
                try:
                    await self.look()
                except Transient as problem:
                    logger.warning("catalog_proof_waits", problem=str(problem))

    async def look(self) -> None:
        """Compare the records read since the last check, and its suspects, with the entities."""
        before = self._suspects
        self._suspects, self._read = before | self._read, {}
        if not self._suspects:
            return
        older = await outdated(self._database, self._suspects)
        late = {
            place
            for place in older - self._read.keys()
            if before.get(place) == self._suspects[place]
        }
        if late:
            await publish_again(self._database, late, self._clock.now())
            logger.warning("catalog_record_was_late", entities=len(late))
            self._wake()
        self._suspects = {place: self._suspects[place] for place in older - late}

    def _receive(self, records: Sequence[StoredRecord]) -> None:
        for record in records:
            try:
                entity = decode_catalog(record.value)
            except CatalogRejected as error:
                logger.error("catalog_record_refused", offset=record.offset, reason=str(error))
            else:
                self._read[entity.workspace_id, entity.id] = entity.revision
