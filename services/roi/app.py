"""The composition root of roi: opens the database and the log, starts the loops, mounts the routes.

Promise: the service starts while Postgres or the log is unavailable, reports that at
`/health/ready`, and works as soon as they are back. What was opened first is closed last.
What can go wrong: a bug in a loop ends the process. A record that is missing or cannot be folded
stops the fold of one workspace. The service stays ready for the others; the answers of that
workspace say it, and a metric counts such workspaces.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI

from services.roi import routes
from services.roi.bootstrap import ensure_admin_key
from services.roi.pipeline.fold import CreditsFold
from services.roi.pipeline.rebuild import RollupRebuild
from services.roi.relay import CatalogRelay, Proofreader
from services.roi.routes.parts import Parts
from services.roi.settings import RoiSettings
from services.roi.store.key_rows import look_up
from shared.api.app import create_app
from shared.api.routers import routers_in
from shared.clock import Clock, SystemClock
from shared.db.engine import Database
from shared.db.roles import own_log_in
from shared.errors import Transient
from shared.http.auth import Principal
from shared.http.health import Health
from shared.http.server import serve
from shared.log.kafka import KafkaLog
from shared.log.loop import ConsumerLoop
from shared.log.port import EventLog
from shared.log.postgres import PostgresLog
from shared.log.topics import CATALOG, CREDITS
from shared.log.watchdog import progress_or_die
from shared.sealing import Sealer
from shared.telemetry import Metric, Telemetry, configure_logging, get_logger

SERVICE: Final = "roi"
DOES: Final = (
    "Keeps creators, campaigns, placements, links, codes, policies, stores, agents,"
    " costs, goals and rates, and answers what they returned."
)
# 10 concurrent requests keep two cores busy; relay, fold and rebuild need connections besides.
POOL_SIZE: Final = 13
# Twice `BRAND_ANSWERS_AT_WORK`: one brand's answers never fill them.
ANSWER_THREADS: Final = 8
# How long a thread keeps the interpreter when another one waits for it. An answer in a thread gives
# way to the event loop after this time (Python's default is 5 ms).
SWITCH_SECONDS: Final = 0.001
RETRY_SECONDS: Final = 0.5
CHECK_SECONDS: Final = 1.0
STOPPED_RETRY_SECONDS: Final = 60.0
# Slightly more than the time in which the consumer loop ends its batch.
STOP_SECONDS: Final = 11.0
# Python's garbage collector: new objects between two collections (some megabytes at worst), and
# collections of a generation before the next generation is collected.
COLLECT_OBJECTS: Final = 50_000
COLLECT_ROUNDS: Final = 50
GROUP: Final = "laurel-roi"

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """The parts that roi does not make itself; tests pass their own."""

    database: Database
    log: EventLog
    clock: Clock


@asynccontextmanager
async def running_roi(settings: RoiSettings, outside: Outside) -> AsyncIterator[FastAPI]:
    """Run roi while the block runs; yield the app to serve. A loop that fails ends the block."""
    health = Health("database", "catalog", "credits")
    telemetry = Telemetry(SERVICE)
    relay = CatalogRelay(
        outside.database, outside.log, outside.clock, telemetry, _reporter(health, "catalog")
    )
    rebuild = RollupRebuild(outside.database, outside.clock)
    proofreader = Proofreader(outside.database, outside.log, outside.clock, relay.wake)
    watch = _Watch(outside, health)
    fold = CreditsFold(
        outside.database, telemetry, lambda stops: telemetry.set(Metric.STOPPED, len(stops))
    )
    watch.loop = ConsumerLoop(outside.log, CREDITS, GROUP, fold, outside.clock)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        await outside.database.open()
        stack.push_async_callback(outside.database.close)
        await outside.log.open()
        stack.push_async_callback(outside.log.close)
        threads = ThreadPoolExecutor(ANSWER_THREADS, "answer")
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        async with asyncio.TaskGroup() as tasks:
            folding = tasks.create_task(_fold(settings, outside, watch, proofreader, fold, stop))
            beside = [tasks.create_task(work) for work in (relay.run(), watch.run(), rebuild.run())]
            yield build_app(settings, outside, health, telemetry, relay.wake, threads)
            stop.set()
            await asyncio.wait((folding,), timeout=STOP_SECONDS)
            for task in (folding, *beside):
                task.cancel()


async def serve_roi(settings: RoiSettings) -> None:
    """Serve until the process gets a signal."""
    configure_logging(SERVICE)
    async with running_roi(settings, outside_of(settings)) as app:
        # The start makes about 130,000 objects that are kept: the collector need not visit them. An
        # answer of 100 rows makes about 2,000 objects without cycles. With the default threshold of
        # 700, one answer in a hundred waited 50 to 100 ms for a full collection.
        gc.freeze()
        gc.set_threshold(COLLECT_OBJECTS, COLLECT_ROUNDS, COLLECT_ROUNDS)
        sys.setswitchinterval(SWITCH_SECONDS)
        await serve(app, settings.host, settings.port)


def outside_of(settings: RoiSettings) -> Outside:
    """Return the database, log and clock that the settings name, not opened yet."""
    clock = SystemClock()
    url = own_log_in(settings.require_database_url(), SERVICE, settings.require_secret_key())
    database = Database(url, application_name="laurel-roi", pool_size=POOL_SIZE)
    return Outside(database, _log_of(settings, url, clock), clock)


def build_app(
    settings: RoiSettings,
    outside: Outside,
    health: Health,
    telemetry: Telemetry,
    wake_relay: Callable[[], None],
    answer_threads: Executor,
) -> FastAPI:
    """Return the app with all routes of roi."""

    async def lookup(sha256: bytes) -> Principal | None:
        return await look_up(outside.database, sha256)

    app = create_app(
        service=SERVICE,
        does=DOES,
        lifespan=None,
        health=health,
        telemetry=telemetry,
        routers=routers_in(routes.__name__),
    )
    app.state.parts = Parts(
        database=outside.database,
        clock=outside.clock,
        sealer=Sealer(settings.require_secret_key()),
        short_base=settings.short_base,
        lookup=lookup,
        wake_relay=wake_relay,
        answer_threads=answer_threads,
    )
    return app


def _log_of(settings: RoiSettings, url: str, clock: Clock) -> EventLog:
    if settings.kafka_servers:
        servers, login = ",".join(settings.kafka_servers), settings.kafka_login
        return KafkaLog(servers, clock, client_id="laurel-roi", login=login)
    return PostgresLog(url, clock, application_name="laurel-roi-log")


def _reporter(health: Health, part: str) -> Callable[[str | None], None]:
    """Return the function that sets the health of one part; None as its argument means ready."""

    def report(trouble: str | None) -> None:
        health.set(part, trouble is None, trouble or "")

    return report


async def _fold(
    settings: RoiSettings,
    outside: Outside,
    watch: "_Watch",
    proofreader: Proofreader,
    fold: CreditsFold,
    stop: asyncio.Event,
) -> None:
    """Run the fold after the preparation, with its watchdog and the catalog's proofreader."""
    await _prepare(settings, outside)
    watch.is_prepared = True
    watch.report_fold()
    loop = watch.loop
    assert loop is not None, "running_roi sets the loop before it starts this task"
    async with asyncio.TaskGroup() as tasks:
        watchdog = tasks.create_task(
            progress_or_die(outside.log, loop, watch.database_answers, outside.clock)
        )
        proofreading = tasks.create_task(proofreader.run())
        retrying = tasks.create_task(_retry_stopped(fold, outside.clock))
        await loop.run(stop)
        for task in (watchdog, proofreading, retrying):
            task.cancel()


async def _retry_stopped(fold: CreditsFold, clock: Clock) -> None:
    """Try the workspaces that stand still again and again, until cancelled."""
    while True:
        await clock.sleep(STOPPED_RETRY_SECONDS)
        try:
            await fold.retry_stopped()
        except Transient as problem:
            logger.warning("fold.retry_waits", problem=str(problem))


async def _prepare(settings: RoiSettings, outside: Outside) -> None:
    """Make the admin key and the topics; retry until the database and the log answer."""
    while True:
        try:
            if settings.admin_key is not None:
                key = settings.admin_key.get_secret_value()
                await ensure_admin_key(outside.database, outside.clock, key)
            await outside.log.ensure_topics((CATALOG, CREDITS))
            return
        except Transient as problem:
            logger.warning("start.retry", problem=str(problem))
            await outside.clock.sleep(RETRY_SECONDS)


class _Watch:
    """Checks the database and the fold every second and reports to health."""

    def __init__(self, outside: Outside, health: Health) -> None:
        self.loop: ConsumerLoop | None = None
        self.is_prepared = False
        self._outside = outside
        self._database = _reporter(health, "database")
        self._credits = _reporter(health, "credits")

    async def database_answers(self) -> bool:
        """Return whether the database answers now, and report it."""
        try:
            await self._outside.database.ping()
        except Transient as problem:
            self._database(str(problem))
            return False
        self._database(None)
        return True

    def report_fold(self) -> None:
        """Report the state of the fold to health."""
        self._credits(self._fold_trouble())

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self.database_answers()
            self.report_fold()
            await self._outside.clock.sleep(CHECK_SECONDS)

    def _fold_trouble(self) -> str | None:
        if self.loop is None or not self.is_prepared:
            return "starting"
        return self.loop.progress.last_failure if self.loop.progress.failures else None
