"""What would have made a rejected candidate count, in one sentence for each reason. Pure.

Promise: every reason of the closed list has a sentence (a test compares them). A sentence says what
had to be different for this candidate to pass the test that it failed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from services.attribution.domain.journey import TOUCHES_MAX
from services.attribution.domain.model import Candidate, Reason
from services.attribution.domain.repeats import WITHIN_SECONDS

_DAY: Final = timedelta(days=1)

SENTENCES: Final[Mapping[Reason, str]] = {
    Reason.OUTSIDE_WINDOW: (
        "it would count if the policy's window of this kind ({kind}) were {days} days or longer"
    ),
    Reason.BOT: "it would count if a person's browser had opened the link",
    Reason.PREFETCH: "it would count if the person, too, had opened the link",
    Reason.AFTER_CONVERSION: "it would count if it had happened before the conversion",
    Reason.SUPERSEDED_BY_CODE: (
        "it would count if the policy's precedence were `link_wins` or `both_share`,"
        " or if no other creator's code were on the order"
    ),
    Reason.SUPERSEDED_BY_LINK: (
        "it would count if the policy's precedence were `code_wins` or `both_share`,"
        " or if no other creator's link had been clicked"
    ),
    Reason.CODE_NOT_OWNED_THEN: "it would count if a creator had owned the code at that time",
    Reason.LINK_NOT_OWNED_THEN: "it would count if a creator had owned the link at that time",
    Reason.SELF_REFERRAL: "it would count if another person had referred the buyer",
    Reason.NO_CONSENT: "it would count if the person had agreed to be recognised",
    Reason.SURVEY_OFF: "it would count if the policy's `survey` were `fallback` or `touch`",
    Reason.SURVEY_IS_FALLBACK: (
        "it would count if the policy's `survey` were `touch`, or if no other touch counted"
    ),
    Reason.NAMES_NOBODY: "it would count if it named a creator or a placement",
    Reason.JOURNEY_TOO_LONG: f"it would count if it were among the newest {TOUCHES_MAX:,} touches",
    Reason.REPEAT_CLICK: (
        "it would count if it had come more than"
        f" {WITHIN_SECONDS} seconds after the click before it"
    ),
}


def would_count_if(candidate: Candidate, converted_at: datetime) -> str | None:
    """Return the sentence of a rejected candidate; None for one that was kept."""
    if candidate.reason is None:
        return None
    apart = max(converted_at - candidate.occurred_at, timedelta(0))
    # A window of this many whole days holds the touch: -(-a // b) rounds up.
    days = max(-(-apart // _DAY), 1)
    return SENTENCES[candidate.reason].format(kind=candidate.kind, days=days)
