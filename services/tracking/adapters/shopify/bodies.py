"""What a delivery of Shopify is, and the claims in it.

The signature covers the body only, so the body says what it is. The headers with the topic and with
the time are not signed: they only order versions of one order with one `updated_at`. For example,
an order without `cancelled_at` is never cancelled, also under the topic `orders/cancelled`. Unknown
fields, nulls, and texts instead of numbers are normal.

Promise: `read` returns claims, or the fields that it cannot use. A body that is not used gives a
notice.
"""

import re
from typing import Final

from services.tracking.adapters.payload import Payload, Unusable, identifier, read_json, text_of
from services.tracking.adapters.shopify.disputes import dispute_claim
from services.tracking.adapters.shopify.notices import notice_claim, task_of
from services.tracking.adapters.shopify.orders import ORDER_TOPICS, Told, order_claims, told
from services.tracking.adapters.shopify.refunds import refund_claim
from services.tracking.domain.claims import Flaw, Rejected
from services.tracking.domain.deliveries import Claims, Delivery

TOPIC_HEADER: Final = b"x-shopify-topic"
TIME_HEADER: Final = b"x-shopify-triggered-at"
USED_TOPICS: Final = frozenset(
    (*ORDER_TOPICS, "refunds/create", "disputes/create", "disputes/update")
)
ORDER: Final = "Order"
REFUND: Final = "Refund"
DISPUTE: Final = "ShopifyPaymentsDispute"

_GRAPH_ID: Final = re.compile(r"gid://shopify/([A-Za-z]+)/.*", re.ASCII)


def read(delivery: Delivery, currency: str | None) -> Claims | Rejected:
    """Return the claims in one delivery."""
    heard = told(delivery.text(TOPIC_HEADER), delivery.text(TIME_HEADER), delivery.body)
    return claims_of(heard, read_json(delivery.body), currency)


def claims_of(heard: Told, payload: object, workspace_currency: str | None) -> Claims | Rejected:
    """Return the claims in a parsed payload; `payload` None means that it was not JSON."""
    resource = _resource(payload) if isinstance(payload, dict) else None
    # A refusal is logged, and a repeated delivery can have any text in this header.
    known_topic = heard.topic if heard.topic in USED_TOPICS else ""
    try:
        if isinstance(payload, dict) and resource == ORDER:
            return order_claims(heard, payload)
        if isinstance(payload, dict) and resource == REFUND:
            return (refund_claim(payload, identifier(payload, "order_id"), workspace_currency),)
        if isinstance(payload, dict) and resource == DISPUTE:
            return (dispute_claim(payload),)
    except Unusable as problem:
        return Rejected((problem.flaw,), known_topic)
    is_task = isinstance(payload, dict) and task_of(payload) is not None
    if known_topic and not is_task:
        return Rejected((Flaw("body", "is no order, refund or dispute"),), known_topic)
    return (notice_claim(heard, payload),)


def _resource(payload: Payload) -> str | None:
    """Return what the body is: an order, a refund, a dispute, or None for another one.

    Only some fields are in every version of the vendor's API, so the id of its graph counts first.
    No order has an `order_id`, and a checkout has the address of an abandoned one.
    """
    named = _GRAPH_ID.fullmatch(text_of(payload.get("admin_graphql_api_id")) or "")
    if named is not None:
        return named[1] if named[1] in (ORDER, REFUND, DISPUTE) else None
    if "initiated_at" in payload and "status" in payload:
        return DISPUTE
    if "order_id" in payload:
        return REFUND if "refund_line_items" in payload or "transactions" in payload else None
    is_order = "subtotal_price" in payload and "abandoned_checkout_url" not in payload
    return ORDER if is_order else None
