"""Deliveries of Shopify that change no figure: tasks of privacy, and topics that are not used.

The body says which task it is, because no signature covers the topic. Equal bodies are one notice:
a delivery that is repeated under other topics adds nothing.
"""

import re
from typing import Final

from services.tracking.adapters.payload import Payload, id_of, object_of
from services.tracking.adapters.shopify.orders import Told
from services.tracking.domain.claimed_events import joined
from services.tracking.domain.claims import NoticeClaim
from shared.events import TEXT_LENGTH_MAX, PrivacyTask

OTHER_TOPIC: Final = "other"
_TOPIC: Final = re.compile(r"[a-z_]{1,60}/[a-z_]{1,60}", re.ASCII)
_SHOP_FIELDS: Final = frozenset(("shop_id", "shop_domain"))


def notice_claim(heard: Told, payload: object) -> NoticeClaim:
    """Return the claim of a delivery that is no order, refund or dispute."""
    body = payload if isinstance(payload, dict) else {}
    return NoticeClaim(
        topic=heard.topic if _TOPIC.fullmatch(heard.topic) else OTHER_TOPIC,
        natural_key=joined("notice", heard.digest),
        task=task_of(body),
        reference=id_of(object_of(body, "customer").get("id"), length_max=TEXT_LENGTH_MAX),
    )


def task_of(body: Payload) -> PrivacyTask | None:
    """Return the task that a body asks for; None for a topic that is not used."""
    if "orders_to_redact" in body:
        return "erase_customer"
    if "orders_requested" in body or "data_request" in body:
        return "show_customer_data"
    return "erase_shop" if body and _SHOP_FIELDS.issuperset(body) else None
