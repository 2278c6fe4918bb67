"""The four topics that join the services: name, key, partitions and retention, declared once.

Promise: every adapter creates its topics from this list only. The key of `events`, `credits` and
`dead-letter` is the workspace; the key of `catalog` is workspace and entity. So the records of one
workspace are in one partition, in one order.
"""

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `retention_ms` None keeps records for ever; `compacted` keeps one value a key."""

    name: str
    partitions: int
    retention_ms: int | None
    compacted: bool = False


# Two cores times four, so workspaces still spread when a process is added. The number never
# changes afterwards, because the partition of a key depends on it.
PARTITIONS: Final = 8

EVENTS: Final = Topic("laurel.events", PARTITIONS, 30 * DAY_MS)
CREDITS: Final = Topic("laurel.credits", PARTITIONS, 90 * DAY_MS)
CATALOG: Final = Topic("laurel.catalog", 1, None, compacted=True)
DEAD_LETTER: Final = Topic("laurel.dead-letter", 1, 90 * DAY_MS)

ALL: Final = (EVENTS, CREDITS, CATALOG, DEAD_LETTER)
