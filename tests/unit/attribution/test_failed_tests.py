"""The test that a rejected candidate failed: each reason has a sentence, with its values."""

from datetime import UTC, datetime, timedelta

import pytest

from services.attribution.domain.failed_tests import failed_test
from services.attribution.domain.model import Candidate
from services.attribution.domain.reasons import Reason
from shared.credits import TouchKind

BOUGHT_AT = datetime(2026, 3, 31, 12, tzinfo=UTC)
WINDOWS = {"click": 30, "view": 0, "referral": 1}


def rejected(
    reason: Reason | None, before: timedelta = timedelta(days=1), kind: TouchKind = "click"
) -> Candidate:
    return Candidate(
        touch_id="t1",
        kind=kind,
        placement_id="p1",
        creator_id="c1",
        occurred_at=BOUGHT_AT - before,
        verdict="rejected" if reason else "kept",
        reason=reason,
        code="MIA10",
    )


def test_every_reason_has_a_sentence() -> None:
    for reason in Reason:
        sentence = failed_test(rejected(reason), BOUGHT_AT, WINDOWS)
        assert sentence
        assert "{" not in sentence
    assert failed_test(rejected(None), BOUGHT_AT, WINDOWS) is None


@pytest.mark.parametrize(
    ("kind", "before", "sentence"),
    [
        (
            "click",
            timedelta(days=45, hours=3),
            "it was 45 days 3 hours before the conversion,"
            " and the policy's window of this kind (click) is 30 days",
        ),
        (
            "click",
            timedelta(days=30, microseconds=1),
            "it was 30 days 1 second before the conversion,"
            " and the policy's window of this kind (click) is 30 days",
        ),
        (
            "referral",
            timedelta(days=1, minutes=2),
            "it was 1 day 2 minutes before the conversion,"
            " and the policy's window of this kind (referral) is 1 day",
        ),
        (
            "view",
            timedelta(0),
            "it was 0 seconds before the conversion,"
            " and by the policy, touches of this kind (view) never count",
        ),
    ],
)
def test_a_touch_outside_its_window_says_both_numbers(
    kind: TouchKind, before: timedelta, sentence: str
) -> None:
    candidate = rejected(Reason.OUTSIDE_WINDOW, before, kind)
    assert failed_test(candidate, BOUGHT_AT, WINDOWS) == sentence


def test_windows_that_are_not_known_any_more_are_not_guessed() -> None:
    sentence = failed_test(rejected(Reason.OUTSIDE_WINDOW), BOUGHT_AT, None)
    assert sentence == (
        "it was 1 day before the conversion,"
        " and the policy's window of this kind (click) was shorter"
    )


def test_other_tests_have_their_values() -> None:
    late = timedelta(minutes=-6)
    after = failed_test(rejected(Reason.AFTER_CONVERSION, late), BOUGHT_AT, WINDOWS)
    assert after == "it was 6 minutes after the conversion"
    answer = rejected(Reason.AFTER_CONVERSION, timedelta(days=-8), "survey")
    assert failed_test(answer, BOUGHT_AT, WINDOWS) == (
        "it was given 8 days after the conversion, and answers count up to 7 days after it"
    )
    code = failed_test(rejected(Reason.CODE_NOT_OWNED_THEN), BOUGHT_AT, WINDOWS)
    assert code == "nobody owned the code MIA10 at that time"
