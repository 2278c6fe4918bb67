"""What would have made a rejected candidate count: each reason has a sentence that is true."""

from datetime import UTC, datetime, timedelta

import pytest

from services.attribution.domain.model import Candidate
from services.attribution.domain.reasons import Reason
from services.attribution.domain.remedies import would_count_if

BOUGHT_AT = datetime(2026, 3, 31, 12, tzinfo=UTC)


def rejected(reason: Reason | None, before: timedelta = timedelta(days=1)) -> Candidate:
    return Candidate(
        touch_id="t1",
        kind="click",
        placement_id="p1",
        creator_id="c1",
        occurred_at=BOUGHT_AT - before,
        verdict="rejected" if reason else "kept",
        reason=reason,
    )


def test_every_reason_has_a_sentence() -> None:
    for reason in Reason:
        sentence = would_count_if(rejected(reason), BOUGHT_AT)
        assert sentence is not None
        assert sentence.startswith("it would count if ")
        assert "{" not in sentence


def test_a_kept_candidate_needs_nothing() -> None:
    assert would_count_if(rejected(None), BOUGHT_AT) is None


@pytest.mark.parametrize(
    ("before", "days"),
    [
        (timedelta(days=30, seconds=1), 31),
        (timedelta(days=31), 31),
        (timedelta(days=45, hours=3), 46),
        # A kind that never counts by the policy has a window of 0 days.
        (timedelta(0), 1),
    ],
)
def test_the_window_that_would_do_is_the_least_whole_number_of_days(
    before: timedelta, days: int
) -> None:
    sentence = would_count_if(rejected(Reason.OUTSIDE_WINDOW, before), BOUGHT_AT)
    assert sentence is not None
    assert f"(click) were {days} days or longer" in sentence
