"""Attention kind `adjustments_in_another_currency`: they cannot be taken from their order."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

ADJUSTMENTS_IN_ANOTHER_CURRENCY: Final = AttentionKind(
    id="adjustments_in_another_currency",
    sentence="Adjustments are in another currency than their order and change no figure.",
    what_to_do=(
        "Send the adjustment in the currency of the order, under an id of its own, or correct the"
        " currency of the order with `updated_at`."
    ),
    # A corrected order, or a newer report of the same adjustment, takes it off the list.
    found="""
SELECT e.own_key AS filed_under, c.natural_id AS order_id, e.event_id, e.occurred_at,
       concat('the ', e.body ->> 'kind', ' ', e.body ->> 'adjustment_id', ' is in ',
              e.body ->> 'currency', ', its order is ',
              coalesce('in ' || c.currency, 'without money')) AS detail
FROM (
    SELECT own_key, workspace_id, event_id, occurred_at, convert_from(body, 'UTF8')::jsonb AS body
    FROM attribution.evidence AS e
    WHERE e.kind = 'order_adjusted' AND (e.event_id, e.workspace_id) IN (
        SELECT d.event_id, d.workspace_id FROM attribution.dead_letters AS d
        WHERE d.resolved_at IS NULL AND d.reason = 'currency_mismatch'
    )
) AS e
JOIN attribution.conversions AS c ON c.own_key = e.own_key AND c.workspace_id = e.workspace_id
WHERE e.body ->> 'currency' IS DISTINCT FROM c.currency AND c.status <> 'awaiting_order'
  AND NOT EXISTS (
    SELECT FROM (
        SELECT convert_from(n.body, 'UTF8')::jsonb AS body FROM attribution.evidence AS n
        WHERE n.own_key = e.own_key AND n.workspace_id = e.workspace_id
          AND n.kind = 'order_adjusted'
    ) AS newer
    WHERE newer.body ->> 'adjustment_id' = e.body ->> 'adjustment_id'
      AND newer.body -> 'source' ->> 'kind' = e.body -> 'source' ->> 'kind'
      AND coalesce((newer.body ->> 'version')::numeric, 0)
          > coalesce((e.body ->> 'version')::numeric, 0)
)
""",
)
