"""Survey answers: which answer of an order counts, and when a policy lets answers count.

Promise: the result depends only on the set of answers. The latest answer counts that was given up
to 7 days after the order; one of a public key needs the claim token of the order.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from services.attribution.domain.model import (
    Candidate,
    ConversionVersion,
    SurveyAnswer,
    is_trusted_source,
)
from services.attribution.domain.reasons import Reason
from shared.catalog import Surveys

LATE_DAYS_MAX: Final = 7
_REASONS: Final = {Surveys.OFF: Reason.SURVEY_OFF, Surveys.FALLBACK: Reason.SURVEY_IS_FALLBACK}


def answer_of(order: ConversionVersion, answers: Iterable[SurveyAnswer]) -> SurveyAnswer | None:
    """Return the answer of an order that counts; if all came too late, the latest of them."""
    proven = [
        answer
        for answer in answers
        if answer.key == order.key
        if is_trusted_source(answer.source_kind)
        or (answer.token is not None and answer.token == order.token)
    ]
    in_time = [answer for answer in proven if not is_late(answer, order.occurred_at)]
    return max(in_time or proven, key=lambda a: (a.occurred_at, a.event_id), default=None)


def is_late(answer: SurveyAnswer, occurred_at: datetime) -> bool:
    """Whether an answer was given too long after its order."""
    return answer.occurred_at - occurred_at > timedelta(days=LATE_DAYS_MAX)


def apply(candidates: Sequence[Candidate], surveys: Surveys) -> Sequence[Candidate]:
    """Reject the answers that do not count beside the other kept candidates."""
    kinds = {candidate.kind for candidate in candidates if candidate.verdict == "kept"}
    is_needed = surveys is Surveys.FALLBACK and kinds == {"survey"}
    if "survey" not in kinds or surveys is Surveys.TOUCH or is_needed:
        return candidates
    return [
        structs.replace(candidate, verdict="rejected", reason=_REASONS[surveys])
        if candidate.kind == "survey" and candidate.verdict == "kept"
        else candidate
        for candidate in candidates
    ]
