"""Attention kind `pending_refunds`: refunds whose money is not paid back yet."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind, noted

PENDING_REFUNDS: Final = AttentionKind(
    id="pending_refunds",
    sentence="Refunds count already, and their money is not paid back yet.",
    what_to_do=(
        "Nothing, unless they stay for days: then look into the payments of the shop. A refund that"
        " fails comes back by itself."
    ),
    found=noted("pending"),
)
