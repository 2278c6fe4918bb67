"""Attention kind `unused_topics`: webhook topics that change nothing here, with their counts."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

UNUSED_TOPICS: Final = AttentionKind(
    id="unused_topics",
    sentence="Webhooks of topics that are not used came in; each topic is listed once.",
    what_to_do="End the subscription of these topics in the shop. They change no figure.",
    found="""
SELECT NULL::bytea AS filed_under, NULL::text AS order_id, NULL::uuid AS event_id,
       max(occurred_at) AS occurred_at,
       concat(body ->> 'vendor', ' ', body ->> 'topic', ': ', count(*)) AS detail
FROM (
    SELECT occurred_at, convert_from(body, 'UTF8')::jsonb AS body
    FROM attribution.evidence WHERE kind = 'noticed'
) AS noticed
WHERE body ->> 'task' IS NULL
GROUP BY body ->> 'vendor', body ->> 'topic'
""",
)
