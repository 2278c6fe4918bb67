"""Attention kind `dead_letters`: records that could not be used.

A record with another content of a known event has a kind of its own, and so has an adjustment in
another currency than its order.
"""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

DEAD_LETTERS: Final = AttentionKind(
    id="dead_letters",
    sentence="Records could not be used and change no figure.",
    what_to_do=(
        "Read the reasons in GET /v1/dead-letters, correct the cause, and retry them with"
        " POST /v1/dead-letters/retry."
    ),
    found="""
SELECT NULL::bytea AS filed_under, NULL::text AS order_id, event_id, recorded_at AS occurred_at,
       concat_ws(': ', reason, nullif(detail, '')) AS detail
FROM attribution.dead_letters
WHERE resolved_at IS NULL AND reason NOT IN ('idempotency_conflict', 'currency_mismatch')
""",
)
