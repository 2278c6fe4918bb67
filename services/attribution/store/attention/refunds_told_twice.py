"""Attention kind `refunds_told_twice`: refunds of another source than that of the order."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind, noted

REFUNDS_TOLD_TWICE: Final = AttentionKind(
    id="refunds_told_twice",
    sentence="Refunds were told by a second source; those of the source of the order count.",
    what_to_do=(
        "Send refunds from one source: the shop that sends the order, or your server. If the shop"
        " does not send one of its refunds at all, send it as an edit."
    ),
    found=noted("told_elsewhere"),
)
