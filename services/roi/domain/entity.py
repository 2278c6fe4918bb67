"""An entity of the catalog: its identity and its versions, each with facts and a period.

Promise: everything here is an immutable value. `facts` are JSON values as the HTTP shapes leave
them: ids and times as text, money in minor units. So a stored fact equals the same fact sent again.
The versions of an entity are in the order of `valid_from` and do not overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

EntityKind = Literal[
    "workspace",
    "key",
    "creator",
    "campaign",
    "placement",
    "link",
    "code",
    "store",
    "connection",
    "policy",
    "cost",
    "goal",
    "rate",
    "agent",
    "import",
]
EntityFacts = Mapping[str, Any]
# The fact of an object that the undo of its import took back: it counts as never published. The
# next correction forgets it.
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Version:
    """EntityFacts that hold in `[valid_from, valid_to)`; None is unbounded."""

    facts: EntityFacts
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """The current state of one entity. `recorded_at`: the workspace's clock at its last change."""

    id: str
    workspace_id: str
    kind: EntityKind
    external_id: str | None
    created_at: datetime
    revision: int
    recorded_at: datetime
    archived_at: datetime | None
    versions: tuple[Version, ...]

    @property
    def latest(self) -> Version:
        """Return the version with the latest period, which an answer shows."""
        return self.versions[-1]
