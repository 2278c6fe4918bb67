"""A writer of many objects: changes are collected and written together at the end.

Promise: what was created or changed is found by the reads after it. `keep` and `drop` end a step:
its changes are collected, or forgotten. `flush` writes each object once, in the state that it has
then; an object that is as before is not written.
The revision of an object is one more than the stored one, however often it changes in between.
What can go wrong: without `flush` nothing is written. An object is changed only after this writer
read or created it; one that another reader read has no known revision here, which is a bug.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityKind
from services.roi.store.catalog import Writer

# Objects that are encoded and written between two turns of other requests.
SLICE_OBJECTS: Final = 200


class BatchWriter(Writer):
    """Collects the changes of one transaction. Made from the writer of that transaction."""

    def __init__(self, writer: Writer) -> None:
        super().__init__(writer.pg, writer.workspace_id)
        self.recorded_at = writer.recorded_at
        self._stored: dict[str, Entity] = {}
        self._looked_up: set[tuple[EntityKind, str]] = set()
        self._external: dict[tuple[EntityKind, str], str | None] = {}
        self._collected: dict[str, Entity] = {}
        self._step: dict[str, Entity] = {}
        self._named: dict[tuple[EntityKind, str], str] = {}

    async def load(self, kind: EntityKind, entity_ids: Collection[str]) -> None:
        """Read the objects with these ids in one statement, so that `find` needs none."""
        self._note(await self.find_all(kind, entity_ids))
        self._looked_up.update((kind, one) for one in entity_ids)

    async def load_external(self, kind: EntityKind, external_ids: Collection[str]) -> None:
        """Read the objects with these external ids in one statement."""
        self._external |= {(kind, one): None for one in external_ids}
        self._note(await self.find_all_external(kind, external_ids))

    def _note(self, entities: Iterable[Entity]) -> None:
        for entity in entities:
            self._stored[entity.id] = entity
            if entity.external_id is not None:
                self._external[entity.kind, entity.external_id] = entity.id

    @override
    async def find(self, kind: EntityKind, entity_id: str) -> Entity | None:
        if (kind, entity_id) not in self._looked_up and entity_id not in self._stored:
            await self.load(kind, [entity_id])
        found = self._now(entity_id)
        return found if found is not None and found.kind == kind else None

    @override
    async def find_external(self, kind: EntityKind, external_id: str) -> Entity | None:
        key = (kind, external_id)
        if key not in self._external:
            await self.load_external(kind, [external_id])
        for entity_id in (self._named.get(key), self._external[key]):
            found = None if entity_id is None else self._now(entity_id)
            if found is not None and found.external_id == external_id:
                return found
        return None

    def _now(self, entity_id: str) -> Entity | None:
        for level in (self._step, self._collected, self._stored):
            if entity_id in level:
                return level[entity_id]
        return None

    @override
    async def _save(self, entity: Entity) -> None:
        stored = self._stored.get(entity.id)
        is_new = entity.created_at == self.recorded_at
        assert stored is not None or is_new, f"{entity.kind} {entity.id} was not read here"
        revision = 1 if stored is None else stored.revision + 1
        self._step[entity.id] = replace(entity, revision=revision)
        if entity.external_id is not None:
            self._named[entity.kind, entity.external_id] = entity.id

    def keep(self) -> None:
        """Collect the changes of this step."""
        self._collected |= self._step
        self._step = {}

    def drop(self) -> None:
        """Forget the changes of this step."""
        self._step = {}

    async def flush(self) -> None:
        """Write everything that was collected, some objects at a time."""
        changed = [one for one in self._collected.values() if self._is_new(one)]
        for start in range(0, len(changed), SLICE_OBJECTS):
            await self.save_all(changed[start : start + SLICE_OBJECTS])

    def _is_new(self, entity: Entity) -> bool:
        stored = self._stored.get(entity.id)
        if stored is None:
            return True
        as_stored = replace(entity, revision=stored.revision, recorded_at=stored.recorded_at)
        return as_stored != stored
