"""The SQL of imports: the names of objects, the links of codes, and what a transaction wrote.

Promise: all changes of one transaction have the same `recorded_at`, and no other transaction of the
workspace has it. So what an import wrote are the versions of that moment, and what was there before
are the versions that it superseded.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.roi.domain.entity import EntityKind, Version
from services.roi.domain.link_codes import folded
from services.roi.store.catalog import SLICE_ROWS, Reader
from services.roi.store.link_code_rows import SHORT_HOST
from shared.concurrency import in_slices

# The newest so many objects of a kind are looked at for a name; the others are known by their ids.
NAMES_MAX: Final = 100_000

_NAMES: Final = """
SELECT v.entity_id::text AS id, e.external_id, v.facts ->> 'name' AS name,
       v.facts ->> 'handle' AS handle, v.facts ->> 'url' AS url
  FROM (SELECT entity_id, facts FROM roi.versions
         WHERE entity = $2 AND workspace_id = $1 AND superseded_at IS NULL AND archived_at IS NULL
         ORDER BY recorded_at DESC LIMIT $3) AS v
  JOIN roi.entities AS e ON e.id = v.entity_id AND e.workspace_id = $1
"""
_LINKS: Final = """
SELECT folded_code, link_id::text AS id FROM roi.link_codes
 WHERE folded_code = ANY($2::text[]) AND host = $3 AND workspace_id = $1
"""
_WRITTEN: Final = """
SELECT entity_id::text AS id, valid_from, valid_to, archived_at, facts::text AS facts
  FROM roi.versions WHERE entity = $2 AND workspace_id = $1 AND recorded_at = $3
 ORDER BY entity_id, period
"""
_SUPERSEDED: Final = """
SELECT entity_id::text AS id, valid_from, valid_to, archived_at, facts::text AS facts
  FROM roi.versions
 WHERE entity_id = ANY($4::uuid[]) AND entity = $2 AND workspace_id = $1 AND superseded_at = $3
 ORDER BY entity_id, period
"""


@dataclass(frozen=True, slots=True)
class State:
    """What an object was at a moment: its versions, and whether it was archived."""

    versions: tuple[Version, ...]
    archived_at: datetime | None


async def names_of(reader: Reader, kind: EntityKind) -> Sequence[Any]:
    """Return id, external id, name, handle and address of the objects in use, at most so many."""
    rows: Sequence[Any] = await reader.pg.fetch(_NAMES, reader.workspace_id, kind, NAMES_MAX)
    return rows


async def links_of_codes(reader: Reader, codes: Collection[str]) -> dict[str, str]:
    """Return folded code → id of the own link that has it, archived or not."""
    wanted = [folded(code) for code in codes]
    rows = await reader.pg.fetch(_LINKS, reader.workspace_id, wanted, SHORT_HOST)
    return {row["folded_code"]: row["id"] for row in rows}


async def written_at(reader: Reader, kind: EntityKind, moment: datetime) -> dict[str, State]:
    """Return the objects of a kind that the transaction of a moment wrote, as it wrote them."""
    return await _states(await reader.pg.fetch(_WRITTEN, reader.workspace_id, kind, moment))


async def superseded_at(
    reader: Reader, kind: EntityKind, moment: datetime, entity_ids: Collection[str]
) -> dict[str, State]:
    """Return what these objects were before that transaction; a new one is left out."""
    rows = await reader.pg.fetch(_SUPERSEDED, reader.workspace_id, kind, moment, list(entity_ids))
    return await _states(rows)


async def _states(rows: Sequence[Any]) -> dict[str, State]:
    found: dict[str, State] = {}
    async for row in in_slices(rows, SLICE_ROWS):
        version = Version(json.loads(row["facts"]), row["valid_from"], row["valid_to"])
        before = found[row["id"]].versions if row["id"] in found else ()
        found[row["id"]] = State((*before, version), row["archived_at"])
    return found
