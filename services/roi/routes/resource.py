"""The base class of a kind of catalog object: its path, its shapes, and the steps of its own.

Promise: a `Resource` checks references and makes the facts from the body. `catalog_calls.py` does
everything else, in the same way for all kinds.
What can go wrong: a `Problem` that names the field; the transaction is then rolled back.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Generic, TypeVar

from services.roi.domain.entity import Entity, EntityFacts, EntityKind, Version
from services.roi.routes.parts import Parts
from services.roi.store.catalog import Writer
from services.roi.wire.fields import Named, Stored, canonical_id
from shared.http.problems import FieldError, Problem, field_problem
from shared.ids import new_id

Body = TypeVar("Body", bound=Named)
Example = Mapping[str, Any]
# Body fields that are not facts: the external id, and the period of a version.
_NOT_FACTS: Final = {"external_id", "valid_from", "valid_to"}


@dataclass(frozen=True, slots=True)
class Work:
    """One writing request: the parts, the writer of its transaction, its Idempotency-Key."""

    parts: Parts
    writer: Writer
    idempotency_key: str | None = None
    minted: list[str] = field(default_factory=list)
    """Secrets that only the answer to this request shows."""

    async def referred(self, field_name: str, kind: EntityKind, entity_id: str) -> Entity:
        """Return the object that a body names in `field_name`; 422 when it does not exist."""
        found = await self.writer.find(kind, entity_id)
        if found is None:
            raise field_problem(field_name, missing_text(kind, entity_id))
        return found

    async def workspace_facts(self) -> EntityFacts:
        """Return name, time zone and currency of the workspace."""
        workspace = await self.writer.find("workspace", self.writer.workspace_id)
        assert workspace is not None, "a workspace and its entity are created together"
        return workspace.latest.facts


class Resource(ABC, Generic[Body]):
    """One kind of object. An object has one version; a link has one for each period.

    `patch_valid_from`: the type of `valid_from` in a PATCH, when the body has no field of that
    name. `patch_means`: the description of PATCH in the OpenAPI document. `patch_refuses`: fields
    that a PATCH never changes, with the message. `example`, `correction`: the bodies of POST or PUT
    and of PATCH in that document; tests send them.
    """

    kind: ClassVar[EntityKind]
    path: ClassVar[str]
    answer: ClassVar[type[Stored]]
    example: ClassVar[Example]
    correction: ClassVar[Example]
    created_answer: ClassVar[type[Stored] | None] = None
    patch_valid_from: ClassVar[Any] = None
    patch_means: ClassVar[str | None] = None
    patch_refuses: ClassVar[Mapping[str, str]] = {}
    read_scope: ClassVar[str] = "read"
    write_scope: ClassVar[str] = "write"

    def __init__(self, body: type[Body]) -> None:
        self.body = body

    @abstractmethod
    async def draft(self, work: Work, body: Body, current: EntityFacts | None) -> Version:
        """Return the version that a body makes. `current`: the facts it replaces, None if new."""

    @abstractmethod
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        """Return the fields of the answer, without the identity."""

    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        """Return the body that would make this version; a correction changes it."""
        del parts, entity_id
        kept = {name: value for name, value in row.facts.items() if name in self.body.model_fields}
        times = {"valid_from": row.valid_from, "valid_to": row.valid_to}
        return kept | {n: v for n, v in times.items() if n in self.body.model_fields}

    def row_to_correct(
        self, rows: tuple[Version, ...], named: dict[str, Any]
    ) -> tuple[tuple[Version, ...], int]:
        """Return the versions, and the index of the one that a correction changes."""
        del named
        return rows, len(rows) - 1

    def rows_with(self, rows: tuple[Version, ...], place: int, row: Version) -> tuple[Version, ...]:
        """Return all versions after `row` replaced the one at `place`."""
        del rows, place
        return (row,)

    def merged(self, current: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        """Return the whole body after a correction of the named fields."""
        return current | named

    def id_of(self, row: Version) -> str:
        """Return the id of the new object with this version."""
        del row
        return new_id()

    def guard(self, entity: Entity) -> None:
        """Raise `Problem` when the object must not be changed directly."""
        del entity

    def guard_archive(self, entity: Entity) -> None:
        """Raise `Problem` when the object must not be archived."""
        del entity

    def guard_replacement(self, entity: Entity) -> None:
        """Raise `Problem` when a PUT must not replace the object, such as a revoked key."""
        del entity

    async def saved(self, work: Work, entity: Entity, *, is_new: bool) -> None:
        """Write what else belongs to a change, in the same transaction."""
        del work, entity, is_new

    def show(self, parts: Parts, entity: Entity) -> Stored:
        """Return the answer that shows the object."""
        return self.answer.model_validate(identity(entity) | self.shown(parts, entity))

    def show_created(self, work: Work, entity: Entity) -> Stored:
        """Return the answer to a POST."""
        return self.show(work.parts, entity)

    def to_remember(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the part of the answer to a POST that is stored for a repeated request."""
        return answer

    def repeated(self, work: Work, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a repeated POST, made from the stored part."""
        del work
        return answer


def identity(entity: Entity) -> dict[str, Any]:
    """Return the fields that every answer has."""
    return {
        "id": entity.id,
        "external_id": entity.external_id,
        "created_at": entity.created_at,
        "deleted_at": entity.archived_at,
    }


def plain_facts(body: Named, *without: str) -> dict[str, Any]:
    """Return the body's facts as JSON values, without the named fields."""
    return body.model_dump(mode="json", exclude=_NOT_FACTS | set(without))


def says_the_same(body: type[Named], stored: Sequence[Version], made: Sequence[Version]) -> bool:
    """Return whether new versions equal the stored ones, which may lack fields of a later release.

    A field that a stored version lacks has its default.
    """
    return len(stored) == len(made) and all(
        replace(new, facts=_without_later_defaults(body, old.facts, new.facts)) == old
        for old, new in zip(stored, made, strict=True)
    )


def _without_later_defaults(
    body: type[Named], old: EntityFacts, new: EntityFacts
) -> dict[str, Any]:
    later = (new.keys() - old.keys()) & body.model_fields.keys()
    same = {
        name
        for name in later
        if new[name] == body.model_fields[name].get_default(call_default_factory=True)
    }
    return {name: value for name, value in new.items() if name not in same}


def missing_text(kind: str, entity_id: str) -> str:
    """Return the message for an id that is unknown or belongs to another workspace."""
    return f"there is no {kind} with id {entity_id}"


def missing(kind: str, entity_id: str) -> Problem:
    """Return the 404 for an object in the path."""
    return Problem(404, None, missing_text(kind, entity_id))


def path_id(kind: str, text: str) -> str:
    """Return the id in a path in canonical form; 404 for a text that is not an id."""
    try:
        return canonical_id(text)
    except ValueError:
        raise missing(kind, text) from None


def check_one_of(body: Named, *fields: str) -> None:
    """Raise a 422 unless exactly one of the fields is given."""
    given = [field for field in fields if getattr(body, field) is not None]
    if len(given) != 1:
        raise _too_few_or_many("give exactly one of ", fields, given or fields[:1])


def check_at_most_one_of(body: Named, *fields: str) -> None:
    """Raise a 422 when more than one of the fields is given."""
    given = [field for field in fields if getattr(body, field) is not None]
    if len(given) > 1:
        raise _too_few_or_many("give at most one of ", fields, given)


def _too_few_or_many(rule: str, fields: Sequence[str], wrong: Sequence[str]) -> Problem:
    sentence = rule + ", ".join(fields)
    return Problem(422, None, sentence, [FieldError(field, sentence) for field in wrong])


def keep_one_of(
    current: dict[str, Any], named: dict[str, Any], fields: tuple[str, ...]
) -> dict[str, Any]:
    """Return the body after a correction; a named owner replaces the former one."""
    if any(named.get(field) is not None for field in fields):
        current = {name: value for name, value in current.items() if name not in fields}
    return current | named
