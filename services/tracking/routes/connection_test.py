"""`POST /v1/connections/{connection_id}/test`: what a delivery would become, without keeping it.

Promise: the delivery is read by the same steps as a webhook, and nothing is stored, counted as
intake or logged. It needs an API key and no signature. Tests have a quota of their own, so they
take nothing from events.
What can go wrong: 404 for a connection that is not of this workspace; 503 while the connections are
not loaded or an e-mail cannot be hashed.
"""

from typing import Annotated, Any, Final

from fastapi import Depends, Path, Request

from services.tracking.domain.claims import Rejected
from services.tracking.routes.parts import Parts, authorized
from services.tracking.routes.webhooks import EXAMPLE_CONNECTION_ID
from services.tracking.store.quotas import Counted
from services.tracking.wire.connection_test_bodies import ConnectionTest, test_out
from shared.api.openapi import problems
from shared.http.auth import Principal
from shared.http.body import Router
from shared.http.problems import Problem, busy_problem

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {"type": "object", "description": "What the vendor sends."},
                "example": {
                    "id": 1001,
                    "created_at": "2026-03-01T12:00:00Z",
                    "currency": "EUR",
                    "subtotal_price": "49.90",
                },
            }
        }
    }
}


def router_of(parts: Parts) -> Router:
    """Return the route of tests of connections."""
    router = Router(tags=["webhooks"], responses=problems(429))
    intake = parts.intake
    reader = Depends(authorized(intake, Counted.TESTS)("read"))

    @router.post(
        "/v1/connections/{connection_id}/test",
        summary="Test what a delivery would become",
        openapi_extra=_BODY,
    )
    async def test(
        connection_id: Annotated[
            str, Path(description="The id of the connection.", examples=[EXAMPLE_CONNECTION_ID])
        ],
        request: Request,
        principal: Annotated[Principal, reader],
    ) -> ConnectionTest:
        """Send the body of a webhook, with the vendor's headers such as its topic.

        The answer says what events it would become: the order, its net, the keys and codes that it
        has, and the click or why none is found. Nothing is kept.
        """
        connection = intake.catalog.connection(connection_id)
        if connection is None or connection.workspace_id != principal.workspace_id:
            if not intake.catalog.is_complete:
                raise busy_problem("the connections are not loaded yet")
            raise Problem(404, None, "no such connection")
        adapter = parts.adapters[connection.kind]
        delivery = intake.delivery(request.headers.raw, await request.body())
        read = intake.read(adapter, connection, delivery)
        unknown_codes: frozenset[str] = frozenset()
        if not isinstance(read, Rejected):
            unknown_codes = intake.unknown_codes(connection.workspace_id, read.events)
        is_signed = adapter.verify(delivery, connection.account)
        return test_out(adapter.name, read, unknown_codes, signature_valid=is_signed)

    return router
