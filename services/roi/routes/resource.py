"""What a kind of catalog object is to the calls: its path, its shapes, and the few steps in which it differs from the others.

Promise: a `Resource` decides meaning (do the things named exist, which facts follow from the body) and `catalog_calls.py` does everything
else the same way for all. What can go wrong: a `Problem` that names the field; the transaction is then rolled back.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, TypeVar

from services.roi.domain.entity import Entity, EntityFacts, EntityKind, Version
from services.roi.routes.parts import Parts
from services.roi.store.catalog import Writer
from services.roi.wire.fields import Named, Stored, canonical_id
from shared.http.problems import FieldError, Problem, field_problem
from shared.ids import new_id

Body = TypeVar("Body", bound=Named)
Example = Mapping[str, Any]
# Not facts of the object: its identity, and when a row holds.
_NOT_FACTS: Final = {"external_id", "valid_from", "valid_to"}


@dataclass(frozen=True, slots=True)
class Work:
    """One writing request: the parts, the writer of its transaction, and the caller's Idempotency-Key."""

    parts: Parts
    writer: Writer
    idempotency_key: str | None = None
    minted: list[str] = field(default_factory=list)
    """Secrets that only the answer to this request shows."""

    async def referred(self, field_name: str, kind: EntityKind, entity_id: str) -> Entity:
        """The object that a body names in `field_name`; 422 with the words of a 404 when there is none in this workspace."""
        found = await self.writer.find(kind, entity_id)
        if found is None:
            raise field_problem(field_name, missing_text(kind, entity_id))
        return found

    async def workspace_facts(self) -> EntityFacts:
        """Name, time zone and currency of the workspace."""
        workspace = await self.writer.find("workspace", self.writer.workspace_id)
        assert workspace is not None, "a workspace is made with its row"
        return workspace.latest.facts


class Resource(ABC, Generic[Body]):
    """One kind of object. Each has one row of facts, except a link, which has one for each period.

    `patch_valid_from` is the type of `valid_from` in a PATCH, where the body has no field of that
    name; `patch_means` tells a reader of the API what a PATCH does to the past. `example` and
    `correction` are the bodies of POST or PUT and of PATCH in the OpenAPI document; tests send them.
    """

    kind: ClassVar[EntityKind]
    path: ClassVar[str]
    answer: ClassVar[type[Stored]]
    example: ClassVar[Example]
    correction: ClassVar[Example]
    created_answer: ClassVar[type[Stored] | None] = None
    patch_valid_from: ClassVar[Any] = None
    patch_means: ClassVar[str | None] = None
    read_scope: ClassVar[str] = "read"
    write_scope: ClassVar[str] = "write"

    def __init__(self, body: type[Body]) -> None:
        self.body = body

    @abstractmethod
    async def draft(self, work: Work, body: Body, current: EntityFacts | None) -> Version:
        """The row that a body makes; `current` are the facts it takes the place of, None for a new object."""

    @abstractmethod
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        """What the answer shows beside the identity."""

    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        """The body that would make this row: what a correction is laid over."""
        del parts, entity_id
        kept = {name: value for name, value in row.facts.items() if name in self.body.model_fields}
        times = {"valid_from": row.valid_from, "valid_to": row.valid_to}
        return kept | {n: v for n, v in times.items() if n in self.body.model_fields}

    def row_to_correct(
        self, rows: tuple[Version, ...], named: dict[str, Any]
    ) -> tuple[tuple[Version, ...], int]:
        """The rows, and the place of the one that a correction of what is named is about."""
        del named
        return rows, len(rows) - 1

    def rows_with(self, rows: tuple[Version, ...], place: int, row: Version) -> tuple[Version, ...]:
        """All rows once `row` stands at `place`."""
        del rows, place
        return (row,)

    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        """The whole body after a correction of what is named."""
        return current | named

    def id_of(self, row: Version) -> str:
        """The id of the new object that a row makes."""
        del row
        return new_id()

    def guard(self, entity: Entity) -> None:
        """Refuse to change an object that follows another."""
        del entity

    async def saved(self, work: Work, entity: Entity, *, is_new: bool) -> None:
        """What else a change writes in the same transaction."""
        del work, entity, is_new

    def show(self, parts: Parts, entity: Entity) -> Stored:
        """The answer that shows the object."""
        return self.answer.model_validate(identity(entity) | self.shown(parts, entity))

    def show_created(self, work: Work, entity: Entity) -> Stored:
        """The answer to a POST."""
        return self.show(work.parts, entity)

    def to_remember(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What may be kept of the answer to a POST, for its repetition."""
        return answer

    def repeated(self, work: Work, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer again, from what was kept."""
        del work
        return answer


def identity(entity: Entity) -> dict[str, Any]:
    """What every answer shows of an object."""
    return {
        "id": entity.id,
        "external_id": entity.external_id,
        "created_at": entity.created_at,
        "deleted_at": entity.archived_at,
    }


def plain_facts(body: Named, *without: str) -> dict[str, Any]:
    """The body's values as JSON, without those named and without what is no fact."""
    return body.model_dump(mode="json", exclude=_NOT_FACTS | set(without))


def missing_text(kind: str, entity_id: str) -> str:
    """One sentence for an id that is unknown and for one of another workspace."""
    return f"there is no {kind} with id {entity_id}"


def missing(kind: str, entity_id: str) -> Problem:
    """404 for an object in the path."""
    return Problem(404, None, missing_text(kind, entity_id))


def path_id(kind: str, text: str) -> str:
    """The id in a path; what cannot be an id is as unknown as any other."""
    try:
        return canonical_id(text)
    except ValueError:
        raise missing(kind, text) from None


def check_one_of(body: Named, *fields: str) -> None:
    """422 unless exactly one of the fields is given."""
    given = [field for field in fields if getattr(body, field) is not None]
    if len(given) == 1:
        return
    sentence = "give exactly one of " + ", ".join(fields)
    named = given or list(fields[:1])
    raise Problem(422, None, sentence, [FieldError(field, sentence) for field in named])


def keep_one_of(
    current: dict[str, Any], named: dict[str, Any], fields: tuple[str, ...]
) -> dict[str, Any]:
    """A correction that names another owner takes the place of the owner before it."""
    if any(named.get(field) is not None for field in fields):
        current = {name: value for name, value in current.items() if name not in fields}
    return current | named
