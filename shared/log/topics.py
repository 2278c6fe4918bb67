"""The four topics that join the services: name, key, partitions and retention, declared once.

Promise: every adapter creates topics from this list and from nothing else. Keys are the workspace
(`events`, `credits`, `dead-letter`) or workspace and entity (`catalog`), so one brand is one partition and one order.
"""

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `retention_ms` None means for ever; `compacted` keeps the newest value of each key."""

    name: str
    partitions: int
    retention_ms: int | None
    compacted: bool = False


# Eight partitions: two cores times four, so brands still spread when a process is added; a topic's
# partition count never changes afterwards, because the key decides the partition.
PARTITIONS: Final = 8

EVENTS: Final = Topic("laurel.events", PARTITIONS, 30 * DAY_MS)
CREDITS: Final = Topic("laurel.credits", PARTITIONS, 90 * DAY_MS)
CATALOG: Final = Topic("laurel.catalog", 1, None, compacted=True)
DEAD_LETTER: Final = Topic("laurel.dead-letter", 1, 90 * DAY_MS)

ALL: Final = (EVENTS, CREDITS, CATALOG, DEAD_LETTER)
