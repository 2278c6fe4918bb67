"""The test that a rejected candidate failed, in one sentence with its values. Pure.

The sentences are those of `reasons.py`. Promise: times between the candidate and the conversion are
exact to the second, rounded up.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from services.attribution.domain.journey import TOUCHES_MAX
from services.attribution.domain.model import Candidate
from services.attribution.domain.reasons import Reason
from services.attribution.domain.repeats import WITHIN_SECONDS
from services.attribution.domain.surveys import LATE_DAYS_MAX

_LATE_ANSWER: Final = (
    "it was given {apart} after the conversion,"
    f" and answers count up to {LATE_DAYS_MAX} days after it"
)
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def failed_test(
    candidate: Candidate, converted_at: datetime, windows: Mapping[str, int] | None
) -> str | None:
    """Return the sentence of a rejected candidate; None for one that was kept.

    `windows` are the windows that decided, in days by kind of touch; None if they are not known.
    """
    if candidate.reason is None:
        return None
    is_late_answer = candidate.kind == "survey" and candidate.reason is Reason.AFTER_CONVERSION
    sentence = _LATE_ANSWER if is_late_answer else candidate.reason.failed
    return sentence.format(
        apart=_in_words(abs(converted_at - candidate.occurred_at)),
        window=_window(candidate.kind, windows),
        code=candidate.code,
        touches_max=TOUCHES_MAX,
        within_seconds=WITHIN_SECONDS,
    )


def _window(kind: str, windows: Mapping[str, int] | None) -> str:
    if windows is None:
        return f"the policy's window of this kind ({kind}) was shorter"
    days = windows.get(kind, 0)
    if not days:
        return f"by the policy, touches of this kind ({kind}) never count"
    return f"the policy's window of this kind ({kind}) is {_count(days, 'day')}"


def _in_words(apart: timedelta) -> str:
    """Return `45 days 3 hours`, without what is 0."""
    seconds = -(-apart // timedelta(seconds=1))
    words = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            words.append(_count(count, unit))
    return " ".join(words) or "0 seconds"


def _count(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
