"""Attention kind `claims_disagree`: claims that prove one order and name different browsers."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind
from shared.ids import CLAIM_PREFIX, TOKEN_PREFIX

COUNTED: Final = f"""
SELECT count(*) FROM attribution.ties AS t
WHERE t.key = k.key AND t.workspace_id = k.workspace_id
  AND substring(t.tied_key FROM 1 FOR 1) = '{CLAIM_PREFIX.decode()}'
"""
CLAIMS_DISAGREE: Final = AttentionKind(
    id="claims_disagree",
    sentence="Claims with the token of one order name different browsers, so none of them counts.",
    what_to_do="Send the claim token of an order from the page of that order only.",
    found=f"""
SELECT c.natural_id AS order_id, NULL::uuid AS event_id, c.occurred_at,
       'the claims of the ' || c.kind || ' differ' AS detail
FROM attribution.conversion_keys AS k
JOIN attribution.conversions AS c ON c.own_key = k.own_key AND c.workspace_id = k.workspace_id
WHERE substring(k.key FROM 1 FOR 1) = '{TOKEN_PREFIX.decode()}' AND ({COUNTED}) > 1
""",
)
