"""Attention kind `clamped_times`: times that cannot be true, replaced by the time of receipt."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind
from services.attribution.store.flagged_events import flagged
from shared.events import Quality

CLAMPED_TIMES: Final = AttentionKind(
    id="clamped_times",
    sentence=(
        "Events came with a time in the future, or from a public key with a time in the past, and"
        " count at the time of their receipt."
    ),
    what_to_do=(
        "Set the clock of the sender, and check the time zone of the times that it sends. Send past"
        " events with a secret key."
    ),
    found=flagged(Quality.CLAMPED, "counts at the time of its receipt"),
)
