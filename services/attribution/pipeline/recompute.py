"""The worker that decides queued conversions again, in chunks, after a corrected fact.

Promise: a chunk is one transaction under the workspace's lock. It removes its conversions from the
queue and decides them, so a crash loses none. Batches run between the chunks, and workspaces take
turns.
What can go wrong: a chunk that fails or times out is repeated in smaller ones with less time, until
the conversion that causes the fault is alone. It is set aside: it stays in the queue with its
problem and is retried later. The others are decided.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.dissolving import parted
from services.attribution.pipeline.record_faults import PART_SECONDS, SET_ASIDE, STATEMENT_SECONDS
from services.attribution.pipeline.unit_of_work import REASON_FACT, UnitOfWork
from services.attribution.store import offset_rows, recompute_rows
from services.attribution.store.identity_rows import Keyed
from services.attribution.store.scope_queries import components_of_conversions
from shared.clock import Clock
from shared.db.data_faults import data_errors
from shared.db.engine import Database, driver
from shared.errors import Transient
from shared.telemetry import get_logger

# As many as a batch of 10,000 events with 2 % conversions: within the 250 ms for which the lock of
# a workspace may be held.
CONVERSIONS_MAX: Final = 200
# How much smaller the next chunk of a workspace is after one that failed: 3 levels find one of 200
# conversions.
SMALLER: Final = 8
# Workspaces of one transaction; their ids are a database setting of some kilobytes.
WORKSPACES_MAX: Final = 500
# How often the queues of all workspaces are searched for work that a killed process left.
SWEEP_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 1.0

logger = get_logger(__name__)


@dataclass(slots=True)
class Recomputer:
    """The worker of one process. The workspace's lock lets several processes share the queue."""

    database: Database
    cache: FactsCache
    clock: Clock
    wake: Callable[[Sequence[str]], None]
    # In the order of the calls, so workspaces are served in turn and equal runs are equal.
    _named: dict[str, None] = field(default_factory=dict)
    # Workspace to the size of its chunks, from one that failed until the cause is set aside.
    _smaller: dict[str, int] = field(default_factory=dict)
    _called: asyncio.Event = field(default_factory=asyncio.Event)

    def call(self, workspaces: Sequence[str]) -> None:
        """Tell the worker that these workspaces may have queued conversions."""
        self._named.update(dict.fromkeys(workspaces))
        self._called.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.drain()
                await self._rest()
            except Transient as problem:
                logger.warning("recompute.retry", problem=str(problem))
                await self.clock.sleep(RETRY_SECONDS)

    async def _rest(self) -> None:
        """Wait for a call, at most until the next sweep."""
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._called.wait()
        except TimeoutError:
            await self.sweep()
        self._called.clear()

    async def sweep(self) -> None:
        """Add the workspaces with a queue that is not empty. Reads take no lock."""
        async with self.database.exempt() as connection:
            names = await offset_rows.all_workspaces(await driver(connection))
        for start in range(0, len(names), WORKSPACES_MAX):
            async with self.database.read(names[start : start + WORKSPACES_MAX]) as connection:
                waiting = await recompute_rows.workspaces_waiting(
                    await driver(connection), self.clock.now()
                )
                self._named.update(dict.fromkeys(sorted(waiting)))

    async def drain(self) -> None:
        """Decide everything that is due in the named workspaces, a chunk of each in turn."""
        while self._named:
            # Removed first, so a call during the work adds the workspace again.
            workspace = next(iter(self._named))
            del self._named[workspace]
            try:
                has_more = await self._chunk(workspace)
            except Transient:
                self._named[workspace] = None
                raise
            if has_more:
                self._named[workspace] = None

    async def _chunk(self, workspace: str) -> bool:
        """Decide one chunk; return whether the queue had one."""
        taken: dict[Keyed, str] = {}
        conversions_max = self._smaller.get(workspace, CONVERSIONS_MAX)
        try:
            await self._decide_chunk(workspace, conversions_max, taken)
        except SET_ASIDE as fault:
            if not taken:
                raise
            if len(taken) > 1 or workspace not in self._smaller:
                # The other workspaces have their turn before the smaller chunk.
                self._smaller[workspace] = max(1, len(taken) // SMALLER)
                return True
            await self._set_aside(workspace, taken, fault)
            self._smaller.pop(workspace, None)
        if not taken:
            self._smaller.pop(workspace, None)
        return bool(taken)

    async def _decide_chunk(
        self, workspace: str, conversions_max: int, taken: dict[Keyed, str]
    ) -> None:
        """Decide one chunk. `taken` is filled with it before the first decision."""
        seconds = PART_SECONDS if workspace in self._smaller else STATEMENT_SECONDS
        with data_errors():
            async with self.database.write([workspace], statement_seconds=seconds) as connection:
                conn = await driver(connection)
                now = self.clock.now()
                taken |= await recompute_rows.take_recomputes(conn, workspace, conversions_max, now)
                if taken:
                    work = await UnitOfWork.open(conn, [workspace], self.cache, now)
                    whole, alone = parted(await components_of_conversions(conn, taken))
                    await work.decide(whole, alone, taken, REASON_FACT)
                    await offset_rows.close_workspaces(conn, work.states.values())
        if taken:
            self.wake([workspace])

    async def _set_aside(
        self, workspace: str, taken: Mapping[Keyed, str], fault: Exception
    ) -> None:
        """Keep the only conversion of a chunk in the queue, to be retried later."""
        async with self.database.write([workspace]) as connection:
            conn = await driver(connection)
            for keyed, reason in taken.items():
                await recompute_rows.set_aside(conn, keyed, reason, self.clock.now(), str(fault))
        logger.error("recompute.set_aside", workspace_id=workspace, problem=str(fault))
