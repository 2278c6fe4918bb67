"""The routes of every kind of catalog object: POST, GET, PATCH, PUT by external id, DELETE.

Promise: a write is one transaction under the workspace's lock. It stores the object, its versions,
its record in the outbox and the answer for a repeated request. An equal state writes nothing.
What can go wrong: 404 for the path, 422 for the body, 409 for a taken external id or a reused
Idempotency-Key. Each 422 and 409 names the field.
"""

import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from services.roi.domain.entity import Entity, EntityKind, Version
from services.roi.routes.parts import Parts, parts_of, require
from services.roi.routes.resource import Body, Resource, Work, missing, path_id, says_the_same
from services.roi.store.catalog import PageRequest, Reader, Writer
from services.roi.store.idempotency import OtherBody, remember, remembered
from services.roi.wire.fields import ExternalId, Named
from services.roi.wire.patches import named_values, patch_of
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_body, example_id, problems
from shared.api.shapes import (
    AnswerModel,
    ListParameters,
    Page,
    StrictModel,
    decode_cursor,
    encode_cursor,
)
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import FieldError, Problem, field_errors, field_problem

# UUIDs and hashes have 36 to 64 characters; a longer key is a mistake.
IDEMPOTENCY_KEY_CHARACTERS_MAX: Final = 255
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# The facts of one object with all its periods, as JSON. The fields of a body hold less; only a
# creator's audience and the periods of a link can reach it.
OBJECT_BYTES_MAX: Final = 64 * 1024
# Microseconds from 1970 to the year 9000: the greatest time in a cursor.
_CURSOR_TIME_MAX: Final = 221_845_392_000_000_000

Model = TypeVar("Model", bound=BaseModel)
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description=(
            "Identifies the request: the same key with the same body gives the same answer again."
        ),
    ),
]
KnownExternalId = Annotated[
    ExternalId, Path(description="Your own id of the object.", examples=[EXAMPLE_EXTERNAL_ID])
]


class CatalogListParameters(ListParameters):
    """The page of a list, with or without archived objects."""

    include_archived: bool = False
    """Whether archived objects are listed as well."""


@asynccontextmanager
async def writing(
    parts: Parts, workspace_id: str, idempotency_key: str | None = None
) -> AsyncIterator[Work]:
    """Open the writing transaction of a request; wake the relay after its commit."""
    async with parts.database.write([workspace_id]) as conn:
        writer = await Writer.begin(conn, workspace_id, parts.clock.now())
        yield Work(parts, writer, idempotency_key)
    parts.wake_relay()


async def written_once(
    request: Request,
    caller: Principal,
    idempotency_key: str | None,
    act: Callable[[Work], Awaitable[AnswerModel]],
    *,
    to_remember: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer,
    repeated: Callable[[Work, dict[str, Any]], dict[str, Any]] = lambda _work, answer: answer,
) -> Response:
    """Return the 201 of a POST; a request with a known Idempotency-Key has no second effect.

    `to_remember` and `repeated`: the stored part of the answer, and the answer made from it.
    """
    parts = parts_of(request)
    mac = None
    if idempotency_key is not None:
        _check_idempotency_key(idempotency_key)
        mac = await _body_mac(parts, request)
    async with writing(parts, caller.workspace_id, idempotency_key) as work:
        if idempotency_key is None or mac is None:
            return answered(await act(work), 201)
        known = await _remembered(work, idempotency_key, mac)
        if known is not None:
            return JSONResponse(repeated(work, known), 201)
        answer = (await act(work)).model_dump(mode="json", by_alias=True)
        await remember(work.writer, idempotency_key, mac, to_remember(answer))
    return JSONResponse(answer, 201)


def catalog_router(resource: Resource[Body]) -> Router:
    """Return the router with all calls of one kind of object."""
    tag = resource.path.rsplit("/", 1)[-1]
    router = Router(prefix=resource.path, tags=[tag], responses=problems(429))
    reader: Any = Annotated[Principal, Depends(require(resource.read_scope))]
    writer: Any = Annotated[Principal, Depends(require(resource.write_scope))]
    _add_reads(router, resource, reader)
    _add_create(router, resource, writer)
    _add_changes(router, resource, writer)
    _add_put(router, resource, writer)
    return router


def _add_reads(router: Router, resource: Resource[Body], caller_type: Any) -> None:
    async def list_page(
        request: Request, caller: Principal, page: Annotated[CatalogListParameters, Query()]
    ) -> Response:
        parts = parts_of(request)
        return await listed(
            parts, caller, resource.kind, page, lambda entity: resource.show(parts, entity)
        )

    async def show(request: Request, caller: Principal, object_id: str) -> Response:
        parts = parts_of(request)
        wanted = path_id(resource.kind, object_id)
        async with parts.database.read([caller.workspace_id]) as conn:
            found = await (await Reader.of(conn, caller.workspace_id)).find(resource.kind, wanted)
        if found is None:
            raise missing(resource.kind, wanted)
        return answered(resource.show(parts, found))

    list_page.__annotations__["caller"] = caller_type
    show.__annotations__ |= {"caller": caller_type, "object_id": object_id_type(resource)}
    page_type: Any = Page[resource.answer]  # type: ignore[name-defined] # a type made at run time
    router.get("", response_model=page_type, summary=f"List {_plural(resource)}")(list_page)
    router.get("/{object_id}", response_model=resource.answer, summary=f"Show one {resource.kind}")(
        show
    )


def _add_create(router: Router, resource: Resource[Body], caller_type: Any) -> None:
    async def create(
        request: Request, caller: Principal, body: Body, idempotency_key: IdempotencyKey = None
    ) -> Response:
        return await written_once(
            request,
            caller,
            idempotency_key,
            lambda work: _created(work, resource, body),
            to_remember=resource.to_remember,
            repeated=resource.repeated,
        )

    create.__annotations__ |= {"caller": caller_type, "body": resource.body}
    router.post(
        "",
        status_code=201,
        response_model=resource.created_answer or resource.answer,
        responses=problems(409),
        openapi_extra=example_body(resource.example),
        summary=f"Create a {resource.kind}",
    )(create)


def _add_changes(router: Router, resource: Resource[Body], caller_type: Any) -> None:
    patch_type = patch_of(resource.body, resource.patch_valid_from, resource.patch_refuses)

    async def correct(
        request: Request, caller: Principal, object_id: str, patch: StrictModel
    ) -> Response:
        async with writing(parts_of(request), caller.workspace_id) as work:
            entity = await existing(work, resource, object_id)
            changed = await correct_object(work, resource, entity, named_values(patch))
        return answered(resource.show(work.parts, changed))

    async def archive(request: Request, caller: Principal, object_id: str) -> Response:
        async with writing(parts_of(request), caller.workspace_id) as work:
            entity = await existing(work, resource, object_id)
            resource.guard(entity)
            resource.guard_archive(entity)
            if entity.archived_at is None:
                archived_at = work.writer.recorded_at
                entity = await work.writer.change(entity, archived_at=archived_at)
                await resource.saved(work, entity, is_new=False)
        return answered(resource.show(work.parts, entity))

    known_id = object_id_type(resource)
    correct.__annotations__ |= {"caller": caller_type, "patch": patch_type, "object_id": known_id}
    archive.__annotations__ |= {"caller": caller_type, "object_id": known_id}
    options: Any = {"response_model": resource.answer, "responses": problems(409)}
    kind = type(resource)
    is_guarded = (kind.guard, kind.guard_archive) != (Resource.guard, Resource.guard_archive)
    router.patch(
        "/{object_id}",
        summary=f"Correct a {resource.kind}",
        description=resource.patch_means,
        openapi_extra=example_body(resource.correction),
        **options,
    )(correct)
    router.delete(
        "/{object_id}",
        response_model=resource.answer,
        responses=problems(409) if is_guarded else None,
        summary=f"Archive a {resource.kind}",
    )(archive)


def _add_put(router: Router, resource: Resource[Body], caller_type: Any) -> None:
    async def put(
        request: Request, caller: Principal, external_id: KnownExternalId, body: Body
    ) -> Response:
        if body.external_id not in (None, external_id):
            raise field_problem("external_id", "differs from the one in the path")
        whole = body.model_copy(update={"external_id": external_id})
        async with writing(parts_of(request), caller.workspace_id) as work:
            entity = await work.writer.find_external(resource.kind, external_id)
            if entity is None:
                return answered(await _created(work, resource, whole), 201)
            changed = await _replace(work, resource, entity, whole)
        return answered(resource.show(work.parts, changed))

    put.__annotations__ |= {"caller": caller_type, "body": resource.body}
    made: Any = {
        "model": resource.created_answer or resource.answer,
        "description": "The object is new",
    }
    router.put(
        "/by-external-id/{external_id:path}",
        response_model=resource.answer,
        responses=problems(409) | {201: made},
        openapi_extra=example_body(resource.example),
        summary=f"Create or replace a {resource.kind}",
    )(put)


async def listed(
    parts: Parts,
    caller: Principal,
    kind: EntityKind,
    page: CatalogListParameters,
    show: Callable[[Entity], AnswerModel],
) -> Response:
    """Return a page of the objects of one kind."""
    wanted = PageRequest(_after(page.cursor), page.limit, page.include_archived)
    async with parts.database.read([caller.workspace_id]) as conn:
        reader = await Reader.of(conn, caller.workspace_id)
        found = await reader.page(kind, wanted)
    answer: Page[Any] = Page(
        items=[show(entity) for entity in found.entities],
        next_cursor=_cursor(found.entities[-1]) if found.more else None,
    )
    return answered(answer)


def object_id_type(resource: Resource[Body]) -> Any:
    """Return the type of the id in the path, with the example id of this kind of object."""
    told = Path(description=f"The id of the {resource.kind}.", examples=[example_id(resource.kind)])
    return Annotated[str, told]


def answered(answer: AnswerModel, status: int = 200) -> JSONResponse:
    """Return the answer as a JSON response."""
    return JSONResponse(answer.model_dump(mode="json", by_alias=True), status)


def validated(body: type[Model], values: dict[str, Any]) -> Model:
    """Return the validated whole body after a correction; 422 names the wrong fields."""
    try:
        return body.model_validate(values)
    except ValidationError as error:
        errors = field_errors(error.errors())
        detail = "; ".join(f"{item.field}: {item.message}" for item in errors[:3])
        raise Problem(422, None, detail, errors) from None


async def _created(work: Work, resource: Resource[Body], body: Body) -> AnswerModel:
    return resource.show_created(work, await create_object(work, resource, body))


async def create_object(work: Work, resource: Resource[Body], body: Body) -> Entity:
    """POST: make the object of a body."""
    await _check_external_id(work, resource, body.external_id, None)
    row = await resource.draft(work, body, None)
    _check_size((row,))
    entity = await work.writer.create(resource.kind, resource.id_of(row), (row,), body.external_id)
    await resource.saved(work, entity, is_new=True)
    return entity


async def existing(work: Work, resource: Resource[Body], object_id: str) -> Entity:
    """Return the object with the id in the path; 404 when there is none."""
    wanted = path_id(resource.kind, object_id)
    found = await work.writer.find(resource.kind, wanted)
    if found is None:
        raise missing(resource.kind, wanted)
    return found


async def correct_object(
    work: Work, resource: Resource[Body], entity: Entity, named: dict[str, Any], **changes: Any
) -> Entity:
    """PATCH: change the named fields in the version that the resource selects.

    `changes` of the entity, such as `archived_at`, are stored with them.
    """
    rows, place = resource.row_to_correct(entity.versions, named)
    current = resource.restated(work.parts, entity.id, rows[place])
    values = resource.merged(current | {"external_id": entity.external_id}, named)
    body = validated(resource.body, values)
    row = await resource.draft(work, body, rows[place].facts)
    changes |= {"versions": resource.rows_with(rows, place, row)}
    return await _save(work, resource, entity, body, changes)


async def _replace(work: Work, resource: Resource[Body], entity: Entity, body: Body) -> Entity:
    """PUT: replace all fields of the last version; an archived object becomes active again."""
    resource.guard_replacement(entity)
    rows, place = entity.versions, len(entity.versions) - 1
    row = await resource.draft(work, body, rows[place].facts)
    changes = {"versions": resource.rows_with(rows, place, row), "archived_at": None}
    return await _save(work, resource, entity, body, changes)


async def _save(
    work: Work,
    resource: Resource[Body],
    entity: Entity,
    body: Named,
    changes: dict[str, Any],
) -> Entity:
    resource.guard(entity)
    _check_size(changes["versions"])
    if says_the_same(resource.body, entity.versions, changes["versions"]):
        changes["versions"] = entity.versions
    await _check_external_id(work, resource, body.external_id, entity.id)
    changed = await work.writer.change(entity, external_id=body.external_id, **changes)
    await resource.saved(work, changed, is_new=False)
    return changed


async def _check_external_id(
    work: Work, resource: Resource[Body], external_id: str | None, own_id: str | None
) -> None:
    if external_id is None:
        return
    other = await work.writer.find_external(resource.kind, external_id)
    if other is not None and other.id != own_id:
        raise field_problem("external_id", f"is taken by {resource.kind} {other.id}", 409)


def _check_size(versions: Sequence[Version]) -> None:
    size = sum(len(json.dumps(version.facts).encode()) for version in versions)
    if size > OBJECT_BYTES_MAX:
        message = f"the object would have {size} bytes of JSON, more than {OBJECT_BYTES_MAX}"
        raise Problem(422, None, message, [FieldError("body", message)])


def _check_idempotency_key(key: str) -> None:
    if not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARACTERS_MAX or not key.isprintable():
        raise field_problem(
            "Idempotency-Key", f"send 1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} printable characters"
        )


async def _body_mac(parts: Parts, request: Request) -> bytes:
    """Return a keyed hash of path, parameters and body.

    It is made of the parsed values, so spacing and the order of names do not matter.
    """
    query = sorted(request.query_params.multi_items())
    place = [request.url.path, *([query] if query else [])]
    text = json.dumps([*place, await request.json()], sort_keys=True)
    return hmac.digest(parts.sealer.derive("idempotency"), text.encode(), "sha256")


async def _remembered(work: Work, key: str, mac: bytes) -> dict[str, Any] | None:
    try:
        return await remembered(work.writer, key, mac)
    except OtherBody:
        raise field_problem(
            "Idempotency-Key", "was used before with another request", 409
        ) from None


def _cursor(last: Entity) -> str:
    return encode_cursor((last.created_at - _EPOCH) // _MICROSECOND, last.id)


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    microseconds, entity_id = decode_cursor(cursor, (int, str))
    if not 0 <= microseconds <= _CURSOR_TIME_MAX:
        raise field_problem("cursor", "is not a cursor of this list; start again without one")
    try:
        wanted = path_id("cursor", entity_id)
    except Problem:
        raise field_problem(
            "cursor", "is not a cursor of this list; start again without one"
        ) from None
    return _EPOCH + microseconds * _MICROSECOND, wanted


def _plural(resource: Resource[Body]) -> str:
    return resource.path.rsplit("/", 1)[-1]
