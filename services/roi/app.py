"""The composition root of roi: picks the log, opens what is needed, starts the relay, the fold and the rebuild, and mounts the calls.

Promise: the service starts while Postgres or the log is away, says so at `/health/ready`, and works once they are back. What was opened
first is closed last. What can go wrong: a bug in a loop ends the process, loudly, it does not go on half alive; a sequence gap stops one
workspace's fold and readiness until it heals.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI

from services.roi.bootstrap import ensure_admin_key
from services.roi.pipeline.fold import CreditsFold, Gaps
from services.roi.pipeline.rebuild import RollupRebuild
from services.roi.relay import CatalogRelay, Proofreader
from services.roi.routes import (
    campaigns,
    codes,
    connections,
    costs,
    creators,
    keys,
    links,
    metrics,
    placements,
    policies,
    roi,
    workspace,
)
from services.roi.routes.parts import Parts
from services.roi.settings import RoiSettings
from services.roi.store.key_rows import look_up
from shared.api.app import create_app
from shared.clock import Clock, SystemClock
from shared.db.engine import Database
from shared.db.roles import service_url
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
from shared.telemetry import Telemetry, configure_logging, get_logger

SERVICE: Final = "roi"
DOES: Final = (
    "Keeps creators, campaigns, placements, links, codes, policies and costs, and"
    " answers what they returned."
)
# Ten requests at once keep two cores busy; the relay takes two, the fold and the rebuild one each besides.
POOL_SIZE: Final = 13
RETRY_SECONDS: Final = 0.5
LOOK_EVERY_SECONDS: Final = 1.0
# A little more than the loop gives its batch to end.
STOP_SECONDS: Final = 11.0
# Objects made and kept between two searches for cycles (some megabytes at worst), and searches of one generation before the next.
COLLECT_OBJECTS: Final = 50_000
COLLECT_ROUNDS: Final = 50
GROUP: Final = "laurel-roi"

ROUTERS: Final = (
    workspace.router,
    creators.router,
    campaigns.router,
    placements.router,
    links.router,
    codes.router,
    policies.router,
    connections.router,
    keys.router,
    costs.router,
    roi.router,
    metrics.router,
)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """What roi works on: a test brings its own."""

    database: Database
    log: EventLog
    clock: Clock


@asynccontextmanager
async def running_roi(settings: RoiSettings, outside: Outside) -> AsyncIterator[FastAPI]:
    """roi at work while the block runs: parts open, loops running; gives the app to serve. A loop that fails ends the block."""
    health = Health("database", "catalog", "credits")
    telemetry = Telemetry(SERVICE)
    relay = CatalogRelay(
        outside.database, outside.log, outside.clock, telemetry, _reporter(health, "catalog")
    )
    rebuild = RollupRebuild(outside.database, outside.clock)
    proofreader = Proofreader(outside.database, outside.log, outside.clock, relay.wake)
    watch = _Watch(outside, health)
    fold = CreditsFold(outside.database, telemetry, watch.hear_gaps)
    watch.loop = ConsumerLoop(outside.log, CREDITS, GROUP, fold, outside.clock)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        await outside.database.open()
        stack.push_async_callback(outside.database.close)
        await outside.log.open()
        stack.push_async_callback(outside.log.close)
        async with asyncio.TaskGroup() as tasks:
            folding = tasks.create_task(_fold(settings, outside, watch, proofreader, stop))
            beside = [tasks.create_task(work) for work in (relay.run(), watch.run(), rebuild.run())]
            yield build_app(settings, outside, health, telemetry, relay.wake)
            stop.set()
            await asyncio.wait((folding,), timeout=STOP_SECONDS)
            for task in (folding, *beside):
                task.cancel()


async def serve_roi(settings: RoiSettings) -> None:
    """Serve until a signal comes."""
    configure_logging(SERVICE)
    async with running_roi(settings, outside_of(settings)) as app:
        # What a start has made, some 130,000 objects, stays for good. An answer of a hundred rows makes some two thousand that live
        # until its end and hold no cycles: at the usual 700 objects every hundredth answer waited 50 to 100 ms for a walk through all.
        gc.freeze()
        gc.set_threshold(COLLECT_OBJECTS, COLLECT_ROUNDS, COLLECT_ROUNDS)
        await serve(app, settings.host, settings.port)


def outside_of(settings: RoiSettings) -> Outside:
    """What the settings name, not opened yet."""
    clock = SystemClock()
    url = service_url(settings.require_database_url(), SERVICE, settings.require_secret_key())
    database = Database(url, application_name="laurel-roi", pool_size=POOL_SIZE)
    return Outside(database, _log_of(settings, url, clock), clock)


def build_app(
    settings: RoiSettings,
    outside: Outside,
    health: Health,
    telemetry: Telemetry,
    wake_relay: Callable[[], None],
) -> FastAPI:
    """The HTTP side."""

    async def lookup(sha256: bytes) -> Principal | None:
        return await look_up(outside.database, sha256)

    app = create_app(service=SERVICE, does=DOES, lifespan=None, health=health, telemetry=telemetry)
    app.state.parts = Parts(
        database=outside.database,
        clock=outside.clock,
        sealer=Sealer(settings.require_secret_key()),
        short_base=settings.short_base,
        lookup=lookup,
        wake_relay=wake_relay,
    )
    for router in ROUTERS:
        app.include_router(router)
    return app


def _log_of(settings: RoiSettings, url: str, clock: Clock) -> EventLog:
    if settings.kafka_servers:
        return KafkaLog(",".join(settings.kafka_servers), clock, client_id="laurel-roi")
    return PostgresLog(url, clock, application_name="laurel-roi-log")


def _reporter(health: Health, part: str) -> Callable[[str | None], None]:
    """How one part says what keeps it from working; None: nothing."""

    def report(trouble: str | None) -> None:
        health.set(part, trouble is None, trouble or "")

    return report


async def _fold(
    settings: RoiSettings,
    outside: Outside,
    watch: "_Watch",
    proofreader: Proofreader,
    stop: asyncio.Event,
) -> None:
    """The fold, once topics and the first key are there, with a watchdog and the catalog's proofreader beside it."""
    await _prepare(settings, outside)
    watch.is_prepared = True
    watch.tell_of_the_fold()
    loop = watch.loop
    assert loop is not None, "the composition root gave the watch its loop"
    async with asyncio.TaskGroup() as tasks:
        dog = tasks.create_task(
            progress_or_die(outside.log, loop, watch.database_answers, outside.clock)
        )
        proof = tasks.create_task(proofreader.run())
        await loop.run(stop)
        dog.cancel()
        proof.cancel()


async def _prepare(settings: RoiSettings, outside: Outside) -> None:
    """What a first start needs, tried until the database and the log answer."""
    while True:
        try:
            if settings.admin_key is not None:
                key = settings.admin_key.get_secret_value()
                await ensure_admin_key(outside.database, outside.clock, key)
            await outside.log.ensure_topics((CATALOG, CREDITS))
            return
        except Transient as problem:
            logger.warning("start_waits", problem=str(problem))
            await outside.clock.sleep(RETRY_SECONDS)


class _Watch:
    """Looks every second at the database and at the fold, and tells health."""

    def __init__(self, outside: Outside, health: Health) -> None:
        self.loop: ConsumerLoop | None = None
        self.is_prepared = False
        self._outside = outside
        self._database = _reporter(health, "database")
        self._credits = _reporter(health, "credits")
        self._gaps: Gaps = {}

    def hear_gaps(self, gaps: Gaps) -> None:
        """Which workspaces miss which sequence, as the fold reports it."""
        self._gaps = gaps

    async def database_answers(self) -> bool:
        """Whether the database answers now."""
        try:
            await self._outside.database.ping()
        except Transient as problem:
            self._database(str(problem))
            return False
        self._database(None)
        return True

    def tell_of_the_fold(self) -> None:
        """Tell health how the fold is."""
        self._credits(self._fold_trouble())

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.database_answers()
            self.tell_of_the_fold()
            await self._outside.clock.sleep(LOOK_EVERY_SECONDS)

    def _fold_trouble(self) -> str | None:
        if self._gaps:
            missing = ", ".join(f"{name} misses {number}" for name, number in self._gaps.items())
            return f"credits missing: {missing}"
        if self.loop is None or not self.is_prepared:
            return "starting"
        return self.loop.progress.last_failure if self.loop.progress.failures else None
