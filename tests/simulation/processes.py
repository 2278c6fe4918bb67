"""The simulated processes, each a set of actors: tracking's relays, a publisher, attribution, roi.

Promise: attribution and roi use the services' own handlers, worker, relay and consumer loop,
connected as in their `app` modules. Tracking and the publisher of the catalog are replaced by a
publisher that keeps the promises of their relays: it appends in order, repeats after `Transient`,
and forgets a record only after the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from typing_extensions import override

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.catalog_consumer import CatalogHandler
from services.attribution.pipeline.event_consumer import EventsHandler
from services.attribution.pipeline.recompute import Recomputer
from services.attribution.relay import Relay
from services.roi.pipeline.fold import CreditsFold, Stops
from shared.clock import ManualClock
from shared.db.engine import Database
from shared.errors import Transient
from shared.log.loop import ConsumerLoop
from shared.log.memory import MemoryBroker
from shared.log.port import Record
from shared.log.topics import CATALOG, CREDITS, EVENTS, Topic
from shared.telemetry import Telemetry
from tests.simulation.actor import Actor
from tests.simulation.pausable import (
    FaultPlan,
    InFlight,
    PausableDatabase,
    PausableLog,
    ProcessClock,
)

EVENTS_GROUP = "attribution.events"
CATALOG_GROUP = "attribution.catalog"
CREDITS_GROUP = "roi.credits"


@dataclass
class World:
    """The objects that all processes share."""

    broker: MemoryBroker
    clock: ManualClock
    attribution: Database
    roi: Database
    workspaces: Sequence[str]
    faults: FaultPlan
    telemetry: Mapping[str, Telemetry]
    waited_for: Callable[[], Awaitable[str | None]]
    in_flight: InFlight = field(default_factory=InFlight)
    skew: dict[str, timedelta] = field(default_factory=dict)


class Process:
    """A process that can be started, frozen and killed.

    `asleep_until` and `down_until` are step numbers of the scheduler. `weight` is how often its
    actors run compared with others.
    """

    weight = 2

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.actors: list[Actor] = []
        self.logs: list[PausableLog] = []
        self.asleep_until = 0
        self.down_until = 0
        world.skew[name] = timedelta(0)

    async def start(self) -> None:
        """Start with durable state only."""
        self.actors, self.logs = [], []
        await self.begin()

    async def begin(self) -> None:
        """Build the parts and start their actors."""
        raise AssertionError("a subclass builds its parts")

    async def kill(self) -> None:
        """Kill all actors at their pause points."""
        for actor in self.actors:
            actor.is_dead = True
        # Blocked actors come last: another actor of this process may hold their lock.
        for actor in sorted(self.actors, key=lambda actor: actor.is_blocked):
            await actor.kill()

    def actor(self, part: str) -> Actor:
        """Return a new actor of this process."""
        actor = Actor(f"{self.name}.{part}")
        self.actors.append(actor)
        return actor

    def clock_of(self, actor: Actor) -> ProcessClock:
        """Return the clock of this process for an actor."""
        return ProcessClock(self.world.clock, actor, self.world.skew, self.name)

    def log_of(self, actor: Actor) -> PausableLog:
        """Return a log handle of this process for an actor."""
        log = PausableLog(self.world.broker, actor, self.world.faults, self.world.in_flight)
        self.logs.append(log)
        return log


class Publisher(Process):
    """Append a durable list of records to a topic.

    `sent` is the number of records that the log has confirmed; it survives a restart.
    """

    weight = 1

    def __init__(self, name: str, world: World, topic: Topic, records: Sequence[Record]) -> None:
        super().__init__(name, world)
        self.topic = topic
        self.records = records
        self.sent = 0

    @property
    def is_done(self) -> bool:
        """Whether the log has confirmed all records."""
        return self.sent == len(self.records)

    @override
    async def begin(self) -> None:
        actor = self.actor("relay")
        await actor.start(self._run(actor, self.log_of(actor)))

    async def _run(self, actor: Actor, log: PausableLog) -> None:
        while True:
            await actor.pause("rest")
            size = self.world.faults.publish_size(self.topic)
            batch = self.records[self.sent : self.sent + size]
            if batch:
                try:
                    await log.append(self.topic, batch)
                except Transient:
                    continue
                self.sent += len(batch)


class AttributionProcess(Process):
    """Two consumer loops, the recompute worker and the relay, with one shared cache."""

    @override
    async def begin(self) -> None:
        world, telemetry, cache = self.world, self.world.telemetry["attribution"], FactsCache()
        relaying, working = self.actor("relay"), self.actor("worker")
        reading, learning = self.actor("events"), self.actor("catalog")
        relay = Relay(
            PausableDatabase(world.attribution, relaying, world.faults),
            self.log_of(relaying),
            self.clock_of(relaying),
            telemetry,
        )
        worker = Recomputer(
            PausableDatabase(world.attribution, working, world.faults),
            cache,
            self.clock_of(working),
            relay.call,
        )
        events = EventsHandler(
            PausableDatabase(world.attribution, reading, world.faults),
            cache,
            self.clock_of(reading),
            telemetry,
            relay.call,
        )

        def wake(workspaces: Sequence[str]) -> None:
            worker.call(workspaces)
            relay.call(workspaces)

        catalog = CatalogHandler(
            PausableDatabase(world.attribution, learning, world.faults),
            cache,
            self.clock_of(learning),
            telemetry,
            wake,
        )
        await relaying.start(_relaying(relaying, relay))
        await working.start(_working(working, worker))
        await reading.start(self._consume(reading, EVENTS, EVENTS_GROUP, events))
        await learning.start(self._consume(learning, CATALOG, CATALOG_GROUP, catalog))

    async def _consume(
        self, actor: Actor, topic: Topic, group: str, handler: EventsHandler | CatalogHandler
    ) -> None:
        loop = ConsumerLoop(self.log_of(actor), topic, group, handler, self.clock_of(actor))
        await loop.run(asyncio.Event())


class RoiProcess(Process):
    """The consumer of credits."""

    @override
    async def begin(self) -> None:
        actor = self.actor("fold")
        database = PausableDatabase(self.world.roi, actor, self.world.faults)
        fold = CreditsFold(database, self.world.telemetry["roi"], _ignore_stops)
        loop = ConsumerLoop(self.log_of(actor), CREDITS, CREDITS_GROUP, fold, self.clock_of(actor))
        await actor.start(loop.run(asyncio.Event()))


async def _relaying(actor: Actor, relay: Relay) -> None:
    """`Relay.run` with pause points instead of waits: sweeps, and drains in between."""
    await relay.sweep()
    await _again_and_again(actor, relay.drain, relay.sweep)


async def _working(actor: Actor, worker: Recomputer) -> None:
    """`Recomputer.run` with pause points instead of waits."""
    await worker.sweep()
    await _again_and_again(actor, worker.drain, worker.sweep)


# A sweep handles what a killed process left. It is rare, but a seed has several.
_ROUNDS_PER_SWEEP = 60
# A relay that finds another one at work waits for so many rounds.
_ROUNDS_PER_WAIT = 4


async def _again_and_again(
    actor: Actor, drain: Callable[[], Awaitable[object]], sweep: Callable[[], Awaitable[None]]
) -> None:
    round_number, ready = 0, 0
    while True:
        await actor.pause("rest")
        round_number += 1
        try:
            if round_number % _ROUNDS_PER_SWEEP == 0:
                await sweep()
            if round_number >= ready and await drain() is False:
                ready = round_number + _ROUNDS_PER_WAIT
        except Transient:
            continue


def _ignore_stops(stops: Stops) -> None:
    """The judge reads stops from the database."""
