"""The worker that decides queued conversions again, in chunks, after a corrected fact.

Promise: a chunk is one transaction under the workspace's lock. It removes its conversions from the
queue and decides them, so a crash loses none. Batches run between the chunks.
What can go wrong: a conversion on which the domain fails is skipped and logged; the others are
decided.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.attribution.pipeline.catalog_cache import FactsCache
from services.attribution.pipeline.dissolving import parted
from services.attribution.pipeline.record_faults import BISECTED
from services.attribution.pipeline.unit_of_work import REASON_FACT, UnitOfWork
from services.attribution.store import catalog_rows, offset_rows
from services.attribution.store.data_faults import data_errors
from services.attribution.store.identity_rows import Keyed
from services.attribution.store.scope_queries import components_of_conversions
from shared.clock import Clock
from shared.db.engine import Database, driver
from shared.errors import Transient
from shared.telemetry import get_logger

# As many as a batch of 10,000 events with 2 % conversions: within the 250 ms for which the lock of
# a workspace may be held.
CONVERSIONS_MAX: Final = 200
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
                waiting = await catalog_rows.workspaces_waiting(await driver(connection))
                self._named.update(dict.fromkeys(sorted(waiting)))

    async def drain(self) -> None:
        """Decide everything that is queued in the named workspaces."""
        while self._named:
            # Removed first, so a call during the work adds the workspace again.
            workspace = next(iter(self._named))
            del self._named[workspace]
            try:
                while await self._chunk(workspace, CONVERSIONS_MAX):
                    pass
            except Transient:
                self._named[workspace] = None
                raise

    async def _chunk(self, workspace: str, conversions_max: int) -> bool:
        """Decide one chunk; return whether the queue had one."""
        try:
            return await self._decide_chunk(workspace, conversions_max, is_skipped=False)
        except BISECTED as fault:
            if conversions_max > 1:
                return await self._chunk(workspace, conversions_max // 2)
            logger.error("recompute.failed", workspace_id=workspace, problem=str(fault))
            return await self._decide_chunk(workspace, 1, is_skipped=True)

    async def _decide_chunk(
        self, workspace: str, conversions_max: int, *, is_skipped: bool
    ) -> bool:
        with data_errors():
            async with self.database.write([workspace]) as connection:
                conn = await driver(connection)
                wanted: Mapping[Keyed, str] = await catalog_rows.take_recomputes(
                    conn, workspace, conversions_max
                )
                if wanted and not is_skipped:
                    work = await UnitOfWork.open(conn, [workspace], self.cache, self.clock.now())
                    whole, alone = parted(await components_of_conversions(conn, wanted))
                    await work.decide(whole, alone, wanted, REASON_FACT)
                    await offset_rows.close_workspaces(conn, work.states.values())
        if wanted:
            self.wake([workspace])
        return bool(wanted)
