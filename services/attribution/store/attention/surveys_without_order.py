"""Attention kind `surveys_without_order`: survey answers whose order is unknown or not proven."""

from typing import Final

from services.attribution.store.attention_kind import KNOWN, AttentionKind

SURVEYS_WITHOUT_ORDER: Final = AttentionKind(
    id="surveys_without_order",
    sentence="Survey answers name orders that are unknown, or have no claim token of the order.",
    what_to_do=(
        "Send the missing orders, or check the order ids. A page sends the `claim_token` of the"
        " order with the answer."
    ),
    # The answers of public keys are filed under their token, which a trusted order has or not.
    found=f"""
SELECT e.own_key AS filed_under, convert_from(e.body, 'UTF8')::jsonb ->> 'natural_id' AS order_id,
       e.event_id, e.occurred_at,
       'no trusted order has this answer' AS detail
FROM attribution.evidence AS e
WHERE e.kind = 'surveyed' AND convert_from(e.body, 'UTF8')::jsonb ? 'natural_id'
  AND NOT EXISTS (
    SELECT FROM attribution.conversions AS c
    WHERE c.own_key = e.own_key AND c.workspace_id = e.workspace_id
      AND c.status IN {KNOWN}
) AND NOT EXISTS (
    SELECT FROM attribution.conversion_keys AS k
    WHERE k.key = e.own_key AND k.workspace_id = e.workspace_id
)
""",
)
