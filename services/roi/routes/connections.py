"""/v1/connections: webhooks of shop systems. The id is the secret part of the URL: 128 random bits.

Promise: a secret is sealed before it is stored, and no answer shows it. After a change the previous
secret stays valid, so that a shop can rotate it.
"""

import secrets
from typing import Any, ClassVar, Final
from uuid import UUID

from typing_extensions import override

from services.roi.domain.entity import Entity, EntityFacts, Version
from services.roi.routes.catalog_calls import catalog_router
from services.roi.routes.parts import Parts
from services.roi.routes.resource import Example, Resource, Work, plain_facts
from services.roi.wire.rules import ConnectionAnswer, ConnectionBody
from shared.api.openapi import EXAMPLE_EXTERNAL_ID
from shared.extensions import VENDOR_PACKAGE, folder_names

ID_BYTES: Final = 16
# The newest and the previous secret. Rotation needs no more, and a stored secret may leak.
SECRETS_MAX: Final = 2


class Connections(Resource[ConnectionBody]):
    """Connections as a resource. Sealing needs the id, so `draft` puts it into the facts."""

    kind = "connection"
    path = "/v1/connections"
    answer = ConnectionAnswer
    example: ClassVar[Example] = {
        "external_id": EXAMPLE_EXTERNAL_ID,
        "kind": folder_names(VENDOR_PACKAGE)[0],
        "secret": "the secret that the vendor shows",
        "shop_domain": "shop.example.com",
    }
    correction: ClassVar[Example] = {"shop_domain": "shop.example.org"}

    @override
    async def draft(self, work: Work, body: ConnectionBody, current: EntityFacts | None) -> Version:
        sealer = work.parts.sealer
        connection_id = current["id"] if current else str(UUID(bytes=secrets.token_bytes(ID_BYTES)))
        known: list[str] = list(current["sealed_secrets"]) if current else []
        if not known or sealer.unseal(known[0], connection_id) != body.secret:
            known = [sealer.seal(body.secret, connection_id), *known][:SECRETS_MAX]
        own = {"id": connection_id, "sealed_secrets": known}
        return Version(plain_facts(body, "secret") | own)

    @override
    def id_of(self, row: Version) -> str:
        connection_id: str = row.facts["id"]
        return connection_id

    @override
    def restated(self, parts: Parts, entity_id: str, row: Version) -> dict[str, Any]:
        secret = parts.sealer.unseal(row.facts["sealed_secrets"][0], entity_id)
        return super().restated(parts, entity_id, row) | {"secret": secret}

    @override
    def shown(self, parts: Parts, entity: Entity) -> dict[str, Any]:
        facts = entity.latest.facts
        address = f"{parts.short_base}/webhooks/{facts['kind']}/{entity.id}"
        return {
            "kind": facts["kind"],
            "shop_domain": facts["shop_domain"],
            "webhook_url": address,
        }


router = catalog_router(Connections(ConnectionBody))
