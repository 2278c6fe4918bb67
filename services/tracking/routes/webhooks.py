"""`POST /webhooks/{vendor}/{connection_id}`: signature first, then the payload.

Promise: the vendors are those whose adapters were found. Unknown vendor or connection 404, bad
signature 401, every good one 200 after the fsync, also for topics that are not used and for
payloads that cannot be (see `Intake.deliver`). What can go wrong: 503 with Retry-After while the
disk refuses, or before the connections are known.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Path, Request

from services.tracking.domain.deliveries import Adapter
from services.tracking.pipeline.accept_events import DeliveryResult, Intake
from services.tracking.store.catalog_memory import WebhookConnection
from services.tracking.wire.event_bodies import DeliveryOut, FlawOut
from shared.api.openapi import example_id, problems
from shared.http.body import Router
from shared.http.problems import Problem, busy_problem

EXAMPLE_CONNECTION_ID: Final = example_id("connection")


def webhooks_router(intake: Intake, adapters: Mapping[str, Adapter]) -> Router:
    """The route of storefront webhooks."""
    router = Router(tags=["webhooks"])
    words: dict[str, Any] = {"enum": sorted(adapters), "examples": sorted(adapters)[:1]}

    @router.post(
        "/webhooks/{vendor}/{connection_id}",
        summary="Take a webhook",
        responses=problems(401),
        openapi_extra={
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "description": "What the vendor sends."},
                        "example": {"id": 1001},
                    }
                }
            }
        },
    )
    async def take(
        vendor: Annotated[str, Path(description="The vendor that sends.", json_schema_extra=words)],
        connection_id: Annotated[
            str, Path(description="The id of the connection.", examples=[EXAMPLE_CONNECTION_ID])
        ],
        request: Request,
    ) -> DeliveryOut:
        adapter = adapters.get(vendor)
        if adapter is None:
            raise Problem(404, None, "no such vendor")
        shop = _shop(intake, adapter, connection_id)
        delivery = intake.delivery(request.headers.raw, await request.body())
        if not adapter.verify(delivery, shop.account):
            raise Problem(401, None, "the signature is not this connection's")
        return _answer(await intake.deliver(adapter, shop, delivery))

    return router


def _shop(intake: Intake, adapter: Adapter, connection_id: str) -> WebhookConnection:
    shop = intake.catalog.connection(connection_id)
    if shop is not None and shop.kind == adapter.name:
        return shop
    if not intake.catalog.is_complete:
        raise busy_problem("the connections are not loaded yet")
    raise Problem(404, None, "no such connection")


def _answer(delivered: DeliveryResult) -> DeliveryOut:
    """What the shop is told."""
    flaws = () if delivered.rejected is None else delivered.rejected.flaws
    return DeliveryOut(
        accepted=delivered.rejected is None,
        event_ids=list(delivered.event_ids),
        errors=tuple(FlawOut(field=flaw.field, message=flaw.message) for flaw in flaws),
    )
