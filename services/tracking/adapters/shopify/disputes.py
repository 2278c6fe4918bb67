"""The disputes of Shopify Payments: a chargeback, and its return when the shop wins.

The amount of a dispute is all that was paid, with tax and postage, so it takes at most what is left
of the goods. An inquiry takes no money yet. Where the shop paid the money back itself, its refund
comes in a delivery of its own.

Promise: a dispute only moves from open to final, and from inquiry to chargeback, so a later state
has a greater `version`.
"""

from typing import Final

from msgspec import structs

from services.tracking.adapters.payload import Payload, first_moment, identifier, text_of
from services.tracking.adapters.shopify.amounts import shop_amount
from services.tracking.domain.claimed_events import joined
from services.tracking.domain.claims import AdjustmentClaim

READING: Final = 1
CHARGEBACK: Final = "chargeback"
FINAL: Final = frozenset(("accepted", "charge_refunded", "lost", "won"))
TAKES_NOTHING: Final = frozenset(("charge_refunded", "won"))


def dispute_claim(dispute: Payload) -> AdjustmentClaim:
    """Return the claim of a dispute. Raises `Unusable`."""
    dispute_id = identifier(dispute, "id")
    currency = text_of(dispute.get("currency")) or ""
    status = text_of(dispute.get("status"))
    is_chargeback = dispute.get("type") == CHARGEBACK
    amount = abs(shop_amount(dispute, "amount", currency))
    claim = AdjustmentClaim(
        conversion_kind="purchase",
        natural_id=identifier(dispute, "order_id"),
        adjustment_id=f"dispute {dispute_id}",
        kind="chargeback",
        occurred_at=first_moment(dispute, "initiated_at"),
        amount_minor=amount if is_chargeback and status not in TAKES_NOTHING else 0,
        capped=True,
        currency=currency,
        version=1 + 2 * (status in FINAL) + is_chargeback,
    )
    ids = (claim.natural_id, claim.adjustment_id, claim.occurred_at.isoformat())
    state = (claim.amount_minor, claim.currency, claim.version)
    key = joined("dispute", str(READING), *ids, *map(str, state))
    return structs.replace(claim, natural_key=key)
