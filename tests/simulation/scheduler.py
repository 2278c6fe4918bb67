"""The scheduler: by the seed alone it chooses the next actor and the next fault.

Promise: the same seed gives the same steps. At the end all faults stop, all processes run, and
every record is processed within a number of rounds; otherwise the seed fails.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Final, Protocol

from shared.errors import Transient
from shared.log.memory import MemoryLog
from shared.log.topics import CATALOG, CREDITS, EVENTS
from tests.simulation.actor import Actor
from tests.simulation.fault_plan import SeedFaultPlan
from tests.simulation.pausable import PausableReader
from tests.simulation.processes import (
    CATALOG_GROUP,
    CREDITS_GROUP,
    EVENTS_GROUP,
    AttributionProcess,
    Process,
    Publisher,
    RoiProcess,
    World,
)

# Most of a history is processed in so many steps, before the calm phase.
STEPS_MAX: Final = 900
FAULT_ODDS: Final = 0.06
# Six steps of every actor a round: ten sweeps of what killed processes left.
CALM_ROUNDS_MAX: Final = 100
CLOCK_JUMP_SECONDS: Final = 300
GROUPS: Final = ((EVENTS, EVENTS_GROUP), (CATALOG, CATALOG_GROUP), (CREDITS, CREDITS_GROUP))


class AfterCommit(Protocol):
    """The check after committed transactions."""

    async def __call__(self, *, is_ledger_moved: bool) -> None:
        """Check everything that must hold now."""
        ...


class Scheduler:
    """The run of one seed."""

    def __init__(
        self, random: Random, world: World, processes: list[Process], faults: SeedFaultPlan
    ) -> None:
        # How often each thing happened, for the report.
        self.counts: Counter[str] = Counter()
        self.trace: list[str] = []
        self._random = random
        self._world = world
        self._processes = processes
        self._faults = faults
        self._log_is_away_until = 0
        self._expiring: list[PausableReader] = []
        self._blocked: Actor | None = None
        self._troubles: tuple[tuple[str, Callable[[], Awaitable[bool]]], ...] = (
            ("crash", self._crash),
            ("doom", self._doom),
            ("freeze", self._freeze),
            ("rebalance", self._rebalance),
            ("jump", self._jump),
            ("database", self._database_trouble),
            ("away", self._log_goes_away),
            ("expire", self._expire_one),
            ("arrive", self._deliver_one),
            ("compact", self._compact),
        )

    async def play(self, after_commit: AfterCommit) -> None:
        """Run with faults, then start the calm phase."""
        for process in self._processes:
            await process.start()
        while self.counts["steps"] < STEPS_MAX and not self._has_published_all():
            await self._run_step(after_commit)
        await self._make_calm(after_commit)

    def _has_published_all(self) -> bool:
        """Return, some steps late, whether all publishers are done."""
        done = all(p.is_done for p in self._processes if isinstance(p, Publisher))
        return done and self._random.random() < 0.01

    async def _run_step(self, after_commit: AfterCommit) -> None:
        self.counts["steps"] += 1
        self._world.clock.advance(self._random.randrange(0, 20_000) / 1_000)
        await self._end_faults()
        if self._random.random() < FAULT_ODDS:
            name, trouble = self._random.choice(self._troubles)
            self._note(f"! {name}")
            self.counts[name] += await trouble()
        else:
            actor = self._random.choice(self._runnable())
            await self._step(actor)
        await self._check_all(after_commit)

    async def _step(self, actor: Actor, error: BaseException | None = None) -> None:
        before = actor.where
        if self._faults.holder is not None and before == "begin" and error is None:
            await self._step_beside(self._faults.holder, actor)
            return
        releases = self._faults.release(actor)
        await actor.step(error)
        self._note_step(actor, before, error)
        if releases:
            self.counts["parked"] += 1
            await self._settle_blocked()

    async def _step_beside(self, holder: Actor, actor: Actor) -> None:
        """Begin a transaction while another one is open and holds locks.

        If both need the same lock, the actor must wait for the advisory lock. A row lock would
        come too late, after it has read old rows.
        """
        waited_for = await actor.step_beside(self._world.waited_for)
        if actor.is_blocked:
            self._blocked = actor
            self.counts["blocked"] += 1
            self._note(f"{actor.name} waits for {holder.name}")
        else:
            self.counts["passed beside"] += 1
            self._note_step(actor, "begin")
        if actor.locks & holder.locks:
            assert waited_for == "advisory", f"{actor.name} writes beside {holder.name}"

    def _note_step(self, actor: Actor, before: str, error: BaseException | None = None) -> None:
        self._note(f"{actor.name} {before} -> {actor.where}{' ' + str(error) if error else ''}")

    async def _settle_blocked(self) -> None:
        """Let the actor that waited for the released locks run to its next pause point."""
        actor, self._blocked = self._blocked, None
        if actor is not None:
            await actor.settle()
            self._note(f"{actor.name} has waited -> {actor.where}")

    async def _end_hold(self) -> None:
        if self._faults.holder is not None:
            await self._step(self._faults.holder)

    async def _check_all(self, after_commit: AfterCommit) -> None:
        committed: set[type[Process]] = set()
        for process in self._processes:
            has_ended = False
            for actor in process.actors:
                if actor.is_done:
                    actor.raise_bug()
                    has_ended = True
                if actor.has_committed:
                    committed.add(type(process))
                    actor.has_committed = False
            if has_ended and process.down_until == 0:
                await self._kill(process)
        if committed:
            self.counts["commits"] += 1
            await after_commit(is_ledger_moved=AttributionProcess in committed)

    def _runnable(self) -> list[Actor]:
        """Return the actors that may run now, once for each unit of their weight."""
        runnable: list[Actor] = []
        for process in self._processes:
            if process.down_until == 0 and process.asleep_until == 0:
                runnable += process.actors * process.weight
        return self._contended(runnable) if self._faults.holder is not None else runnable

    def _contended(self, runnable: list[Actor]) -> list[Actor]:
        """Return the actors with weights for the time in which one actor holds locks.

        Actors that want locks come more often. While one waits for them, no other actor may ask
        for locks, because Postgres would choose the next one; the holder then comes more often.
        """
        if self._blocked is None:
            return runnable + [actor for actor in runnable if actor.where == "begin"] * 4
        assert self._faults.holder is not None, "a blocked actor waits for a holder"
        return [*(a for a in runnable if a.where != "begin"), *[self._faults.holder] * 8]

    def _note(self, line: str) -> None:
        self.trace.append(f"{self.counts['steps']} {line}")

    # -- faults ---------------------------------------------------------------------------

    def _living(self, *kinds: type[Process]) -> list[Process]:
        return [
            process
            for process in self._processes
            if isinstance(process, kinds or (Process,))
            and process.down_until == 0
            and process.asleep_until == 0
        ]

    def _any_living(self, *kinds: type[Process]) -> Process | None:
        living = self._living(*kinds)
        # At least one other process must stay runnable.
        return self._random.choice(living) if living and len(self._living()) > 2 else None

    async def _crash(self) -> bool:
        process = self._any_living()
        if process is not None:
            await self._kill(process)
        return process is not None

    async def _kill(self, process: Process) -> None:
        if any(actor.is_blocked for actor in process.actors):
            # Its statement waits in the server and ends before the server sees the lost client.
            await self._end_hold()
        self._note(f"{process.name} is killed")
        self.counts["deaths"] += 1
        for where in ("committed", "written", "appended"):
            self.counts[f"deaths {where}"] += any(a.where == where for a in process.actors)
        releases = any(self._faults.release(actor) for actor in process.actors)
        await process.kill()
        if releases:
            await self._settle_blocked()
        self._expiring += [reader for log in process.logs for reader in log.readers]
        process.asleep_until = 0
        process.down_until = self.counts["steps"] + self._random.randrange(1, 40)

    async def _doom(self) -> bool:
        """Kill an actor just before the commit of its next transaction."""
        process = self._any_living(AttributionProcess, RoiProcess)
        if process is not None:
            self._random.choice(process.actors).is_doomed = True
        return process is not None

    async def _freeze(self) -> bool:
        """Freeze a process; often its group removes it meanwhile, so that it resumes as a zombie.

        An actor with locks is not frozen: Postgres would end its transaction by real time
        (`idle_in_transaction_session_timeout`), which a seed does not control.
        """
        process = self._any_living()
        if process is None or any(a.is_blocked or a is self._faults.holder for a in process.actors):
            return False
        process.asleep_until = self.counts["steps"] + self._random.randrange(5, 60)
        if self._random.random() < 0.7:
            for reader in (reader for log in process.logs for reader in log.readers):
                if reader.group is not None and reader.is_member:
                    self._world.broker.leave(reader.topic, reader.group, reader.inner)
                    self.counts["thrown out"] += 1
        return True

    async def _rebalance(self) -> bool:
        topic, group = self._random.choice(GROUPS)
        self._world.broker.rebalance(topic, group)
        return True

    async def _jump(self) -> bool:
        name = self._random.choice(self._processes).name
        seconds = self._random.randrange(-CLOCK_JUMP_SECONDS, CLOCK_JUMP_SECONDS + 1)
        self._world.skew[name] = timedelta(seconds=seconds)
        return True

    async def _database_trouble(self) -> bool:
        """Lose a connection at begin, at commit, or before the answer to a commit."""
        held = [a for a in self._runnable() if a.where in ("begin", "written", "committed")]
        if held:
            actor = self._random.choice(held)
            self.counts[f"database lost at {actor.where}"] += 1
            await self._step(actor, Transient("database: the connection is lost"))
        return bool(held)

    async def _log_goes_away(self) -> bool:
        self._log_is_away_until = self.counts["steps"] + self._random.randrange(3, 30)
        self._world.broker.go_away()
        return True

    async def _expire_one(self) -> bool:
        if not self._expiring:
            return False
        await self._expiring.pop(self._random.randrange(len(self._expiring))).expire()
        return True

    async def _deliver_one(self) -> bool:
        late = self._world.in_flight
        if not late.appends or self._log_is_away_until:
            return False
        place = self._random.randrange(len(late.appends))
        await late.deliver(MemoryLog(self._world.broker), place)
        return True

    async def _compact(self) -> bool:
        """Compact the catalog if no older record follows a newer one, as its relay promises."""
        if self._faults.may_compact:
            self._world.broker.compact(CATALOG)
        return self._faults.may_compact

    # -- ends of faults -------------------------------------------------------------------

    async def _end_faults(self) -> None:
        now = self.counts["steps"]
        if 0 < self._log_is_away_until <= now:
            self._log_is_away_until = 0
            self._world.broker.come_back()
        for process in self._processes:
            if 0 < process.asleep_until <= now:
                self._thaw(process)
            if 0 < process.down_until <= now:
                process.down_until = 0
                self._note(f"{process.name} starts")
                await process.start()

    def _thaw(self, process: Process) -> None:
        process.asleep_until = 0
        self._note(f"{process.name} thaws")
        for reader in (reader for log in process.logs for reader in log.readers):
            if reader.group is not None and reader.is_member:
                # A removed reader joins again; for the others it is one more rebalance.
                self._world.broker.leave(reader.topic, reader.group, reader.inner)
                self._world.broker.join(reader.topic, reader.group, reader.inner)

    async def _make_calm(self, after_commit: AfterCommit) -> None:
        self._note("calm")
        self._faults.is_calm = True
        await self._end_hold()
        await self._check_all(after_commit)
        self._world.broker.come_back()
        while self._world.in_flight.appends:
            await self._world.in_flight.deliver(MemoryLog(self._world.broker), 0)
        for reader in self._expiring:
            await reader.expire()
        for process in self._processes:
            if process.asleep_until:
                self._thaw(process)
            for actor in process.actors:
                actor.is_doomed = False
            if process.down_until:
                process.down_until = 0
                await process.start()

    async def come_to_rest(
        self,
        is_at_rest: Callable[[], Awaitable[bool]],
        after_commit: AfterCommit,
    ) -> None:
        """Step all actors in order until `is_at_rest`. Fails after `CALM_ROUNDS_MAX` rounds."""
        for _ in range(CALM_ROUNDS_MAX):
            for _ in range(6):
                for process in self._processes:
                    for actor in process.actors:
                        self.counts["steps"] += 1
                        await self._step(actor)
                self._world.clock.advance(1.0)
                await self._check_all(after_commit)
            if await is_at_rest():
                return
        raise AssertionError(f"not at rest after {CALM_ROUNDS_MAX} rounds:\n{self._pause_points()}")

    def _pause_points(self) -> str:
        return "\n".join(f"{a.name} at {a.where}" for p in self._processes for a in p.actors)

    async def close(self) -> None:
        """Kill every process; those that wait for locks come last."""
        for process in sorted(self._processes, key=lambda p: any(a.is_blocked for a in p.actors)):
            await process.kill()
