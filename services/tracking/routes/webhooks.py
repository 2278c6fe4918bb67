"""`POST /webhooks/{vendor}/{connection_id}`: check the signature, then read the payload.

Promise: every vendor with an adapter has the route. A signed delivery is answered 200 after the
fsync, also when its topic is not used or its payload cannot be used (see `Intake.deliver`).
What can go wrong: 404 for an unknown vendor or connection, 401 for a wrong signature, 503 with
Retry-After while the journal refuses events or the connections are not loaded.
"""

from typing import Annotated, Any, Final

from fastapi import Path, Request

from services.tracking.domain.deliveries import Adapter
from services.tracking.pipeline.accept_events import DeliveryResult, Intake
from services.tracking.routes.parts import Parts
from services.tracking.store.catalog_memory import WebhookConnection
from services.tracking.wire.answer_bodies import DeliveryOut, FlawOut
from shared.api.openapi import example_id, problems
from shared.http.body import Router
from shared.http.problems import Problem, busy_problem

EXAMPLE_CONNECTION_ID: Final = example_id("connection")


def router_of(parts: Parts) -> Router:
    """Return the route of webhooks, for the vendors that have an adapter."""
    intake, adapters = parts.intake, parts.adapters
    router = Router(tags=["webhooks"])
    vendor_schema: dict[str, Any] = {"enum": sorted(adapters), "examples": sorted(adapters)[:1]}

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
        vendor: Annotated[
            str, Path(description="The vendor that sends.", json_schema_extra=vendor_schema)
        ],
        connection_id: Annotated[
            str, Path(description="The id of the connection.", examples=[EXAMPLE_CONNECTION_ID])
        ],
        request: Request,
    ) -> DeliveryOut:
        adapter = adapters.get(vendor)
        if adapter is None:
            raise Problem(404, None, "no such vendor")
        connection = _connection(intake, adapter, connection_id)
        delivery = intake.delivery(request.headers.raw, await request.body())
        if not adapter.verify(delivery, connection.account):
            raise Problem(401, None, "the signature is not this connection's")
        return _answer(await intake.deliver(adapter, connection, delivery))

    return router


def _connection(intake: Intake, adapter: Adapter, connection_id: str) -> WebhookConnection:
    connection = intake.catalog.connection(connection_id)
    if connection is not None and connection.kind == adapter.name:
        return connection
    if not intake.catalog.is_complete:
        raise busy_problem("the connections are not loaded yet")
    raise Problem(404, None, "no such connection")


def _answer(result: DeliveryResult) -> DeliveryOut:
    flaws = () if result.rejected is None else result.rejected.flaws
    return DeliveryOut(
        accepted=result.rejected is None,
        event_ids=list(result.event_ids),
        errors=tuple(FlawOut(field=flaw.field, message=flaw.message) for flaw in flaws),
    )
