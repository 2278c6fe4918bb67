"""Attention kind `adjustments_without_order`: refunds and the like whose order is unknown."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

ADJUSTMENTS_WITHOUT_ORDER: Final = AttentionKind(
    id="adjustments_without_order",
    sentence="Adjustments wait for their order and are not in any sum.",
    what_to_do=(
        "Send the missing orders, or check the order ids and the store of the adjustments."
        " GET /v1/ledger/balance lists them with their amounts."
    ),
    found="""
SELECT c.own_key AS filed_under, c.natural_id AS order_id, e.event_id, e.occurred_at,
       'the ' || c.kind || ' of this adjustment is unknown' AS detail
FROM attribution.conversions AS c
JOIN attribution.evidence AS e ON e.own_key = c.own_key AND e.workspace_id = c.workspace_id
WHERE c.status = 'awaiting_order' AND e.kind = 'order_adjusted'
""",
)
