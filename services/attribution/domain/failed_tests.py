"""The test that a rejected candidate failed, in one sentence with its values. Pure.

Promise: every reason of the closed list has a sentence (a test compares them). Times between the
candidate and the conversion are exact to the second, rounded up.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from services.attribution.domain.journey import TOUCHES_MAX
from services.attribution.domain.model import Candidate, Reason
from services.attribution.domain.repeats import WITHIN_SECONDS
from services.attribution.domain.surveys import LATE_DAYS_MAX

SENTENCES: Final[Mapping[Reason, str]] = {
    Reason.OUTSIDE_WINDOW: "it was {apart} before the conversion, and {window}",
    Reason.BOT: "the browser that opened the link named itself a crawler or a previewer",
    Reason.PREFETCH: "a browser fetched the link ahead, and perhaps no person saw it",
    Reason.AFTER_CONVERSION: "it was {apart} after the conversion",
    Reason.SUPERSEDED_BY_CODE: "the order has another creator's code, which the policy prefers",
    Reason.SUPERSEDED_BY_LINK: "another creator's link was clicked, which the policy prefers",
    Reason.CODE_NOT_OWNED_THEN: "nobody owned the code {code} at that time",
    Reason.LINK_NOT_OWNED_THEN: "nobody owned the link at that time",
    Reason.SELF_REFERRAL: "the buyer is the person who referred",
    Reason.REPEAT_CLICK: (
        f"the person clicked this link at most {WITHIN_SECONDS} seconds before, too"
    ),
    Reason.NO_CONSENT: "the person had not agreed to be recognised",
    Reason.SURVEY_OFF: "the policy's `survey` is `off`",
    Reason.SURVEY_IS_FALLBACK: "the policy's `survey` is `fallback`, and other evidence counts",
    Reason.NAMES_NOBODY: "it names no creator and no placement that is known",
    Reason.JOURNEY_TOO_LONG: (
        f"at most the newest {TOUCHES_MAX:,} touches decide, and it is older than those"
    ),
}
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
    sentence = _LATE_ANSWER if is_late_answer else SENTENCES[candidate.reason]
    return sentence.format(
        apart=_in_words(abs(converted_at - candidate.occurred_at)),
        window=_window(candidate.kind, windows),
        code=candidate.code,
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
