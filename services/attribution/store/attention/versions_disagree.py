"""Attention kind `versions_disagree`: orders that two sources, or two reports, tell otherwise."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind, noted

VERSIONS_DISAGREE: Final = AttentionKind(
    id="versions_disagree",
    sentence="Orders were told again with another value; the most trusted source counts.",
    what_to_do=(
        "Correct the source that is wrong. Send a correction with a newer `updated_at`, so that it"
        " replaces the report before it."
    ),
    found=noted("disagrees"),
)
