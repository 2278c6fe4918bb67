"""The relay: moves catalog records from the outbox to `laurel.catalog`, in the order of their commits, and forgets them there; and its proofreader.

Promise: one process relays at a time. A record is forgotten only after the log has it; a crash in between appends it again, which
readers tolerate (they keep the greatest revision). A commit wakes the relay of its own process; another process's is noticed
within `POLL_SECONDS`.
A log without any catalog record (made anew, or another one than before) is given the whole catalog at the start.
What can go wrong: log or database away: the records wait, readiness says so, and the relay tries again. An append that was given up,
or that of a process which slept through its turn, arrives after newer records, and compaction keeps only the last of a key: the
proofreader notices and has the entity published again.
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

# A tenth of the second within which a change must be everywhere.
POLL_SECONDS: Final = 0.1
# An outage is no reason to ask more often than people look.
BACK_OFF_SECONDS: Final = 0.5
# A newer record is hardly ever this far behind an older one of its entity; if it is, the entity is published once too often.
LOOK_SECONDS: Final = 5.0

logger = get_logger(__name__)


class CatalogRelay:
    """The relay of one process. `report` hears after each round why records wait, or None."""

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
        self._knows_the_log = False

    def wake(self) -> None:
        """There is something to publish."""
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self._meet_the_log()
                published = await self.publish_once()
                self._report(None)
            except Transient as problem:
                logger.warning("catalog_relay_waits", problem=str(problem))
                self._report(str(problem))
                await self._clock.sleep(BACK_OFF_SECONDS)
                continue
            if not published:
                await self._nap()

    async def publish_once(self) -> int:
        """One round: the number of records published, 0 when there is nothing or another process is at it."""
        async with relay_lock(self._database) as workspace_ids:
            if not workspace_ids:
                return 0
            pending = await next_records(self._database, workspace_ids)
            await self._log.append(CATALOG, pending.records)
            await remove_published(self._database, pending)
        if pending.records:
            self._telemetry.count(Metric.RELAYED, len(pending.records), topic=CATALOG.name)
        return len(pending.records)

    async def _meet_the_log(self) -> None:
        """Once: give an empty log everything."""
        if self._knows_the_log:
            return
        await self._log.ensure_topics((CATALOG,))
        if not any((await self._log.end_offsets(CATALOG)).values()):
            workspaces = await publish_everything(self._database, self._clock.now())
            logger.info("catalog_published_again", workspaces=workspaces)
        self._knows_the_log = True

    async def _nap(self) -> None:
        """Until somebody wakes, or the poll's time."""
        async with asyncio.TaskGroup() as tasks:
            nap = tasks.create_task(self._clock.sleep(POLL_SECONDS))
            woken = tasks.create_task(self._woken.wait())
            await asyncio.wait((nap, woken), return_when=asyncio.FIRST_COMPLETED)
            nap.cancel()
            woken.cancel()


class Proofreader:
    """Reads what stands on `laurel.catalog`: all of it at the start, then what comes. Where the last record of an entity is older than
    the entity, and still so at the next look, the entity is published again."""

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
        """Read until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follower.run())
            while True:
                await self._clock.sleep(LOOK_SECONDS)
                try:
                    await self.look()
                except Transient as problem:
                    logger.warning("catalog_proof_waits", problem=str(problem))

    async def look(self) -> None:
        """Compare what was read since the last look, and what was suspect at it, with the entities."""
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
