"""Attention kind `unnamed_stores`: orders whose sender named no store, where there are several."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind
from shared.events import Quality

UNNAMED_STORES: Final = AttentionKind(
    id="unnamed_stores",
    sentence="Orders and adjustments named no store, so they count in the store main.",
    what_to_do=(
        "Send `store` with them. An order that belongs to another store counts there only if it is"
        " sent again with its store; cancel it in the store main."
    ),
    # Claims are filed under `p` and the rest of the own key. A version that named its store, or
    # came when there was one store only, removes the doubt.
    found=f"""
SELECT e.own_key AS filed_under, c.natural_id AS order_id, e.event_id, e.occurred_at,
       'the ' || c.kind || ' named no store' AS detail
FROM attribution.evidence AS e
JOIN attribution.conversions AS c
  ON c.own_key = 'o'::bytea || substring(e.own_key FROM 2) AND c.workspace_id = e.workspace_id
WHERE e.quality @> '{{{Quality.UNNAMED_STORE}}}' AND NOT EXISTS (
    SELECT FROM attribution.evidence AS v
    WHERE v.own_key = c.own_key AND v.workspace_id = c.workspace_id AND v.kind <> 'order_adjusted'
      AND NOT coalesce(v.quality, '{{}}') @> '{{{Quality.UNNAMED_STORE}}}'
)
""",
)
