"""Composition root of tracking: choose the log, build the parts, run them around the HTTP server.

Promise: while the log is unreachable, the process starts from the snapshot and redirects. A bug in
a background task ends the process; the next process adopts its journal. One process runs one event
loop. There is no `workers` setting, because workers would share no state: start more processes.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.tracking import routes
from services.tracking.pipeline.accept_events import Intake, MemoryLookups
from services.tracking.pipeline.record_clicks import ClickRecorder
from services.tracking.relay import Relay
from services.tracking.routes.parts import Parts
from services.tracking.routes.redirect import RedirectResponder, redirect_router
from services.tracking.routes.redirect_protocol import redirect_protocol
from services.tracking.settings import TrackingSettings
from services.tracking.store.catalog_memory import Catalog
from services.tracking.store.journal import Journal
from services.tracking.store.quotas import TESTS_A_MINUTE, Counted, Quotas
from services.tracking.store.saved_catalog import SavedCatalog
from services.tracking.store.user_agents import Agents
from services.tracking.store.vendors import find_adapters
from shared.api.app import create_app
from shared.api.routers import routers_in
from shared.clock import Clock, SystemClock
from shared.db.roles import own_log_in
from shared.errors import LaurelError
from shared.http.health import Health
from shared.http.middleware import IN_FLIGHT_MAX
from shared.http.server import serve
from shared.ids import ClickSigner
from shared.log.follow import Follower
from shared.log.kafka import KafkaLog
from shared.log.port import EventLog
from shared.log.postgres import PostgresLog
from shared.log.topics import ALL, CATALOG
from shared.sealing import Sealer
from shared.telemetry import Metric, Telemetry, configure_logging, get_logger

SERVICE: Final = "tracking"
DOES: Final = (
    "Redirects short links, takes conversions, events and webhooks, and writes each"
    " one to the log as an event."
)
# 500 events of 2 KiB. An order with hundreds of line items is smaller.
BODY_BYTES_MAX: Final = 1024 * 1024
MAINTENANCE_SECONDS: Final = 1.0
# The journal of a dead process that is not restarted is adopted after at most half a minute.
ROUNDS_BETWEEN_ADOPTIONS: Final = 30
CONNECT_SECONDS: Final = 2.0
# Thresholds of the garbage collector: new objects before a search of the youngest generation (some
# megabytes at most), and searches of one generation before one of the next.
COLLECT_OBJECTS: Final = 20_000
COLLECT_ROUNDS: Final = 20
# A stop relays the rest of the journal for at most this long. The next process relays what is left.
LAST_DRAIN_SECONDS: Final = 2.0

_log = get_logger(__name__)


class Tracking:
    """One tracking process.

    While `running` is entered, a uvicorn server can serve `app` with the protocol class `http`.
    """

    def __init__(
        self,
        settings: TrackingSettings,
        log: EventLog,
        clock: Clock,
        *,
        in_flight_max: int = IN_FLIGHT_MAX,
    ) -> None:
        sealer = Sealer(settings.require_secret_key())
        signer = ClickSigner(sealer.click_key())
        agents = Agents()
        self.telemetry = Telemetry(SERVICE)
        self.health = Health("catalog", "journal")
        self.catalog = Catalog(sealer)
        self.journal = Journal(
            settings.journal_dir, clock, self.telemetry, bytes_max=settings.journal_bytes
        )
        self._settings = settings
        self._log = log
        self._clock = clock
        self._relay = Relay(self.journal, log, clock, self.telemetry)
        self._recorder = ClickRecorder(
            self.catalog, self.journal, signer, agents, clock, sealer.text_hasher()
        )
        lookups = MemoryLookups(self.catalog, signer, sealer, agents)
        limits = {
            Counted.EVENTS: settings.events_a_minute,
            Counted.CLAIMS: settings.claims_a_minute,
            Counted.UNKNOWN_CODES: settings.unknown_codes_a_minute,
            Counted.TESTS: TESTS_A_MINUTE,
        }
        quotas = Quotas(limits, clock, self.telemetry)
        self._intake = Intake(self.catalog, self.journal, lookups, quotas, clock, self.telemetry)
        self.redirects = RedirectResponder(self._recorder, quotas, secure=settings.is_https)
        self.app = self._make_app(in_flight_max)
        # The protocol class: with the redirect shortcut, or uvicorn's own.
        self.http: type[HttpToolsProtocol] = HttpToolsProtocol
        if settings.redirect_shortcut:
            self.http = redirect_protocol(self.redirects.respond)
        self._follower = Follower(log, CATALOG, self.catalog.receive, clock)
        self._saved = SavedCatalog(self.catalog, settings.snapshot_file, clock)

    def _make_app(self, in_flight_max: int) -> FastAPI:
        app = create_app(
            service=SERVICE,
            does=DOES,
            lifespan=None,
            health=self.health,
            telemetry=self.telemetry,
            body_bytes_max=BODY_BYTES_MAX,
            in_flight_max=in_flight_max,
            routers=routers_in(routes.__name__, Parts(self._intake, find_adapters())),
        )
        # Last, because it matches every path of one segment.
        app.include_router(redirect_router(self.redirects))
        return app

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run everything except the HTTP server while the block runs."""
        await self._load_snapshot()
        await self.journal.open()
        self._update_state()
        try:
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(part)
                    for part in (
                        self._use_log(),
                        self._maintain(),
                        self._save_catalog(),
                        self.journal.reopen(),
                    )
                ]
                try:
                    yield
                finally:
                    for task in background:
                        task.cancel()
        finally:
            await self._stop()

    async def _load_snapshot(self) -> None:
        positions = await self._saved.load()
        if positions is not None:
            self._follower.positions.update(positions)
            self.catalog.is_loaded = True

    async def _use_log(self) -> None:
        """Connect, then follow the catalog and relay the journal until cancelled."""
        while not await self._connect():
            await self._clock.sleep(CONNECT_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follower.run())
            tasks.create_task(self._relay.run())

    async def _connect(self) -> bool:
        try:
            await self._log.open()
            await self._log.ensure_topics(ALL)
        except LaurelError as error:
            _log.warning("log_unreachable", reason=str(error))
            return False
        return True

    async def _maintain(self) -> None:
        while True:
            for _ in range(ROUNDS_BETWEEN_ADOPTIONS):
                self._update_state()
                await self.journal.rotate()
                await self._clock.sleep(MAINTENANCE_SECONDS)
            await self.journal.adopt_orphans()

    def _update_state(self) -> None:
        """Update the health checks and the metrics that are not counted per request."""
        if self._follower.caught_up.is_set():
            self.catalog.is_loaded = self.catalog.is_complete = True
        self.health.set("catalog", self.catalog.is_loaded, "not read from the log yet")
        self.health.set("journal", not self.journal.trouble, self.journal.trouble)
        self._recorder.counts.report(self.telemetry)
        self.telemetry.set(Metric.JOURNAL_BYTES, self.journal.bytes_waiting)
        self.telemetry.set(Metric.JOURNAL_RECORDS, self.journal.records_waiting)

    async def _save_catalog(self) -> None:
        await self._follower.caught_up.wait()
        self._update_state()
        await self._saved.run(self._follower.positions)

    async def _stop(self) -> None:
        """Relay for at most `LAST_DRAIN_SECONDS`, save the catalog, close everything."""
        try:
            async with asyncio.timeout(LAST_DRAIN_SECONDS):
                await self._relay.drain()
        except TimeoutError:
            _log.warning("journal_not_drained", bytes=self.journal.bytes_waiting)
        if self.catalog.is_loaded:
            await self._saved.save_image(self._follower.positions)
        self._saved.close()
        await self.journal.close()
        self._recorder.counts.report(self.telemetry)
        await self._log.close()


def choose_log(settings: TrackingSettings, clock: Clock) -> EventLog:
    """Return the log adapter that the settings name: Kafka if it has servers, else PostgreSQL."""
    if settings.kafka_servers:
        servers, login = ",".join(settings.kafka_servers), settings.kafka_login
        return KafkaLog(servers, clock, client_id="laurel-tracking", login=login)
    secret_key = settings.require_secret_key()
    url = own_log_in(settings.require_database_url(), SERVICE, secret_key)
    return PostgresLog(url, clock, application_name="laurel-tracking-log")


async def serve_tracking(settings: TrackingSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_logging(SERVICE)
    clock = SystemClock()
    tracking = Tracking(settings, choose_log(settings, clock), clock)
    async with tracking.running():
        # The objects of the start live until the end, so the collector skips them. A request leaves
        # one or two cycles; with Python's default of 700 objects, every tenth request would wait
        # for a search.
        gc.freeze()
        gc.set_threshold(COLLECT_OBJECTS, COLLECT_ROUNDS, COLLECT_ROUNDS)
        await serve(tracking.app, settings.host, settings.port, tracking.http)
