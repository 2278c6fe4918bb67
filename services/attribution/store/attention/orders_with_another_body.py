"""Attention kind `orders_with_another_body`: another report under the id of a known event."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

ORDERS_WITH_ANOTHER_BODY: Final = AttentionKind(
    id="orders_with_another_body",
    sentence="Events were sent again with another content; the first content counts.",
    what_to_do=(
        "Send a correction of an order with `updated_at`: the newest one counts. Give each"
        " adjustment an id of its own."
    ),
    found="""
SELECT e.own_key AS filed_under,
       convert_from(d.value, 'UTF8')::jsonb ->> 'natural_id' AS order_id, d.event_id,
       d.recorded_at AS occurred_at, d.detail
FROM attribution.dead_letters AS d
LEFT JOIN attribution.evidence AS e ON e.event_id = d.event_id AND e.workspace_id = d.workspace_id
WHERE d.resolved_at IS NULL AND d.reason = 'idempotency_conflict'
""",
)
