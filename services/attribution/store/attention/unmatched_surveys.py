"""Attention kind `unmatched_surveys`: survey answers in words that name no creator."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind

UNMATCHED_SURVEYS: Final = AttentionKind(
    id="unmatched_surveys",
    sentence="Survey answers in words name no creator, so they change no figure.",
    what_to_do=(
        "Send the answers with the `creator_id` that the person meant, or let people choose from a"
        " list. Give creators the handles by which people know them."
    ),
    found="""
SELECT own_key AS filed_under, convert_from(body, 'UTF8')::jsonb ->> 'natural_id' AS order_id,
       event_id, occurred_at,
       convert_from(body, 'UTF8')::jsonb ->> 'sealed_answer' AS detail
FROM attribution.evidence
WHERE kind = 'surveyed' AND convert_from(body, 'UTF8')::jsonb ? 'sealed_answer'
""",
    is_sealed=True,
)
