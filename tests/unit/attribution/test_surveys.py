"""Survey answers: which one counts for an order, and what else must not count beside it."""

from datetime import timedelta

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Decision, Status
from services.attribution.domain.reasons import Reason
from shared.catalog import Surveys
from tests.factories import (
    NOON,
    Evidence,
    answered,
    claim_token,
    code,
    conversion_key,
    customer,
    days,
    facts,
    influencers,
    order,
    placement_id,
    policy,
    scope,
    touch,
    visitor,
)

ANN, PHONE = customer("ann"), visitor("phone")
MIA, LEO = placement_id("mia"), placement_id("leo")
FACTS = facts(influencers("mia", "leo"), code("LEO10", of="leo"))
CLICK = touch("1", of="leo", by=PHONE)
SECOND = timedelta(seconds=1)


def decided(
    *evidence: Evidence, survey: Surveys = Surveys.FALLBACK, name: str = "1001"
) -> Decision:
    known = facts(FACTS, policy(survey=survey))
    return decide_scope(scope(*evidence), known)[conversion_key(name)]


def accounts(decision: Decision) -> set[str]:
    return {credit.account for credit in decision.credits}


def test_an_answer_earns_an_order_without_other_evidence() -> None:
    decision = decided(order("1001", ANN), answered("a", after=days(2)))
    assert decision.status is Status.CREDITED
    for credit in decision.credits:
        assert (credit.account, credit.evidence_class, credit.touch_kind) == (
            MIA,
            "survey",
            "survey",
        )
        assert credit.touched_at == NOON
        assert credit.share == 1


@pytest.mark.parametrize(
    ("survey", "earned", "reason"),
    [
        (Surveys.OFF, {LEO}, Reason.SURVEY_OFF),
        (Surveys.FALLBACK, {LEO}, Reason.SURVEY_IS_FALLBACK),
        (Surveys.TOUCH, {MIA, LEO}, None),
    ],
)
def test_the_policy_says_what_an_answer_is_beside_a_click(
    survey: Surveys, earned: set[str], reason: Reason | None
) -> None:
    decision = decided(CLICK, order("1001", PHONE), answered("a"), survey=survey)
    assert accounts(decision) == earned
    reasons = {c.reason for c in decision.candidates if c.kind == "survey"}
    assert reasons == {reason}


def test_without_other_evidence_answers_still_do_not_count_when_they_are_off() -> None:
    decision = decided(order("1001", PHONE), answered("a"), survey=Surveys.OFF)
    assert (decision.status, accounts(decision)) == (Status.ORGANIC, {"organic"})


def test_a_code_supersedes_the_answer_that_names_another_creator() -> None:
    evidence = (order("1001", PHONE, codes=("leo10",)), answered("a"))
    for survey in Surveys:
        decision = decided(*evidence, survey=survey)
        assert accounts(decision) == {LEO}
    assert decided(*evidence, answered("b", of="leo", after=SECOND)).candidates[0].reason is (
        Reason.SURVEY_IS_FALLBACK
    )


def test_a_rejected_click_leaves_the_answer_in_its_place() -> None:
    old = touch("old", of="leo", by=PHONE, ago=days(31))
    assert accounts(decided(old, order("1001", PHONE), answered("a"))) == {MIA}


@pytest.mark.parametrize(
    ("after", "earned"),
    [
        (days(-40), MIA),
        (days(7), MIA),
        (days(7) + SECOND, "organic"),
    ],
)
def test_an_answer_counts_up_to_seven_days_after_its_order(after: timedelta, earned: str) -> None:
    decision = decided(order("1001", ANN), answered("a", after=after))
    assert accounts(decision) == {earned}
    late = [c.reason for c in decision.candidates if c.verdict == "rejected"]
    assert late == ([Reason.AFTER_CONVERSION] if earned == "organic" else [])


def test_the_latest_answer_in_time_counts_for_the_order_that_it_names() -> None:
    answers = (
        answered("a", of="mia", after=days(1)),
        answered("b", of="leo", after=days(2)),
        answered("c", of="mia", after=days(8)),
        answered("d", of="mia", after=days(3), order=conversion_key("1002")),
    )
    assert accounts(decided(order("1001", ANN), *answers)) == {LEO}
    assert accounts(decided(order("1001", ANN), *answers[::-1])) == {LEO}


def test_an_answer_of_a_page_needs_the_claim_token_of_the_trusted_order() -> None:
    token, bought = claim_token("1001"), order("1001", ANN, token=claim_token("1001"))
    proven = answered("a", source="public", token=token)
    guessed = answered("b", of="leo", source="public", token=claim_token("x"), after=SECOND)
    bare = answered("c", of="leo", source="public", after=SECOND)
    assert accounts(decided(bought, proven, guessed, bare)) == {MIA}
    assert accounts(decided(order("1001", ANN), proven, bare)) == {"organic"}
    claimed = order("1001", ANN, source="public", token=token)
    assert decided(claimed, proven).status is Status.UNCONFIRMED


@pytest.mark.parametrize("of", [None, "nobody"])
def test_an_answer_that_names_no_creator_earns_nothing(of: str | None) -> None:
    decision = decided(order("1001", ANN), answered("a", of=of))
    assert accounts(decision) == {"organic"}
    assert [c.reason for c in decision.candidates] == [Reason.NAMES_NOBODY]


def test_an_answer_comes_before_the_first_order_of_the_customer() -> None:
    first = order("1", ANN, codes=("leo10",), ago=days(40))
    later = order("1001", ANN)
    assert decided(first, later).acquired_from == conversion_key("1")
    decision = decided(first, later, answered("a"))
    assert (accounts(decision), decision.acquired_from) == ({MIA}, None)


def test_an_answer_can_win_the_customer() -> None:
    first, later = order("1", ANN, ago=days(40)), order("1001", ANN)
    answer = answered("a", order=conversion_key("1"), after=-days(39))
    decision = decided(first, answer, later)
    assert (accounts(decision), decision.acquired_from) == ({MIA}, conversion_key("1"))
    assert {c.evidence_class for c in decision.credits} == {"acquired"}


def test_an_answer_without_an_order_counts_for_the_orders_of_its_person() -> None:
    answer = touch("s", of="mia", by=PHONE, kind="survey", ago=days(3))
    assert accounts(decided(answer, order("1001", PHONE))) == {MIA}
    assert accounts(decided(answer, CLICK, order("1001", PHONE))) == {LEO}
    both = decided(answer, CLICK, order("1001", PHONE), survey=Surveys.TOUCH)
    assert accounts(both) == {MIA, LEO}
