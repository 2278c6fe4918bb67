"""Attention kind `foreign_click_ids`: click ids that Laurel did not make, or for another brand."""

from typing import Final

from services.attribution.store.attention_kind import AttentionKind
from services.attribution.store.flagged_events import flagged
from shared.events import Quality

FOREIGN_CLICK_IDS: Final = AttentionKind(
    id="foreign_click_ids",
    sentence=(
        "Events came with a click id that Laurel did not make for this workspace, so they prove no"
        " click."
    ),
    what_to_do=(
        "Check what the page or the shop sends: the word undefined comes from a script that found"
        " no `lclid`. The other evidence of these events counts."
    ),
    found=flagged(Quality.FOREIGN_CLICK_ID, "came with a foreign click id"),
)
