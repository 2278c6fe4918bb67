"""What the catalog is made of: an entity with its identity and the rows of facts that hold from when to when.

Promise: everything here is a value. `facts` are JSON values as the HTTP shapes leave them (ids and times as text, money as minor units),
so a stored fact and a sent fact are compared by equality. Rows of one entity are in the order of `valid_from` and do not overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

EntityKind = Literal[
    "workspace",
    "key",
    "creator",
    "campaign",
    "placement",
    "link",
    "code",
    "connection",
    "policy",
    "cost",
]
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """Facts that hold in `[valid_from, valid_to)`; None is unbounded."""

    facts: Facts
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity as it stands. `recorded_at` is the workspace's clock at its last change."""

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
        """The row that holds last: what a plain answer shows."""
        return self.versions[-1]
