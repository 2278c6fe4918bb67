"""The catalog facts of each workspace, cached in memory and refreshed under the workspace's lock.

Promise: the facts that `refresh` returns hold every record up to the catalog version that was read
under the lock, and none after it. An archived entity owns nothing from its `deleted_at` on. Rows of
a transaction that may roll back are never cached.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from msgspec import structs

from services.attribution.domain.model import CatalogFacts
from shared.catalog import (
    AnyCatalogRecord,
    Code,
    CodePeriod,
    Link,
    LinkPeriod,
    Period,
    Placement,
    Policy,
)
from shared.code_texts import CodeText, code_text

# The facts of a large brand take some megabytes. With more brands than this, the oldest are
# dropped.
WORKSPACES_MAX: Final = 256

_AnyPeriod = TypeVar("_AnyPeriod", bound=Period)


@dataclass(slots=True)
class WorkspaceFacts:
    """The facts of one workspace as of a catalog version."""

    version: int = 0
    links: dict[str, tuple[LinkPeriod, ...]] = field(default_factory=dict)
    placements: dict[str, str] = field(default_factory=dict)
    codes: dict[CodeText, tuple[CodePeriod, ...]] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    _code_records: dict[CodeText, dict[str, Code]] = field(default_factory=dict)

    def apply(self, record: AnyCatalogRecord) -> None:
        """Apply a newer record; kinds that no decision depends on are ignored."""
        match record:
            case Link():
                self.links[record.id] = until(record.periods, record.deleted_at)
            case Placement():
                self.placements[record.id] = record.creator_id or ""
            case Policy():
                self.policies[record.id] = record
            case Code():
                code = code_text(record.code)
                owners = self._code_records.setdefault(code, {})
                owners[record.id] = record
                self.codes[code] = tuple(
                    period
                    for owner_id in sorted(owners)
                    for period in until(owners[owner_id].periods, owners[owner_id].deleted_at)
                )
            case _:
                pass

    def copy(self) -> "WorkspaceFacts":
        """Return an independent copy."""
        return WorkspaceFacts(
            self.version,
            dict(self.links),
            dict(self.placements),
            dict(self.codes),
            dict(self.policies),
            {text: dict(owners) for text, owners in self._code_records.items()},
        )

    @property
    def facts(self) -> CatalogFacts:
        """The facts in the form that the domain uses."""
        policies = tuple(self.policies[policy_id] for policy_id in sorted(self.policies))
        return CatalogFacts(self.links, self.placements, self.codes, policies)


@dataclass(slots=True)
class FactsCache:
    """The facts of the workspaces that this process wrote last."""

    _known: dict[str, WorkspaceFacts] = field(default_factory=dict)

    def stale(self, versions: Mapping[str, int]) -> dict[str, int]:
        """Return the workspaces that need records, with the version that is cached."""
        known = {name: self._known.get(name, WorkspaceFacts()).version for name in versions}
        return {name: known[name] for name, version in versions.items() if known[name] < version}

    def refresh(
        self, versions: Mapping[str, int], records: Mapping[str, list[AnyCatalogRecord]]
    ) -> dict[str, WorkspaceFacts]:
        """Apply the records and return the facts of every workspace in `versions`."""
        current = {}
        for name, version in versions.items():
            facts = self._known.pop(name, WorkspaceFacts())
            for record in records.get(name, ()):
                facts.apply(record)
            facts.version = version
            current[name] = self._known[name] = facts
        while len(self._known) > max(WORKSPACES_MAX, len(versions)):
            del self._known[next(iter(self._known))]
        return current


def until(periods: tuple[_AnyPeriod, ...], end: datetime | None) -> tuple[_AnyPeriod, ...]:
    """Return the periods of an entity that is archived at `end`, cut at that time."""
    if end is None:
        return periods
    return tuple(
        structs.replace(period, valid_to=min(period.valid_to or end, end))
        for period in periods
        if period.valid_from is None or period.valid_from < end
    )
