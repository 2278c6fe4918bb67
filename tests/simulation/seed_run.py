"""Run one seed: build its world, run its processes, judge the result, dump it if asked."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random

from shared.clock import ManualClock
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.topics import ALL, CATALOG, EVENTS
from shared.telemetry import Telemetry
from tests.simulation.fault_plan import SeedFaultPlan
from tests.simulation.history import History, write_history
from tests.simulation.judge import Judge
from tests.simulation.processes import AttributionProcess, Process, Publisher, RoiProcess, World
from tests.simulation.scheduler import Scheduler
from tests.simulation.seed_databases import STARTS_AT, WORKSPACES, Databases

# A seed takes one or two seconds, on a busy machine a few more.
SECONDS_MAX = 240.0
TELEMETRY = {name: Telemetry(name) for name in ("attribution", "roi")}


class SeedFailed(AssertionError):
    """A seed failed. The message has the replay command; `dump` is the state that it left."""

    def __init__(self, message: str, dump: str) -> None:
        super().__init__(message)
        self.dump = dump


@dataclass
class Outcome:
    """The result of a seed: how often each thing happened, and the dump."""

    counts: Counter[str]
    dump: str


async def run_seed(databases: Databases, seed: int, *, wants_dump: bool = False) -> Outcome:
    """Run one seed. Raises `SeedFailed`."""
    await databases.clear()
    random = Random(seed)
    workspaces = sorted(random.sample(WORKSPACES, random.choice((1, 2, 3))))
    history = write_history(random, workspaces, journals=2)
    faults = SeedFaultPlan(random)
    if history.is_ordered:
        faults.may_be_late -= {CATALOG.name}
        faults.may_compact = True
    clock = ManualClock(STARTS_AT)
    broker = MemoryBroker(clock)
    await MemoryLog(broker).ensure_topics(ALL)
    world = World(
        broker,
        clock,
        databases.attribution,
        databases.roi,
        workspaces,
        faults,
        TELEMETRY,
        databases.waited_for,
    )
    scheduler = Scheduler(random, world, _processes(random, world, history), faults)
    judge = Judge(databases.owner, broker, workspaces, history.catalog, frozenset(history.unusable))
    try:
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await scheduler.play(judge.after_commit)
                await scheduler.come_to_rest(judge.is_at_rest, judge.after_commit)
        finally:
            await scheduler.close()
        await judge.at_the_end()
    except (Exception, BaseExceptionGroup) as error:
        tail = "\n".join(scheduler.trace[-30:])
        raise SeedFailed(
            f"seed {seed}: {str(error) or repr(error)}\n{tail}\n"
            f"replay: python -m tests.simulation --seed {seed}",
            await judge.dump(scheduler.trace) if wants_dump else "",
        ) from error
    dump = await judge.dump(scheduler.trace) if wants_dump else ""
    return Outcome(scheduler.counts + faults.appends + history.counts + judge.seen, dump)


def _processes(random: Random, world: World, history: History) -> list[Process]:
    """Return 2 tracking processes, the publisher of the catalog, 2-3 attributions, 1-2 rois."""
    processes: list[Process] = [
        Publisher(f"tracking-{number}", world, EVENTS, records)
        for number, records in enumerate(history.deliveries)
    ]
    processes.append(Publisher("catalog", world, CATALOG, history.catalog))
    processes += [
        AttributionProcess(f"attribution-{n}", world) for n in range(random.choice((2, 3)))
    ]
    processes += [RoiProcess(f"roi-{n}", world) for n in range(random.choice((1, 2)))]
    return processes
