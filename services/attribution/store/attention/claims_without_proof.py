"""Attention kind `claims_without_proof`: claims of known orders that do not prove they belong."""

from typing import Final

from services.attribution.store.attention_kind import KNOWN, AttentionKind

_TOKEN: Final = "convert_from({body}, 'UTF8')::jsonb ->> 'claim_token_hash'"
# Whether the claim `e` carries the token of a trusted version of the conversion `c`.
PROVEN: Final = f"""
EXISTS (
    SELECT FROM attribution.evidence AS v
    WHERE v.own_key = c.own_key AND v.workspace_id = c.workspace_id
      AND {_TOKEN.format(body="v.body")} = {_TOKEN.format(body="e.body")}
)
"""

CLAIMS_WITHOUT_PROOF: Final = AttentionKind(
    id="claims_without_proof",
    sentence="Pages claimed orders without the claim token of the order, so they change no figure.",
    what_to_do=(
        "Send the same `claim_token` from the page and from the shop, such as the token of the"
        " checkout. Claims of order numbers that a stranger guessed are listed here, too."
    ),
    # Claims are filed under `p` and the rest of the own key, trusted versions under `o`.
    found=f"""
SELECT e.own_key AS filed_under, c.natural_id AS order_id, e.event_id, e.occurred_at,
       'the claim of this ' || c.kind || ' has no token of it' AS detail
FROM attribution.evidence AS e
JOIN attribution.conversions AS c
  ON c.own_key = 'o'::bytea || substring(e.own_key FROM 2) AND c.workspace_id = e.workspace_id
WHERE e.own_key >= 'p' AND e.own_key < 'q' AND c.status IN {KNOWN}
  AND NOT {PROVEN}""",
)
