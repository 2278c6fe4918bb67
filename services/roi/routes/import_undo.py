"""The undo of an import: what it made is archived, what it changed is again as before it.

Promise: an object that was changed since the import is left as it is and named. All others are
undone in one transaction. Of an import of social counts no report counts any more. A placement that
is withdrawn shares no cost, of no day, as if it never was; one that is archived shares those of the
days before. The versions of the import stay, so `as_of` still shows them. Revisions rise: no state
of an object has the number of another one.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.roi.domain.entity import WITHDRAWN, Entity, Version
from services.roi.domain.imports.import_kinds import IMPORT_KINDS
from services.roi.pipeline.counts_undo import (
    UNDO_PLACEMENTS_MAX,
    TooManyPlacements,
    undo_counts,
)
from services.roi.routes.import_run import RESOURCES, SLICE_ROWS, load_objects
from services.roi.routes.resource import Work, missing
from services.roi.store.batch_writer import BatchWriter
from services.roi.store.catalog import Writer
from services.roi.store.import_rows import State, superseded_at, written_at
from services.roi.wire.import_shapes import LISTED_MAX
from shared.concurrency import in_slices
from shared.http.problems import field_problem

_CHANGED_SINCE: Final = "was changed since this import, and was left as it is"


async def undo_import(work: Work, import_id: str) -> Entity:
    """Undo an import and return it; a second undo changes nothing. 404 when there is none."""
    writer = BatchWriter(work.writer)
    entity = await writer.find("import", import_id)
    if entity is None:
        raise missing("import", import_id)
    if entity.archived_at is not None:
        return entity
    facts = entity.latest.facts
    # Callers may give a report the id of any import.
    undo = await _undo_counts(writer, entity.id)
    if facts["what"] in IMPORT_KINDS:
        undo = await _Undo(Work(work.parts, writer), facts["what"]).run(entity.created_at)
    undone = await writer.change(
        entity, versions=(Version({**facts, "undo": undo}),), archived_at=writer.recorded_at
    )
    writer.keep()
    await writer.flush()
    return undone


async def _undo_counts(writer: Writer, import_id: str) -> dict[str, Any]:
    """Take back the reports of social counts of an import; return what was done."""
    try:
        undone = await undo_counts(writer.pg, writer.workspace_id, import_id, writer.recorded_at)
    except TooManyPlacements:
        message = f"has reports about more than {UNDO_PLACEMENTS_MAX} placements, as no file has"
        raise field_problem("import_id", message) from None
    return {
        "withdrawn": undone.withdrawn,
        "restored": undone.restored,
        "left_objects": 0,
        "left": [],
    }


class _Undo:
    """The undo of one import of catalog objects."""

    def __init__(self, work: Work, what: Any) -> None:
        self._work = work
        self._kind = IMPORT_KINDS[what].kind
        self._resource = RESOURCES[self._kind]
        self._withdrawn = self._restored = 0
        self._left: list[Entity] = []

    async def run(self, moment: datetime) -> dict[str, Any]:
        """Undo what was written at a moment; return what was done."""
        writer = self._work.writer
        assert isinstance(writer, BatchWriter)
        written = await written_at(writer, self._kind, moment)
        before = await superseded_at(writer, self._kind, moment, written.keys())
        await load_objects(writer, self._kind, written.keys())
        async for entity_id, state in in_slices(written.items(), SLICE_ROWS):
            entity = await writer.find(self._kind, entity_id)
            assert entity is not None, "an object is never removed"
            await self._take(entity, state, before.get(entity_id))
            writer.keep()
        return {
            "withdrawn": self._withdrawn,
            "restored": self._restored,
            "left_objects": len(self._left),
            "left": [
                {"id": one.id, "external_id": one.external_id, "message": _CHANGED_SINCE}
                for one in self._left[:LISTED_MAX]
            ],
        }

    async def _take(self, entity: Entity, written: State, before: State | None) -> None:
        if (entity.versions, entity.archived_at) != (written.versions, written.archived_at):
            self._left.append(entity)
            return
        changes: dict[str, Any]
        if before is None:
            changes = {
                "archived_at": self._work.writer.recorded_at,
                "versions": tuple(
                    replace(one, facts={**one.facts, WITHDRAWN: True}) for one in entity.versions
                ),
            }
            self._withdrawn += 1
        else:
            changes = {"versions": before.versions, "archived_at": before.archived_at}
            self._restored += 1
        undone = await self._work.writer.change(entity, **changes)
        await self._resource.saved(self._work, undone, is_new=False)
