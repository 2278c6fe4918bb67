"""Attention kind `conversions_set_aside`: conversions that could not be decided again."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

CONVERSIONS_SET_ASIDE: Final = AttentionKind(
    id="conversions_set_aside",
    sentence="Conversions could not be decided again; their last decision stands.",
    what_to_do=(
        "They are retried by themselves, and at once when a fact about them is corrected. If they"
        " stay, read the detail and correct what it names."
    ),
    found="""
SELECT r.own_key AS filed_under, c.natural_id AS order_id, NULL::uuid AS event_id,
       r.failed_at AS occurred_at, r.problem AS detail
FROM attribution.recomputes AS r
LEFT JOIN attribution.conversions AS c ON c.own_key = r.own_key AND c.workspace_id = r.workspace_id
WHERE r.failed_at IS NOT NULL
""",
)
