"""Attention kind `unconfirmed_claims`: conversions that only a public key has reported."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

UNCONFIRMED_CLAIMS: Final = AttentionKind(
    id="unconfirmed_claims",
    sentence="Conversions were claimed with a public key, and no trusted source reported them.",
    what_to_do=(
        "Send the conversions from the server or by a webhook. Claims that stay here earn nothing."
    ),
    found="""
SELECT own_key AS filed_under, natural_id AS order_id, NULL::uuid AS event_id, occurred_at,
       'the ' || kind || ' is claimed, not confirmed' AS detail
FROM attribution.conversions WHERE status = 'unconfirmed'
""",
)
