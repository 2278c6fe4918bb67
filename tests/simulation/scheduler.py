"""The stage: picks, by the seed alone, which actor moves next and what goes wrong, then lets everything come to rest.

Promise: same seed, same steps. While the play runs anything may happen; in the end the log is well, nobody is frozen, all processes
live, and every record is worked off within a bound of rounds, or the seed has failed.
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

# As many steps as let most of a history through before the calm.
STEPS_MAX: Final = 900
TROUBLE_ODDS: Final = 0.06
# Every actor moves six times a round: time for ten sweeps of what dead processes left.
CALM_ROUNDS_MAX: Final = 100
CLOCK_JUMP_SECONDS: Final = 300
GROUPS: Final = ((EVENTS, EVENTS_GROUP), (CATALOG, CATALOG_GROUP), (CREDITS, CREDITS_GROUP))


class AfterCommit(Protocol):
    """What the stage calls when transactions have been committed."""

    async def __call__(self, *, is_ledger_moved: bool) -> None:
        """Look at everything that must hold now."""
        ...


class Scheduler:
    """One seed's run."""

    def __init__(
        self, random: Random, world: World, processes: list[Process], faults: SeedFaultPlan
    ) -> None:
        # What really happened, for the report.
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
        """The wild part, then the calm."""
        for process in self._processes:
            await process.start()
        while self.counts["steps"] < STEPS_MAX and not self._all_is_told():
            await self._turn(after_commit)
        await self._make_calm(after_commit)

    def _all_is_told(self) -> bool:
        """Publishers are done, and a while has passed since."""
        done = all(p.is_done for p in self._processes if isinstance(p, Publisher))
        return done and self._random.random() < 0.01

    async def _turn(self, after_commit: AfterCommit) -> None:
        self.counts["steps"] += 1
        self._world.clock.advance(self._random.randrange(0, 20_000) / 1_000)
        await self._end_spells()
        if self._random.random() < TROUBLE_ODDS:
            name, trouble = self._random.choice(self._troubles)
            self._note(f"! {name}")
            self.counts[name] += await trouble()
        else:
            actor = self._random.choice(self._awake())
            await self._step(actor)
        await self._look_at_all(after_commit)

    async def _step(self, actor: Actor, blow: BaseException | None = None) -> None:
        before = actor.where
        if self._faults.holder is not None and before == "begin" and blow is None:
            await self._step_beside(self._faults.holder, actor)
            return
        lets_go = self._faults.let_go(actor)
        await actor.step(blow)
        self._note_step(actor, before, blow)
        if lets_go:
            self.counts["parked"] += 1
            await self._settle_blocked()

    async def _step_beside(self, holder: Actor, actor: Actor) -> None:
        """Begin a transaction while another one is open. Row locks would come too late: what was read before them is stale."""
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

    def _note_step(self, actor: Actor, before: str, blow: BaseException | None = None) -> None:
        self._note(f"{actor.name} {before} -> {actor.where}{' ' + str(blow) if blow else ''}")

    async def _settle_blocked(self) -> None:
        """Who waited for the locks that were let go has moved on to its next gate."""
        actor, self._blocked = self._blocked, None
        if actor is not None:
            await actor.settle()
            self._note(f"{actor.name} has waited -> {actor.where}")

    async def _end_hold(self) -> None:
        if self._faults.holder is not None:
            await self._step(self._faults.holder)

    async def _look_at_all(self, after_commit: AfterCommit) -> None:
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

    def _awake(self) -> list[Actor]:
        """Actors that may move now; publishers less often, so that the others keep pace with them."""
        awake: list[Actor] = []
        for process in self._processes:
            if process.down_until == 0 and process.asleep_until == 0:
                awake += process.actors * process.weight
        return self._crowd(awake) if self._faults.holder is not None else awake

    def _crowd(self, awake: list[Actor]) -> list[Actor]:
        """While one holds locks, who wants some is mostly next. While another waits for them nobody else may ask for any (who came first
        would be Postgres' choice), and it is mostly the holder's turn."""
        if self._blocked is None:
            return awake + [actor for actor in awake if actor.where == "begin"] * 4
        assert self._faults.holder is not None, "who is blocked is blocked by somebody"
        return [*(a for a in awake if a.where != "begin"), *[self._faults.holder] * 8]

    def _note(self, line: str) -> None:
        self.trace.append(f"{self.counts['steps']} {line}")

    # -- what goes wrong -----------------------------------------------------------------------------------

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
        # Somebody must be left to move.
        return self._random.choice(living) if living and len(self._living()) > 2 else None

    async def _crash(self) -> bool:
        process = self._any_living()
        if process is not None:
            await self._kill(process)
        return process is not None

    async def _kill(self, process: Process) -> None:
        if any(actor.is_blocked for actor in process.actors):
            # Its statement waits in the server: it ends before the server sees that nobody is there.
            await self._end_hold()
        self._note(f"{process.name} dies")
        self.counts["deaths"] += 1
        for where in ("committed", "written", "appended"):
            self.counts[f"deaths {where}"] += any(a.where == where for a in process.actors)
        lets_go = any(self._faults.let_go(actor) for actor in process.actors)
        await process.kill()
        if lets_go:
            await self._settle_blocked()
        self._expiring += [reader for log in process.logs for reader in log.readers]
        process.asleep_until = 0
        process.down_until = self.counts["steps"] + self._random.randrange(1, 40)

    async def _doom(self) -> bool:
        """The next transaction of somebody dies just before its commit."""
        process = self._any_living(AttributionProcess, RoiProcess)
        if process is not None:
            self._random.choice(process.actors).is_doomed = True
        return process is not None

    async def _freeze(self) -> bool:
        """A process stands still; its group may go on without it, and then it wakes as a zombie. Not with locks: Postgres ends such a
        transaction by its own clock (`idle_in_transaction_session_timeout`), which no seed can turn."""
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
        """Somebody cannot begin, cannot commit, or never hears of its commit."""
        held = [a for a in self._awake() if a.where in ("begin", "written", "committed")]
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
        """Only where no older value may come after a newer one, which is what the relay of the catalog promises."""
        if self._faults.may_compact:
            self._world.broker.compact(CATALOG)
        return self._faults.may_compact

    # -- what ends -----------------------------------------------------------------------------------------

    async def _end_spells(self) -> None:
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
                # Whoever was thrown out joins again; for others it is one rebalance more.
                self._world.broker.leave(reader.topic, reader.group, reader.inner)
                self._world.broker.join(reader.topic, reader.group, reader.inner)

    async def _make_calm(self, after_commit: AfterCommit) -> None:
        self._note("calm")
        self._faults.is_calm = True
        await self._end_hold()
        await self._look_at_all(after_commit)
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
        """Everybody moves in turn until nothing is left to do."""
        for _ in range(CALM_ROUNDS_MAX):
            for _ in range(6):
                for process in self._processes:
                    for actor in process.actors:
                        self.counts["steps"] += 1
                        await self._step(actor)
                self._world.clock.advance(1.0)
                await self._look_at_all(after_commit)
            if await is_at_rest():
                return
        raise AssertionError(f"not at rest after {CALM_ROUNDS_MAX} rounds:\n{self._standing()}")

    def _standing(self) -> str:
        return "\n".join(f"{a.name} at {a.where}" for p in self._processes for a in p.actors)

    async def close(self) -> None:
        """End every process; who waits for another's locks comes last."""
        for process in sorted(self._processes, key=lambda p: any(a.is_blocked for a in p.actors)):
            await process.kill()
