"""Attention kind `unpaid_orders`: orders that are not paid after 14 days."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind, noted

UNPAID_ORDERS: Final = AttentionKind(
    id="unpaid_orders",
    sentence="Orders count in the figures and are not paid after 14 days.",
    what_to_do=("Cancel the orders in the shop if nobody will pay them. Then they count no more."),
    found=noted("unpaid", "c.occurred_at < now() - interval '14 days'"),
)
