"""Untrusted evidence: what ties and claims add to one conversion, and what they never change."""

from itertools import permutations

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import ConversionKey, Decision, Scope
from services.attribution.domain.ties import TIES_MAX
from tests.factories import (
    Evidence,
    adjustment,
    claim_token,
    claimed,
    click,
    customer,
    days,
    facts,
    influencers,
    order,
    scope,
    seen_together,
    touch,
    visitor,
)

FACTS = facts(influencers("mia", "leo"))
ANN, BEN = customer("ann"), customer("ben")
PHONE, LAPTOP, TABLET = visitor("phone"), visitor("laptop"), visitor("tablet")
TOKEN = claim_token("the cart of 1001")


def decided(evidence: Scope, name: str = "1001") -> Decision:
    return decide_scope(evidence, FACTS)[ConversionKey("purchase", name)]


def kept(evidence: Scope, name: str = "1001") -> list[str]:
    return [c.touch_id for c in decided(evidence, name).candidates if c.verdict == "kept"]


def test_a_tie_reaches_the_click_that_a_page_of_the_carried_visitor_was_opened_with() -> None:
    clicked = touch("t", click_key=click("k"))
    tie = seen_together("visit", PHONE, click("k"), source="public")
    assert kept(scope(clicked, *tie, order("1001", PHONE))) == [clicked.touch_id]
    assert kept(scope(clicked, *tie, order("1001", PHONE, ANN))) == [clicked.touch_id]


def test_a_tie_reaches_one_step_only() -> None:
    clicked, far = touch("t", click_key=click("k")), touch("far", by=LAPTOP, click_key=click("m"))
    ties = (
        *seen_together("a", PHONE, click("k"), source="public"),
        *seen_together("b", LAPTOP, click("k"), source="public"),
        *seen_together("c", LAPTOP, click("m"), source="public"),
    )
    assert kept(scope(clicked, far, *ties, order("1001", PHONE))) == [clicked.touch_id]
    # The other clicks of the tied click's visitor are a second step, though trusted.
    other = touch("other", by=TABLET)
    same = touch("t", by=TABLET, click_key=click("k"))
    assert kept(scope(same, other, *ties, order("1001", PHONE))) == [same.touch_id]


def test_a_tie_never_reaches_from_a_customer_or_to_one() -> None:
    clicked = touch("t", by=PHONE)
    junk = seen_together("junk", PHONE, ANN, source="public")
    assert kept(scope(clicked, *junk, order("1001", ANN))) == []
    first, second = order("1001", ANN, ago=days(1)), order("1002", BEN)
    joined = seen_together("both", ANN, BEN, source="public")
    alone = decide_scope(scope(first, second), FACTS)
    assert decide_scope(scope(first, second, *joined), FACTS) == alone


def test_a_junk_customer_makes_no_device_shared() -> None:
    clicked = touch("t", by=PHONE)
    told = order("1001", ANN, PHONE, ago=days(0)), order("1002", ANN)
    junk = seen_together("junk", PHONE, BEN, source="public")
    assert kept(scope(clicked, *told, *junk), "1002") == [clicked.touch_id]


def test_a_key_with_too_many_ties_has_none() -> None:
    clicked = touch("t", click_key=click("0"))
    told = [
        edge
        for n in range(TIES_MAX)
        for edge in seen_together(f"e{n}", PHONE, click(f"{n}"), source="public")
    ]
    assert kept(scope(clicked, *told, order("1001", PHONE))) == [clicked.touch_id]
    more = seen_together("more", PHONE, click("more"), source="public")
    assert kept(scope(clicked, *told, *more, order("1001", PHONE))) == []
    # The limit counts from both ends.
    many = [
        edge
        for n in range(TIES_MAX + 1)
        for edge in seen_together(f"f{n}", visitor(f"{n}"), click("0"), source="public")
    ]
    assert kept(scope(clicked, *told, *many, order("1001", PHONE))) == []


def test_an_untrusted_touch_counts_for_a_customer_by_a_trusted_tie_only() -> None:
    told = touch("t", by=PHONE, source="public")
    by_secret = seen_together("login", PHONE, ANN)
    by_public = seen_together("login", PHONE, ANN, source="public")
    assert kept(scope(told, *by_secret, order("1001", ANN))) == [told.touch_id]
    assert kept(scope(told, *by_public, order("1001", ANN))) == []


def test_an_untrusted_click_says_nothing_about_the_visitor_of_a_click_id() -> None:
    real = touch("real", by=TABLET, click_key=click("k"))
    others = touch("others", by=LAPTOP)
    told = touch("told", by=LAPTOP, click_key=click("k"), source="public")
    evidence = scope(real, others, told, order("1001", ANN, carries=real))
    assert kept(evidence) == [real.touch_id]


@pytest.mark.parametrize("proof", [TOKEN, claim_token("a guess"), None])
def test_a_claim_joins_its_order_by_the_token_of_the_order_only(proof: bytes | None) -> None:
    clicked = touch("t", by=PHONE)
    claim = order("1001", PHONE, source="public", token=proof)
    ties = claimed("claim", proof, PHONE) if proof else ()
    told: tuple[Evidence, ...] = (clicked, claim, ties, order("1001", ANN, token=TOKEN))
    for parts in permutations(told):
        expected = [clicked.touch_id] if proof == TOKEN else []
        assert kept(scope(*parts)) == expected
    assert kept(scope(clicked, claim, ties, order("1001", ANN))) == []


def test_two_proven_claims_that_differ_change_nothing() -> None:
    clicked = touch("t", by=PHONE), touch("u", by=LAPTOP)
    one, other = claimed("one", TOKEN, PHONE), claimed("other", TOKEN, LAPTOP)
    told = order("1001", ANN, token=TOKEN)
    again = claimed("again", TOKEN, PHONE)
    assert kept(scope(*clicked, one, again, told)) == [clicked[0].touch_id]
    assert kept(scope(*clicked, one, other, told)) == []


def test_a_proven_claim_names_no_customer_of_another_order() -> None:
    clicked = touch("t", by=PHONE)
    evidence = scope(
        clicked,
        claimed("claim", TOKEN, PHONE),
        order("1001", ANN, token=TOKEN),
        order("1002", ANN),
    )
    assert kept(evidence, "1001") == [clicked.touch_id]
    assert kept(evidence, "1002") == []


def test_the_token_of_the_version_that_counts_is_the_proof() -> None:
    clicked = touch("t", by=PHONE)
    told = order("1001", ANN, source="secret", token=TOKEN)
    claim = claimed("claim", TOKEN, PHONE)
    assert kept(scope(clicked, claim, told)) == [clicked.touch_id]
    assert kept(scope(clicked, claim, told, order("1001", ANN))) == []


def test_the_ties_of_a_proven_browser_reach_its_other_clicks() -> None:
    landed = touch("t", click_key=click("k"))
    tie = seen_together("visit", PHONE, click("k"), source="public")
    claim = claimed("claim", TOKEN, PHONE)
    evidence = scope(landed, *tie, claim, order("1001", ANN, token=TOKEN))
    assert kept(evidence) == [landed.touch_id]


def test_an_adjustment_of_a_public_key_takes_nothing_and_hides_none() -> None:
    refund = adjustment("refund", "r1", amount_minor=1000)
    told = [adjustment("cancel", "r2", source="public"), adjustment("edit", "r1", source="public")]
    for public in told:
        assert decided(scope(order(), refund, public)).net_minor == 3990
