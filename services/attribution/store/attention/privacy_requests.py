"""Attention kind `privacy_requests`: customers or shops that are to be erased or shown."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

PRIVACY_REQUESTS: Final = AttentionKind(
    id="privacy_requests",
    sentence="A shop passed on requests of privacy, which are not carried out by themselves yet.",
    what_to_do=(
        "Erase the data of the customer, or give it to them, within 30 days. The detail names the"
        " customer by the id in the shop."
    ),
    found="""
SELECT NULL::bytea AS filed_under, NULL::text AS order_id, event_id, occurred_at,
       concat_ws(' ', body ->> 'vendor', body ->> 'task', body ->> 'reference') AS detail
FROM (
    SELECT event_id, occurred_at, convert_from(body, 'UTF8')::jsonb AS body
    FROM attribution.evidence WHERE kind = 'noticed'
) AS noticed
WHERE body ->> 'task' IS NOT NULL
""",
)
