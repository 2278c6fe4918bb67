"""The worker that makes rollups by the days of another time zone, step after step, while the old ones answer.

Promise: each step is one short transaction under the workspace's lock, so batches of the fold and calls of the catalog go in between, and a
kill at any moment loses one step at most. Any number of processes may work at once: a step goes on where the last one, whosever, ended.
What can go wrong: the database is away: the worker waits, answers keep to the old days and say so. While credits come faster than steps add
them, the new days wait, too.
"""

from typing import Final

from services.roi.store.rebuild_rows import pending, step
from shared.clock import Clock
from shared.db.engine import Database
from shared.errors import Transient
from shared.telemetry import get_logger

# At worst each entry has cells of its own, six of them: 15,000 rows to write while the workspace is held.
STEP_ROWS: Final = 2_500
# A zone is changed once in years: nobody minds the moment until it is noticed.
POLL_SECONDS: Final = 0.5

logger = get_logger(__name__)


class RollupRebuild:
    """The worker of one process."""

    def __init__(self, database: Database, clock: Clock, step_rows: int = STEP_ROWS) -> None:
        self._database = database
        self._clock = clock
        self._step_rows = step_rows

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                worked = await self.turn()
            except Transient as problem:
                logger.warning("rollup_rebuild_waits", problem=str(problem))
                worked = False
            if not worked:
                await self._clock.sleep(POLL_SECONDS)

    async def turn(self) -> bool:
        """One step of each pending workspace; False when there was none."""
        workspace_ids = await pending(self._database)
        for workspace_id in workspace_ids:
            async with self._database.write([workspace_id]) as conn:
                await step(conn, workspace_id, self._step_rows)
        return bool(workspace_ids)
