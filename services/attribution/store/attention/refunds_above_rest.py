"""Attention kind `refunds_above_rest`: refunds of more than was left of their order."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind, noted

REFUNDS_ABOVE_REST: Final = AttentionKind(
    id="refunds_above_rest",
    sentence="Refunds take more than was left of their orders.",
    what_to_do=(
        "Look for a refund that was sent twice under two ids, or with postage and tax: send those"
        " as `tax` of the adjustment."
    ),
    found=noted("above_rest"),
)
