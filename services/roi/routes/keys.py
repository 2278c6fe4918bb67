"""/v1/keys: API keys, for the scope `admin`. Only the answer to its creation shows a key.

Promise: only the SHA-256 of a key is stored. A repeated creation (same Idempotency-Key) shows the
same key, because the key is then derived from the installation's secret and the Idempotency-Key.
roi refuses an archived key at its next request; the other services do within a second. An archived
key is revoked for ever: a PUT by its external id is 409. Each key may ask what it may do itself.
"""

import hashlib
import hmac
import string
from typing import Annotated, Any, ClassVar, Final

from fastapi import Depends, Request
from starlette.responses import Response
from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import answered, catalog_router
from services.roi.routes.parts import Parts, parts_of, require
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.store.catalog import Reader
from services.roi.store.key_rows import save_key
from services.roi.wire.fields import Stored
from services.roi.wire.rules import (
    KeyAnswer,
    KeyBody,
    NewKeyAnswer,
    OwnKeyAnswer,
    WorkspaceOfKey,
)
from shared.api.openapi import EXAMPLE_EXTERNAL_ID, problems
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import field_problem
from shared.ids import api_key_hash, api_key_label
from shared.sealing import Sealer, new_api_key

_ALPHABET: Final = string.ascii_letters + string.digits


class Keys(Resource[KeyBody]):
    """Keys as a resource."""

    kind = "key"
    path = "/v1/keys"
    answer = KeyAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "name": "The shop's server",
        "scopes": ["track", "read"],
    }
    correction: ClassVar[Example] = {"name": "The new server"}
    created_answer = NewKeyAnswer
    read_scope = "admin"
    write_scope = "admin"

    @override
    async def draft(self, work: Work, body: KeyBody, current: EntityFacts | None) -> Version:
        scopes = _checked_scopes(body)
        facts = plain_facts(body) | {"scopes": scopes}
        if current is not None:
            if body.public != current["public"]:
                raise field_problem("public", "cannot be changed; create another key")
            return Version(facts | {name: current[name] for name in ("sha256", "label")})
        key = _minted(work, public=body.public)
        return Version(facts | {"sha256": api_key_hash(key), "label": api_key_label(key)})

    @override
    def guard_replacement(self, entity: Entity) -> None:
        if entity.archived_at is not None:
            message = "names a revoked key, which stays revoked; choose another external id"
            raise field_problem("external_id", message, 409)

    @override
    async def saved(self, work: Work, entity: Entity, *, is_new: bool) -> None:
        await save_key(work.writer, entity)

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        return {**entity.latest.facts}

    @override
    def show_created(self, work: Work, entity: Entity) -> Stored:
        shown = self.show(work.parts, entity).model_dump()
        return NewKeyAnswer.model_validate(shown | {"key": work.minted[0]})

    @override
    def to_remember(self, answer: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in answer.items() if name != "key"}

    @override
    def repeated(self, work: Work, answer: dict[str, Any]) -> dict[str, Any]:
        assert work.idempotency_key is not None, (
            "only a request with an Idempotency-Key is repeated"
        )
        return answer | {"key": _minted(work, public=answer["public"])}


def _checked_scopes(body: KeyBody) -> list[str]:
    if not body.public:
        if body.scopes is None:
            raise field_problem("scopes", "this field is required")
        if "collect" in body.scopes:
            raise field_problem("scopes", "only a public key has the scope collect")
        if body.origins:
            raise field_problem("origins", "only a public key may have origins")
        return list(body.scopes)
    if body.scopes not in (None, ["collect"]):
        raise field_problem("scopes", "a public key has the scope collect and no other")
    return ["collect"]


def _minted(work: Work, *, public: bool) -> str:
    """Return a new key: derived if the request has an Idempotency-Key, else random."""
    if work.idempotency_key is None:
        key = new_api_key(public=public)
    else:
        key = derived_api_key(
            work.parts.sealer, work.writer.workspace_id, work.idempotency_key, public=public
        )
    work.minted.append(key)
    return key


def derived_api_key(
    sealer: Sealer, workspace_id: str, idempotency_key: str, *, public: bool
) -> str:
    """Return the API key of an Idempotency-Key: 40 characters from an HMAC-SHA-512.

    62 letters do not divide 256 byte values, so some are slightly more frequent; 40 characters keep
    far more than 128 bits.
    """
    message = f"{workspace_id}/{public}/{idempotency_key}".encode()
    digest = hmac.new(sealer.derive("api-key"), message, hashlib.sha512).digest()
    text = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:40])
    return f"lrl_{'pub' if public else 'sec'}_{text[:8]}_{text[8:]}"


# The key that asks comes before the calls by id: `self` would be taken for one.
router = Router(responses=problems(429))


@router.get(
    "/v1/keys/self", response_model=OwnKeyAnswer, tags=["keys"], summary="Show the key that asks"
)
async def show_own_key(
    request: Request, caller: Annotated[Principal, Depends(require(None))]
) -> Response:
    """What the key may do, and in which workspace; any valid key may ask."""
    async with parts_of(request).database.read([caller.workspace_id]) as conn:
        reader = await Reader.of(conn, caller.workspace_id)
        key = await reader.find("key", caller.key_id)
        workspace = await reader.find("workspace", caller.workspace_id)
    assert key is not None, "what a key allows is stored together with the key"
    assert workspace is not None, "the workspace of a key exists"
    facts, brand = key.latest.facts, workspace.latest.facts
    shown = {name: facts[name] for name in ("name", "scopes", "public")}
    of_brand = {name: brand[name] for name in WorkspaceOfKey.model_fields}
    return answered(OwnKeyAnswer.model_validate({"id": key.id, "workspace": of_brand, **shown}))


router.include_router(catalog_router(Keys(KeyBody)))
