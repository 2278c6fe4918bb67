"""What would have made a rejected candidate count, in one sentence. Pure.

The sentences are those of `reasons.py`. Promise: a sentence says what had to be different for this
candidate to pass the test that it failed.
"""

from datetime import datetime, timedelta
from typing import Final

from services.attribution.domain.journey import TOUCHES_MAX
from services.attribution.domain.model import Candidate
from services.attribution.domain.repeats import WITHIN_SECONDS

_DAY: Final = timedelta(days=1)


def would_count_if(candidate: Candidate, converted_at: datetime) -> str | None:
    """Return the sentence of a rejected candidate; None for one that was kept."""
    if candidate.reason is None:
        return None
    apart = max(converted_at - candidate.occurred_at, timedelta(0))
    # A window of this many whole days holds the touch: -(-a // b) rounds up.
    days = max(-(-apart // _DAY), 1)
    return candidate.reason.remedy.format(
        kind=candidate.kind,
        days=days,
        touches_max=TOUCHES_MAX,
        within_seconds=WITHIN_SECONDS,
    )
