"""The database of a simulation: one clone of the migrated template, used by many seeds in turn.

Promise: before each seed every table that a run writes is empty, and the clock of each workspace
has its first value. So the database does not depend on earlier seeds.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.roi.domain.entity import Version
from services.roi.store.catalog import Writer
from services.roi.store.workspaces import claim_name
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.ids import natural_id
from tests.factories import NOON
from tests.fixtures.connections import connect
from tests.fixtures.postgres import SECRET_KEY

# A seed uses one to three of them, so that seeds differ in the partitions that they use.
WORKSPACES: Final = tuple(
    sorted(natural_id("simulation", "workspace", "brand", str(number)) for number in range(8))
)
STARTS_AT: Final = NOON + timedelta(days=41)
CONNECTIONS: Final = 16

CLEARED: Final = (
    "attribution.offsets",
    "attribution.workspaces",
    "attribution.touches",
    "attribution.evidence",
    "attribution.edges",
    "attribution.aliases",
    "attribution.neighbours",
    "attribution.ties",
    "attribution.conversions",
    "attribution.conversion_keys",
    "attribution.decision_subjects",
    "attribution.decisions",
    "attribution.ledger",
    "attribution.recomputes",
    "attribution.dead_letters",
    "attribution.outbox",
    "attribution.sent_tallies",
    "attribution.catalog",
    "roi.offsets",
    "roi.folds",
    "roi.folded_records",
    "roi.waiting_credits",
    "roi.credit_entries",
    "roi.conversion_people",
    "roi.touch_tallies",
    "roi.rollups",
    "roi.rollups_history",
    "roi.rollups_monthly",
    "roi.touch_rollups",
    "roi.touch_rollups_monthly",
    "roi.touch_rollups_history",
)
_WAITED_FOR: Final = """
SELECT locktype FROM pg_locks JOIN pg_stat_activity AS a USING (pid)
WHERE NOT granted AND a.datname = current_database()
"""
_CLEAR: Final = "; ".join(f"DELETE FROM {table}" for table in CLEARED)


@dataclass
class Databases:
    """The pools of the two services, and the judge's connection as owner, which reads all rows."""

    attribution: Database
    roi: Database
    owner: Any

    async def waited_for(self) -> str | None:
        """Return the kind of lock that a session of this database waits for, or None."""
        kind: str | None = await self.owner.fetchval(_WAITED_FOR)
        return kind

    async def clear(self) -> None:
        """Remove the data of the last seed."""
        await self.owner.execute(_CLEAR)
        await self.owner.execute("UPDATE roi.workspaces SET clock_at = $1", NOON)


@asynccontextmanager
async def databases(owner_url: str) -> AsyncIterator[Databases]:
    """Open pools on a migrated database that no other test uses, and create the workspaces."""
    pools = [
        Database(
            service_url(owner_url, service, SECRET_KEY),
            application_name=f"simulation-{service}",
            pool_size=CONNECTIONS,
        )
        for service in ("attribution", "roi")
    ]
    for pool in pools:
        await pool.open()
    owner = await connect(owner_url)
    try:
        await owner.execute("SET TIME ZONE 'UTC'")
        await _create_workspaces(pools[1])
        yield Databases(pools[0], pools[1], owner)
    finally:
        await owner.close()
        for pool in pools:
            await pool.close()


async def _create_workspaces(roi: Database) -> None:
    for workspace in WORKSPACES:
        name = f"brand {workspace}"
        if await claim_name(roi, workspace, name, NOON) != workspace:
            continue
        async with roi.write([workspace]) as conn:
            writer = await Writer.begin(conn, workspace, NOON)
            if await writer.find("workspace", workspace) is None:
                fields = {"name": name, "time_zone": "UTC", "currency": "EUR"}
                await writer.create("workspace", workspace, (Version(fields),))
