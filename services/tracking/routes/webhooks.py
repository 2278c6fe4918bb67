"""`POST /webhooks/shopify/{connection_id}`: signature first, then the payload.

Promise: unknown connection 404, bad signature 401, every good one 200 after the fsync, also for topics that are not used
and for payloads that cannot be (see `Intake.deliver`). What can go wrong: 503 with Retry-After while the disk refuses.
"""

from collections.abc import Sequence

from fastapi import Request

from services.tracking.pipeline import Delivery, Intake
from services.tracking.store.catalog import Shop
from services.tracking.wire.shapes import DeliveryOut, FlawOut
from services.tracking.wire.webhook import is_signed
from shared.http.body import Router
from shared.http.openapi import problems
from shared.http.problems import Problem, busy_problem


def webhooks_router(intake: Intake) -> Router:
    """The routes of storefront webhooks."""
    router = Router(tags=["webhooks"])

    @router.post(
        "/webhooks/shopify/{connection_id}",
        summary="Take a Shopify webhook",
        responses=problems(401),
        openapi_extra={
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}
        },
    )
    async def shopify(connection_id: str, request: Request) -> DeliveryOut:
        shop = intake.catalog.shop(connection_id)
        if shop is None or shop.kind != "shopify":
            if not intake.catalog.is_complete:
                raise busy_problem("the connections are not loaded yet")
            raise Problem(404, None, "no such connection")
        body = await request.body()
        domain = request.headers.get("x-shopify-shop-domain", "")
        check_delivery(shop, _signatures(request), domain, body)
        topic = request.headers.get("x-shopify-topic", "")
        return delivery_answer(await intake.deliver(shop, topic, body))

    return router


def check_delivery(shop: Shop, signatures: Sequence[bytes], domain: str, body: bytes) -> None:
    """401 unless the body is signed by the shop's secret and comes from its domain."""
    is_from_shop = shop.shop_domain is None or domain.lower() == shop.shop_domain
    if not is_signed(body, signatures, shop.secrets) or not is_from_shop:
        raise Problem(401, None, "the signature is not this connection's")


def _signatures(request: Request) -> list[bytes]:
    return [value for name, value in request.headers.raw if name == b"x-shopify-hmac-sha256"]


def delivery_answer(delivery: Delivery) -> DeliveryOut:
    """What the shop is told."""
    flaws = () if delivery.rejected is None else delivery.rejected.flaws
    return DeliveryOut(
        accepted=delivery.rejected is None,
        event_ids=list(delivery.event_ids),
        errors=tuple(FlawOut(field=flaw.field, message=flaw.message) for flaw in flaws),
    )
