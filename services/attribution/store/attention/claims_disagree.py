"""Attention kind `claims_disagree`: claims that prove one order and name different browsers."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind
from shared.ids import CLAIM_PREFIX, TOKEN_PREFIX


def _of_kind(column: str, prefix: bytes) -> str:
    """Return the condition for keys with a prefix, as a range that an index can use."""
    end = bytes((prefix[0] + 1,))
    return f"{column} >= '{prefix.decode()}' AND {column} < '{end.decode()}'"


CLAIMS_DISAGREE: Final = AttentionKind(
    id="claims_disagree",
    sentence="Claims with the token of one order name different browsers, so none of them counts.",
    what_to_do="Send the claim token of an order from the page of that order only.",
    found=f"""
SELECT c.own_key AS filed_under, c.natural_id AS order_id, NULL::uuid AS event_id, c.occurred_at,
       'the claims of the ' || c.kind || ' differ' AS detail
FROM (
    SELECT t.key, t.workspace_id FROM attribution.ties AS t
    WHERE {_of_kind("t.key", TOKEN_PREFIX)} AND {_of_kind("t.tied_key", CLAIM_PREFIX)}
    GROUP BY t.key, t.workspace_id HAVING count(*) > 1
) AS told
JOIN attribution.conversion_keys AS k ON k.key = told.key AND k.workspace_id = told.workspace_id
JOIN attribution.conversions AS c ON c.own_key = k.own_key AND c.workspace_id = k.workspace_id
""",
)
