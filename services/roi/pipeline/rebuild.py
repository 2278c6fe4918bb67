"""The worker that rebuilds rollups for another time zone in small steps; the old ones answer.

Promise: each step is one short transaction under the workspace's lock, so the fold and the catalog
calls run between steps. A kill loses at most one step. Several processes may run the worker at
once: each step continues where the last one ended.
What can go wrong: a step whose sums do not fit is logged, and its workspace is left until the next
start; the others go on. While the database is unavailable the worker waits. Answers then keep the
days of the old zone and name it. While credits arrive faster than steps add them, the rebuild does
not end.
"""

from typing import Final

from services.roi.store.rebuild_rows import pending, step
from shared.clock import Clock
from shared.db.data_faults import Unusable, data_errors
from shared.db.engine import Database
from shared.errors import Transient
from shared.telemetry import get_logger

# At worst each entry writes 6 rollup rows of its own: 15,000 rows while the workspace is locked.
STEP_ROWS: Final = 2_500
# A time zone changes once in years, so a short delay before the rebuild starts is acceptable.
POLL_SECONDS: Final = 0.5

logger = get_logger(__name__)


class RollupRebuild:
    """The rebuild worker of one process."""

    def __init__(self, database: Database, clock: Clock, step_rows: int = STEP_ROWS) -> None:
        self._database = database
        self._clock = clock
        self._step_rows = step_rows
        self._left: set[str] = set()

    async def run(self) -> None:
        """Rebuild until cancelled."""
        while True:
            try:
                worked = await self.step_all()
            except Transient as problem:
                logger.warning("rollup_rebuild_waits", problem=str(problem))
                worked = False
            if not worked:
                await self._clock.sleep(POLL_SECONDS)

    async def step_all(self) -> bool:
        """Run one step for each pending workspace; return False when there is none."""
        workspace_ids = [one for one in await pending(self._database) if one not in self._left]
        for workspace_id in workspace_ids:
            try:
                with data_errors():
                    async with self._database.write([workspace_id]) as conn:
                        await step(conn, workspace_id, self._step_rows)
            except Unusable as fault:
                self._left.add(workspace_id)
                logger.error("rollup_rebuild_left", workspace=workspace_id, problem=str(fault))
        return bool(workspace_ids)
