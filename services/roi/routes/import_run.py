"""The run of an import: each row becomes a creation or a correction of an object, as by a call.

Promise: a row goes through the same checks as a POST or a PATCH of its object. A row that is
refused changes nothing and stops no other. Everything is written at the end. Other requests have
their turn between slices of rows and of names.
What can go wrong: what is wrong with a row is an `ImportRejection`, never an error of the import.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.roi.domain.entity import WITHDRAWN, Entity, EntityKind
from services.roi.domain.imports.csv_table import BadRow, Header, Row
from services.roi.domain.imports.import_kinds import ImportKind, with_account
from services.roi.domain.imports.import_rows import ImportRow, read_rows
from services.roi.domain.imports.names import ObjectNames, PlacementNames, post_address
from services.roi.domain.link_codes import folded
from services.roi.routes.catalog_calls import correct_object, create_object, validated
from services.roi.routes.costs import Costs
from services.roi.routes.creators import Creators
from services.roi.routes.import_outcome import Outcome
from services.roi.routes.links import Links
from services.roi.routes.placements import Placements
from services.roi.routes.resource import Resource, Work
from services.roi.store.batch_writer import BatchWriter
from services.roi.store.import_rows import links_of_codes, names_of
from services.roi.wire.cost_shapes import CostBody
from services.roi.wire.fields import canonical_id
from services.roi.wire.import_shapes import ImportChange
from services.roi.wire.link_shapes import LinkBody
from services.roi.wire.patches import named_values, patch_of
from services.roi.wire.people import CreatorBody, PlacementBody
from shared.concurrency import in_slices
from shared.http.problems import FieldError, Problem, field_problem
from shared.ids import automatic_placement_id

RESOURCES: Final[Mapping[str, Resource[Any]]] = {
    one.kind: one
    for one in (
        Costs(CostBody),
        Creators(CreatorBody),
        Placements(PlacementBody),
        Links(LinkBody),
    )
}
_PATCHES: Final = {
    kind: patch_of(one.body, one.patch_valid_from, one.patch_refuses)
    for kind, one in RESOURCES.items()
}
# Rows of a file, and names of a catalog, between two turns of other requests: some 10 milliseconds.
SLICE_ROWS: Final = 20
SLICE_NAMES: Final = 1_000


class ImportRun:
    """The run of one file in one transaction."""

    def __init__(self, work: Work, kind: ImportKind, header: Header) -> None:
        self.writer = BatchWriter(work.writer)
        self._work = Work(work.parts, self.writer)
        self._kind = kind
        self._resource = RESOURCES[kind.kind]
        self._header = header
        self._placements = PlacementNames()
        self._names: dict[EntityKind, ObjectNames] = {}
        self._known = ObjectNames()
        self._lines: dict[str, int] = {}
        self.outcome = Outcome()

    async def _zone(self) -> ZoneInfo:
        """Return the time zone of the workspace."""
        return ZoneInfo((await self._work.workspace_facts())["time_zone"])

    async def take(self, lines: Iterable[Row | BadRow]) -> None:
        """Take the rows in order, and collect what they change."""
        read = read_rows(self._kind, lines, await self._zone())
        rows = [row async for row in in_slices(read, SLICE_ROWS)]
        await self._load([row for row in rows if isinstance(row, ImportRow)])
        async for row in in_slices(rows, SLICE_ROWS):
            if isinstance(row, BadRow):
                self.outcome.reject(row.line, self._titled(row.flaws))
            else:
                await self._take(row)

    async def _take(self, row: ImportRow) -> None:
        try:
            before, after = await self._applied(row)
        except Problem as problem:
            self.writer.drop()
            flaws = problem.errors or (FieldError("row", str(problem.detail)),)
            named = [(self._kind.column_of(flaw.field), flaw.message) for flaw in flaws]
            self.outcome.reject(row.line, self._titled(named))
            return
        self.writer.keep()
        self._know(after)
        self._lines[after.id] = row.line
        self.outcome.take(_change(row.line, before, after))

    async def _applied(self, row: ImportRow) -> tuple[Entity | None, Entity]:
        """Return the object of a row before and after it."""
        values = dict(row.values)
        for field, (kind, text) in row.references.items():
            values[field] = await self._referred(field, kind, text)
        before, external_id = await self._object_of(row)
        if self._kind.kind == "creator":
            values = with_account(values, {} if before is None else before.latest.facts)
        elif before is not None and before.id in self._lines:
            raise Problem(422, None, f"line {self._lines[before.id]} is about the same object")
        if before is None:
            body = validated(self._resource.body, values | {"external_id": external_id})
            return None, await create_object(self._work, self._resource, body)
        patch = validated(_PATCHES[self._kind.kind], values)
        named = named_values(patch)
        after = await correct_object(self._work, self._resource, before, named, archived_at=None)
        return before, after

    async def _object_of(self, row: ImportRow) -> tuple[Entity | None, str | None]:
        """Return the object that a row is about, and the external id of a new one."""
        field = self._kind.known_by
        if row.external_id is None and field is not None and field in row.values:
            text = self._key(row.values[field])
            if self._known.is_of_several(text):
                raise field_problem(field, _SEVERAL)
            found = self._known.named(text)
            known = None if found is None else await self.writer.find(self._kind.kind, found)
            return known, None
        external_id = row.external_id or row.content_key
        return await self.writer.find_external(self._kind.kind, external_id), external_id

    def _key(self, text: str) -> str:
        """Return a natural key as it is compared."""
        return post_address(text) if self._kind.known_by == "url" else folded(text)

    def _know(self, entity: Entity) -> None:
        field = self._kind.known_by
        text = None if field is None else entity.latest.facts.get(field)
        if text is not None:
            self._known.add(entity.id, self._key(text))

    async def _referred(self, field: str, kind: EntityKind, text: str) -> str:
        """Return the id of the object that a cell names; 422 when it names none or several."""
        try:
            return canonical_id(text)
        except ValueError:
            pass
        external = await self.writer.find_external(kind, text)
        if external is not None:
            return external.id
        found = self._id_of_name(kind, text)
        if found is None:
            named = "address" if kind == "placement" else "name"
            raise field_problem(
                field, f"is not the id, external id or {named} of one {kind} of this brand"
            )
        return found

    def _id_of_name(self, kind: EntityKind, text: str) -> str | None:
        names = self._placements if kind == "placement" else self._names[kind]
        return names.named(text)

    async def _load(self, rows: Sequence[ImportRow]) -> None:
        """Read everything that the rows may name, in few statements."""
        own = self._kind.kind
        keys = {row.external_id or row.content_key for row in rows}
        await self.writer.load_external(own, keys)
        if own == "creator":
            known = [await self.writer.find_external(own, key) for key in keys]
            await load_objects(self.writer, own, {one.id for one in known if one is not None})
        texts: dict[EntityKind, set[str]] = {}
        for row in rows:
            for kind, text in row.references.values():
                texts.setdefault(kind, set()).add(text)
        for kind, named in texts.items():
            ids = {text for text in named if _is_id(text)}
            await self.writer.load_external(kind, named - ids)
            await self._load_names(kind)
            meant = [found for text in named if (found := self._id_of_name(kind, text))]
            await self.writer.load(kind, {canonical_id(text) for text in ids} | {*meant})
        await self._load_known(rows)

    async def _load_names(self, kind: EntityKind) -> None:
        rows = await names_of(self.writer, kind)
        if kind == "placement":
            self._placements = PlacementNames()
            async for row in in_slices(rows, SLICE_NAMES):
                self._placements.add(row)
            return
        names = self._names[kind] = ObjectNames()
        async for row in in_slices(rows, SLICE_NAMES):
            names.add(row["id"], row["name"], row["handle"])

    async def _load_known(self, rows: Sequence[ImportRow]) -> None:
        """Read which objects the natural keys of the rows mean."""
        field = self._kind.known_by
        texts = {row.values[field] for row in rows if field in row.values} if field else set()
        if not texts:
            return
        if field == "code":
            found = await links_of_codes(self.writer, texts)
            for code, link_id in found.items():
                self._known.add(link_id, code)
            await load_objects(self.writer, self._kind.kind, found.values())
            return
        wanted = {self._key(text) for text in texts}
        ids = set()
        named = await names_of(self.writer, self._kind.kind)
        async for row in in_slices(named, SLICE_NAMES):
            if row[field] is not None and self._key(row[field]) in wanted:
                self._known.add(row["id"], self._key(row[field]))
                ids.add(row["id"])
        await load_objects(self.writer, self._kind.kind, ids)

    def _titled(self, flaws: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return flaws by the titles that the file has."""
        return [(self._header.title_of(column), message) for column, message in flaws]


async def load_objects(writer: BatchWriter, kind: EntityKind, ids: Collection[str]) -> None:
    """Read objects, and the automatic placements of creators, which change with them."""
    await writer.load(kind, ids)
    if kind == "creator":
        own = [automatic_placement_id(writer.workspace_id, one) for one in ids]
        await writer.load("placement", own)


_SEVERAL: Final = "several objects have this: give the row an external_id"


def _is_id(text: str) -> bool:
    try:
        canonical_id(text)
    except ValueError:
        return False
    return True


def _change(line: int, before: Entity | None, after: Entity) -> ImportChange | None:
    """Return what a row changes, or None."""
    if before is None:
        return ImportChange(line=line, change="created", id=after.id, fields=[])
    if before == after:
        return None
    fields = _changed_fields(before, after)
    return ImportChange(line=line, change="changed", id=after.id, fields=fields)


def _changed_fields(before: Entity, after: Entity) -> list[str]:
    old, new = before.latest.facts, after.latest.facts
    names = sorted((old.keys() | new.keys()) - {WITHDRAWN})
    changed = [name for name in names if old.get(name) != new.get(name)]
    return [*changed, *(["deleted_at"] if before.archived_at != after.archived_at else [])]
