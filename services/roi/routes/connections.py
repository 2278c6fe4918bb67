"""/v1/connections: a storefront's webhooks: their secrets, and the URL that receives them.

The id is part of the webhook URL: 128 random bits. Who has a secret can report orders, so every
change needs the scope `admin`.

Promise: a secret is sealed before it is stored, and no answer shows it. Two secrets at most are
valid at once. PUT and PATCH change none: a rotation adds the new secret
(`POST /v1/connections/{id}/secrets`) and later removes the old one
(`DELETE /v1/connections/{id}/secrets/{number}`).
What can go wrong: 409 for a third secret, for the removal of the only one, and for a PUT with a
secret that the connection does not have.
"""

import hmac
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import Depends, Path, Request
from starlette.responses import Response
from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.domain.stores import known_shop, name_of_shop
from services.roi.routes.catalog_calls import (
    IdempotencyKey,
    answered,
    catalog_router,
    existing,
    object_id_type,
    writing,
    written_once,
)
from services.roi.routes.parts import Parts, parts_of, require
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.routes.stores import made_for_shop
from services.roi.store.connected_shops import connected_shops
from services.roi.wire.fields import Stored
from services.roi.wire.rules import ConnectionAnswer, ConnectionBody, SecretBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, example_body, problems
from shared.extensions import VENDOR_PACKAGE, folder_names
from shared.http.auth import Principal
from shared.http.problems import Problem, field_problem
from shared.ids import main_store_id

ID_BYTES: Final = 16
# The newest and the one before it. A rotation needs no more, and a stored secret may leak.
SECRETS_MAX: Final = 2
_ADD: Final = "POST /v1/connections/{id}/secrets"
_REMOVE: Final = "DELETE /v1/connections/{id}/secrets/{number}"


class Connections(Resource[ConnectionBody]):
    """Connections as a resource. Sealing needs the id, so `draft` puts it into the facts."""

    kind = "connection"
    path = "/v1/connections"
    answer = ConnectionAnswer
    write_scope = "admin"
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "kind": folder_names(VENDOR_PACKAGE)[0],
        "secret": "the secret that the vendor shows",
        "shop_domain": "shop.example.com",
    }
    correction: ClassVar[Example] = {"shop_domain": "shop.example.org"}
    patch_refuses: ClassVar[Mapping[str, str]] = {
        "secret": f"is not replaced: add it with {_ADD}, then {_REMOVE} the old one"
    }

    @override
    async def draft(self, work: Work, body: ConnectionBody, current: EntityFacts | None) -> Version:
        if body.store_id is not None:
            await work.referred("store_id", "store", body.store_id)
        facts = plain_facts(body, "secret")
        if current is not None:
            if body.secret is not None:
                _check_known(work, current, body.secret)
            kept = body.store_id or current.get("store_id")
            return Version({**current, **facts, "store_id": kept})
        if body.secret is None:
            raise field_problem("secret", "this field is required")
        facts["store_id"] = body.store_id or await _store_of(work, body)
        connection_id = str(UUID(bytes=secrets.token_bytes(ID_BYTES)))
        sealed = work.parts.sealer.seal(body.secret, connection_id)
        return Version(facts | {"id": connection_id} | _secrets([(1, sealed)], made=1))

    @override
    def id_of(self, row: Version) -> str:
        connection_id: str = row.facts["id"]
        return connection_id

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        facts = entity.latest.facts
        address = f"{parts.short_base}/webhooks/{facts['kind']}/{entity.id}"
        return {
            "kind": facts["kind"],
            "shop_domain": facts["shop_domain"],
            "store_id": facts.get("store_id") or main_store_id(entity.workspace_id),
            "webhook_url": address,
            "secret_numbers": [number for number, _ in _numbered(facts)],
        }


async def _store_of(work: Work, body: ConnectionBody) -> str:
    """Return the id of the store of a new connection that names none; it may be a new store."""
    connected = await connected_shops(work.writer)
    known = known_shop(body.kind, body.shop_domain, connected)
    if known is not None and known.store_id is not None:
        return known.store_id
    if known is not None or not connected:
        return main_store_id(work.writer.workspace_id)
    return await made_for_shop(work, name_of_shop(body.kind, body.shop_domain, connected))


def _numbered(facts: EntityFacts) -> list[tuple[int, str]]:
    """Return number and sealed text of each secret, the newest first.

    Connections of earlier releases have no numbers: their secrets count upwards by age.
    """
    sealed = facts["sealed_secrets"]
    numbers = facts.get("secret_numbers") or range(len(sealed), 0, -1)
    return list(zip(numbers, sealed, strict=True))


def _secrets(numbered: list[tuple[int, str]], *, made: int) -> dict[str, Any]:
    """Return the facts that hold the secrets; `made` counts also those that were removed."""
    return {
        "sealed_secrets": [sealed for _, sealed in numbered],
        "secret_numbers": [number for number, _ in numbered],
        "secrets_made": made,
    }


def _has(work: Work, facts: EntityFacts, secret: str) -> bool:
    opened = [work.parts.sealer.unseal(sealed, facts["id"]) for _, sealed in _numbered(facts)]
    return any(hmac.compare_digest(secret.encode(), known.encode()) for known in opened)


def _check_known(work: Work, facts: EntityFacts, secret: str) -> None:
    if not _has(work, facts, secret):
        message = f"is none of this connection's; add it with {_ADD}, then {_REMOVE} the old one"
        raise field_problem("secret", message, 409)


_RESOURCE: Final = Connections(ConnectionBody)
router = catalog_router(_RESOURCE)
ConnectionId = object_id_type(_RESOURCE)
SecretNumber = Annotated[
    str,
    Path(description="The number of the secret, of `secret_numbers`.", examples=["1"]),
]


async def add_secret(
    request: Request,
    caller: Annotated[Principal, Depends(require("admin"))],
    object_id: str,
    body: SecretBody,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add a second secret. Deliveries signed with either are accepted."""

    async def add(work: Work) -> Stored:
        entity = await existing(work, _RESOURCE, object_id)
        facts = entity.latest.facts
        numbered = _numbered(facts)
        if _has(work, facts, body.secret):
            raise field_problem("secret", "the connection has this secret already", 409)
        if len(numbered) >= SECRETS_MAX:
            message = f"the connection has {SECRETS_MAX} secrets; {_REMOVE} the old one first"
            raise field_problem("secret", message, 409)
        made = facts.get("secrets_made", len(numbered)) + 1
        added = (made, work.parts.sealer.seal(body.secret, entity.id))
        return await _changed(work, entity, _secrets([added, *numbered], made=made))

    return await written_once(request, caller, idempotency_key, add)


async def remove_secret(
    request: Request,
    caller: Annotated[Principal, Depends(require("admin"))],
    object_id: str,
    number: SecretNumber,
) -> Response:
    """Remove one of two secrets. Deliveries signed with it are refused within a second."""
    async with writing(parts_of(request), caller.workspace_id) as work:
        entity = await existing(work, _RESOURCE, object_id)
        facts = entity.latest.facts
        numbered = _numbered(facts)
        kept = [item for item in numbered if str(item[0]) != number]
        if len(kept) == len(numbered):
            raise Problem(404, None, f"the connection has no secret with number {number}")
        if not kept:
            message = f"is the connection's only secret; add another one with {_ADD} first"
            raise field_problem("number", message, 409)
        made = facts.get("secrets_made", len(numbered))
        answer = await _changed(work, entity, _secrets(kept, made=made))
    return answered(answer)


async def _changed(work: Work, entity: Entity, named: EntityFacts) -> Stored:
    version = Version({**entity.latest.facts, **named})
    changed = await work.writer.change(entity, versions=(version,))
    return _RESOURCE.show(work.parts, changed)


add_secret.__annotations__["object_id"] = ConnectionId
remove_secret.__annotations__["object_id"] = ConnectionId
router.post(
    "/{object_id}/secrets",
    status_code=201,
    response_model=ConnectionAnswer,
    responses=problems(409),
    openapi_extra=example_body({"secret": "the next secret of the vendor"}),
    summary="Add a secret to a connection",
)(add_secret)
router.delete(
    "/{object_id}/secrets/{number}",
    response_model=ConnectionAnswer,
    responses=problems(409),
    summary="Remove a secret of a connection",
)(remove_secret)
