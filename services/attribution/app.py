"""The composition root of attribution: runs the consumers, the recompute worker and the relay.

Promise: the service starts while Postgres or the log is unavailable, reports it at `/health/ready`,
and works once they are back. The resource that is opened first is closed last.
What can go wrong: a bug in a loop ends the process. So does a loop that makes no progress although
the database and the log answer.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI

from services.attribution import routes
from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.catalog_consumer import CatalogHandler
from services.attribution.pipeline.dead_letter_retry import Retrier
from services.attribution.pipeline.event_consumer import EventsHandler
from services.attribution.pipeline.publish_again import Publisher
from services.attribution.pipeline.recompute import Recomputer
from services.attribution.relay import Relay
from services.attribution.routes.parts import Parts
from services.attribution.settings import AttributionSettings
from services.attribution.store.catalog_rows import look_up_key
from services.attribution.wire.answer_shapes import LagItem
from shared.api.app import create_app
from shared.api.routers import routers_in
from shared.clock import Clock, SystemClock
from shared.db.engine import Database, driver
from shared.db.roles import own_log_in
from shared.errors import Transient
from shared.http.auth import Principal
from shared.http.health import Health
from shared.http.server import serve
from shared.log.kafka import KafkaLog
from shared.log.loop import BatchHandler, ConsumerLoop
from shared.log.port import EventLog
from shared.log.postgres import PostgresLog
from shared.log.topics import CATALOG, CREDITS, DEAD_LETTER, EVENTS
from shared.log.watchdog import measure_lag, progress_or_die
from shared.sealing import Sealer, TextHasher, TextSealer
from shared.telemetry import Metric, Telemetry, configure_logging, get_logger

SERVICE: Final = "attribution"
DOES: Final = (
    "Reads events, credits conversions to placements, keeps the ledger, and explains"
    " every decision."
)
# Two consumers, the worker, the relay and the health check use one each; requests use the rest.
POOL_SIZE: Final = 10
# A correction queues many conversions; small catalog batches hold the locks for a short time.
CATALOG_RECORDS_MAX: Final = 500
RETRY_SECONDS: Final = 0.5
LOOK_EVERY_SECONDS: Final = 1.0
# The longest that records may wait before the process says that it is not ready.
UNREADY_SECONDS: Final = 60.0
# A little more than the time in which the loops finish their batches.
STOP_SECONDS: Final = 11.0
# The thresholds of the garbage collector: new objects before a collection (two batches make half of
# them), and collections of one generation before one of the next.
COLLECT_OBJECTS: Final = 500_000
COLLECT_ROUNDS: Final = 50
EVENTS_GROUP: Final = "laurel-attribution"
CATALOG_GROUP: Final = "laurel-attribution-catalog"

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """The external resources of attribution; a test passes its own."""

    database: Database
    log: EventLog
    clock: Clock
    text_hash: TextHasher
    texts: TextSealer


class Attribution:
    """The components of one process, wired together."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.telemetry = Telemetry(SERVICE)
        self.health = Health("database", "events", "catalog")
        database, clock, cache = outside.database, outside.clock, FactsCache()
        self.relay = Relay(database, outside.log, clock, self.telemetry)
        self.worker = Recomputer(database, cache, clock, self.relay.call)
        events = EventsHandler(
            database, cache, clock, self.telemetry, self.relay.call, self.worker.call
        )
        catalog = CatalogHandler(database, cache, clock, self.telemetry, self.wake)
        self.retrier = Retrier(database, cache, clock, self.wake)
        self.publisher = Publisher(database, self.relay.call)
        self.handlers: dict[str, BatchHandler[Any]] = {EVENTS.name: events, CATALOG.name: catalog}
        self.loops = (
            ConsumerLoop(outside.log, EVENTS, EVENTS_GROUP, events, clock),
            ConsumerLoop(
                outside.log,
                CATALOG,
                CATALOG_GROUP,
                catalog,
                clock,
                records_max=CATALOG_RECORDS_MAX,
            ),
        )

    def wake(self, workspaces: Sequence[str]) -> None:
        """Tell the worker and the relay that these workspaces may have work."""
        self.worker.call(workspaces)
        self.relay.call(workspaces)

    def build_app(self) -> FastAPI:
        """Return the HTTP application."""
        app = create_app(
            service=SERVICE,
            does=DOES,
            lifespan=None,
            health=self.health,
            telemetry=self.telemetry,
            routers=routers_in(routes.__name__),
        )
        app.state.parts = Parts(
            self.outside.database,
            self._look_up,
            self.retrier,
            self.publisher,
            self.lag,
            self.outside.text_hash,
            self.outside.texts,
        )
        return app

    async def _look_up(self, sha256: bytes) -> Principal | None:
        async with self.outside.database.exempt() as connection:
            row = await look_up_key(await driver(connection), sha256)
        if row is None:
            return None
        return Principal(
            row.workspace_id, row.key_id, frozenset(row.scopes), row.is_public, row.origins
        )

    async def lag(self) -> list[LagItem]:
        """Return the lag of every partition.

        It is exact for the partitions that this process reads. For the others it is counted from
        the stored offset, and `seconds` is None.
        """
        items: list[LagItem] = []
        for loop in self.loops:
            own = await measure_lag(self.outside.log, loop.topic, loop.progress, self.outside.clock)
            ends = await self.outside.log.end_offsets(loop.topic)
            lows = await self.outside.log.low_offsets(loop.topic)
            stored = await self.handlers[loop.topic.name].stored_offsets()
            for partition, end in sorted(ends.items()):
                mine = own.get(partition)
                behind = end - stored.get(partition, lows[partition])
                items.append(
                    LagItem(
                        topic=loop.topic.name,
                        partition=partition,
                        records=mine.records if mine else max(0, behind),
                        seconds=mine.seconds if mine else None,
                    )
                )
        return items

    async def work(self, stop: asyncio.Event) -> None:
        """Run all background loops until `stop` is set."""
        await self._prepare(stop)
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(part)
                for part in (
                    self.relay.run(),
                    self.worker.run(),
                    self.retrier.run(),
                    *(_Watch(self, loop).run() for loop in self.loops),
                    *(
                        progress_or_die(
                            self.outside.log, loop, self.database_answers, self.outside.clock
                        )
                        for loop in self.loops
                    ),
                )
            ]
            async with asyncio.TaskGroup() as consumers:
                for loop in self.loops:
                    consumers.create_task(loop.run(stop))
            for task in beside:
                task.cancel()

    async def _prepare(self, stop: asyncio.Event) -> None:
        """Create the topics; retry until the log answers."""
        while not stop.is_set():
            try:
                await self.outside.log.ensure_topics((EVENTS, CATALOG, CREDITS, DEAD_LETTER))
                return
            except Transient as problem:
                logger.warning("start.retry", problem=str(problem))
                await self.outside.clock.sleep(RETRY_SECONDS)

    async def database_answers(self) -> bool:
        """Return whether the database answers, and set the health check."""
        try:
            await self.outside.database.ping()
        except Transient as problem:
            self.health.set("database", ok=False, detail=str(problem))
            return False
        self.health.set("database", ok=True)
        return True


class _Watch:
    """Checks the database and one consumer loop every second.

    Sets the health checks and lag metrics.
    """

    def __init__(self, service: Attribution, loop: ConsumerLoop) -> None:
        self._service = service
        self._loop = loop
        self._part = loop.topic.name.removeprefix("laurel.")
        self._batches = 0
        self._well_at = service.outside.clock.monotonic()

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self._service.database_answers()
            await self._look()
            await self._service.outside.clock.sleep(LOOK_EVERY_SECONDS)

    async def _look(self) -> None:
        """The loop is healthy if it advanced since the last check, or has no lag and no failure."""
        clock, progress = self._service.outside.clock, self._loop.progress
        try:
            behind = await self._behind()
            trouble = progress.last_failure if progress.failures else "records are not read"
        except Transient as problem:
            behind, trouble = 1, str(problem)
        is_well = progress.batches != self._batches or not (behind or progress.failures)
        self._batches = progress.batches
        if is_well:
            self._well_at = clock.monotonic()
            self._service.health.set(self._part, ok=True)
        elif clock.monotonic() - self._well_at >= UNREADY_SECONDS:
            self._service.health.set(self._part, ok=False, detail=f"no progress: {trouble}")

    async def _behind(self) -> int:
        outside, telemetry = self._service.outside, self._service.telemetry
        topic = self._loop.topic
        lags = await measure_lag(outside.log, topic, self._loop.progress, outside.clock)
        for partition, found in lags.items():
            for metric, value in (
                (Metric.LAG_RECORDS, found.records),
                (Metric.LAG_SECONDS, found.seconds),
            ):
                telemetry.set(metric, value, topic=topic.name, partition=partition)
        return sum(found.records for found in lags.values())


@asynccontextmanager
async def running_attribution(outside: Outside) -> AsyncIterator[FastAPI]:
    """Run attribution during the block and yield its app. A loop that fails ends the block."""
    service = Attribution(outside)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        await outside.database.open()
        stack.push_async_callback(outside.database.close)
        await outside.log.open()
        stack.push_async_callback(outside.log.close)
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(service.work(stop))
            try:
                yield service.build_app()
            finally:
                stop.set()
                await asyncio.wait((working,), timeout=STOP_SECONDS)
                working.cancel()


async def serve_attribution(settings: AttributionSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logging(SERVICE)
    async with running_attribution(outside_of(settings)) as app:
        # A batch makes several 100,000 objects that live until it ends and have no cycles. At the
        # default threshold of 700 objects, scanning them takes a quarter of the time of a batch.
        gc.freeze()
        gc.set_threshold(COLLECT_OBJECTS, COLLECT_ROUNDS, COLLECT_ROUNDS)
        await serve(app, settings.host, settings.port)


def outside_of(settings: AttributionSettings) -> Outside:
    """Return the resources that the settings name, not opened yet."""
    clock = SystemClock()
    secret_key = settings.require_secret_key()
    url = own_log_in(settings.require_database_url(), SERVICE, secret_key)
    database = Database(url, application_name="laurel-attribution", pool_size=POOL_SIZE)
    sealer = Sealer(secret_key)
    log = _log_of(settings, url, clock)
    return Outside(database, log, clock, sealer.text_hasher(), sealer.text_sealer())


def _log_of(settings: AttributionSettings, url: str, clock: Clock) -> EventLog:
    if settings.kafka_servers:
        servers, login = ",".join(settings.kafka_servers), settings.kafka_login
        return KafkaLog(servers, clock, client_id="laurel-attribution", login=login)
    return PostgresLog(url, clock, application_name="laurel-attribution-log")
