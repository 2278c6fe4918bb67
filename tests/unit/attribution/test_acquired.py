"""Orders of a returning customer: who won the customer earns what no other touch earns."""

from fractions import Fraction
from typing import Any

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Decision, Status
from shared.catalog import Policy
from tests.factories import (
    NOON,
    Evidence,
    adjustment,
    code,
    conversion_key,
    customer,
    days,
    email,
    facts,
    influencers,
    order,
    placement_id,
    policy,
    scope,
    seen_together,
    touch,
    visitor,
)

ANN, BEN, PHONE, LAPTOP = customer("ann"), customer("ben"), visitor("phone"), visitor("laptop")
MIA, LEO = placement_id("mia"), placement_id("leo")
FACTS = facts(influencers("mia", "leo"), code("MIA10", of="mia"))
# Ann clicked a link of mia and one of leo, and bought 200 days before `NOON`.
CLICKS = (
    touch("1", of="mia", by=PHONE, ago=days(203)),
    touch("2", of="leo", by=PHONE, ago=days(202)),
    touch("3", of="mia", by=PHONE, ago=days(201)),
)
FIRST = order("1", ANN, PHONE, ago=days(200), net_minor=1000)
RENEWAL = order("2", ANN, kind="renewal", net_minor=500)


def decided(
    *evidence: Evidence, name: str = "2", kind: str = "renewal", rules: tuple[Policy, ...] = ()
) -> Decision:
    return decide_scope(scope(*evidence), facts(FACTS, *rules))[conversion_key(name, kind)]


def earned(decision: Decision, model: str = "last") -> dict[str, int]:
    found: dict[str, int] = {}
    for credit in decision.credits:
        if credit.model == model:
            found[credit.account] = found.get(credit.account, 0) + credit.amount_minor
    return found


def test_a_renewal_copies_shares_touches_and_times_of_the_first_order() -> None:
    decision = decided(*CLICKS, FIRST, RENEWAL)
    first = decided(*CLICKS, FIRST, RENEWAL, name="1", kind="purchase")
    assert (decision.status, decision.stage) == (Status.CREDITED, "retention")
    assert decision.acquired_from == conversion_key("1")
    assert {c.evidence_class for c in decision.credits} == {"acquired"}

    def copied(found: Decision) -> list[tuple[object, ...]]:
        return [
            (c.model, c.account, c.share, c.touch_id, c.link_id, c.touched_at, c.touch_stage)
            for c in found.credits
        ]

    assert copied(decision) == copied(first)
    assert earned(decision, "linear") == {MIA: 333, LEO: 167}
    third = [c.share for c in decision.credits if c.model == "linear"]
    assert third == [Fraction(1, 3)] * 3


def test_a_later_order_by_the_code_of_the_first_has_the_code_and_not_its_class() -> None:
    first = order("1", ANN, ago=days(10), codes=("mia10",))
    decision = decided(first, RENEWAL)
    assert {(c.account, c.code, c.touch_kind, c.evidence_class) for c in decision.credits} == {
        (MIA, "MIA10", "code", "acquired")
    }
    assert {c.touched_at for c in decision.credits} == {NOON - days(10)}


def test_a_touch_of_its_own_beats_the_first_order() -> None:
    own = touch("own", of="leo", by=LAPTOP, ago=days(1))
    decision = decided(*CLICKS, FIRST, own, order("2", ANN, LAPTOP, kind="renewal"))
    assert (decision.acquired_from, set(earned(decision))) == (None, {LEO})


def test_the_first_order_counts_and_no_order_between() -> None:
    """An order between that nobody earned, or that leo earned, changes nothing."""
    between = order("b", ANN, ago=days(100))
    assert decided(*CLICKS, FIRST, between, RENEWAL).acquired_from == conversion_key("1")
    won = (touch("b", of="leo", by=LAPTOP, ago=days(101)), order("b", ANN, LAPTOP, ago=days(100)))
    assert earned(decided(*CLICKS, FIRST, *won, RENEWAL)) == {MIA: 500}


def test_nobody_is_credited_when_nobody_won_the_first_order() -> None:
    won = (touch("b", of="leo", by=LAPTOP, ago=days(101)), order("b", ANN, LAPTOP, ago=days(100)))
    decision = decided(FIRST, *won, RENEWAL)
    assert (decision.status, decision.acquired_from) == (Status.ORGANIC, None)


def test_credit_is_never_acquired_twice() -> None:
    """Ben's first order is one that Ann acquired, because both are on it: no chain from it."""
    both = order("b", ANN, BEN, source="secret", ago=days(100))
    one, two = (
        order("b", ANN, ago=days(100)),
        order("b", BEN, ago=days(100), source="secret", source_id="erp"),
    )
    last = order("2", BEN, kind="renewal")
    assert decided(*CLICKS, FIRST, one, two, last, name="b", kind="purchase").acquired_from
    assert decided(*CLICKS, FIRST, one, two, last).status is Status.ORGANIC
    # Seen on one event they are one customer, and the first order is Ann's.
    assert decided(*CLICKS, FIRST, both, last).acquired_from == conversion_key("1")


@pytest.mark.parametrize(
    ("retention_days", "status"), [(199, "organic"), (200, "credited"), (0, "organic")]
)
def test_the_policy_says_how_long(retention_days: int, status: str) -> None:
    rules = (policy(retention_days=retention_days),)
    assert decided(*CLICKS, FIRST, RENEWAL, rules=rules).status == status


def test_without_a_policy_a_year_counts() -> None:
    def after(gap: int) -> Decision:
        clicked = touch("x", of="mia", by=PHONE, ago=days(gap + 1))
        return decided(clicked, order("1", ANN, PHONE, ago=days(gap)), RENEWAL)

    assert after(365).status is Status.CREDITED
    assert after(366).status is Status.ORGANIC


def test_zero_days_also_hold_for_two_orders_of_one_moment() -> None:
    orders = (order("1", ANN, codes=("mia10",)), order("2", ANN, kind="renewal"))
    assert decided(*orders).acquired_from == conversion_key("1")
    assert decided(*orders, rules=(policy(retention_days=0),)).status is Status.ORGANIC


def test_a_cancelled_first_order_won_nobody_and_the_next_one_did() -> None:
    second = (
        touch("s", of="leo", by=LAPTOP, ago=days(101)),
        order("s", ANN, LAPTOP, ago=days(100)),
    )
    cancel = adjustment("cancel", of=conversion_key("1"))
    assert decided(*CLICKS, FIRST, cancel, RENEWAL).status is Status.ORGANIC
    assert earned(decided(*CLICKS, FIRST, cancel, *second, RENEWAL)) == {LEO: 500}


def test_a_claimed_order_is_no_first_order() -> None:
    claim = order("0", ANN, PHONE, ago=days(300), source="public")
    assert decided(*CLICKS, claim, FIRST, RENEWAL).acquired_from == conversion_key("1")


def test_leads_are_neither_first_orders_nor_acquired() -> None:
    lead: dict[str, Any] = {"kind": "lead", "net_minor": None, "currency": None}
    early = order("l", ANN, PHONE, ago=days(202), **lead)
    assert decided(*CLICKS, early, FIRST, RENEWAL).acquired_from == conversion_key("1")
    late = decided(*CLICKS, FIRST, order("l", ANN, **lead), name="l", kind="lead")
    assert late.status is Status.ORGANIC


def test_a_device_without_a_customer_returns_as_nobody() -> None:
    later = order("2", PHONE, kind="renewal")
    decision = decided(*CLICKS, order("1", PHONE, ago=days(200)), later)
    assert decision.status is Status.ORGANIC


def test_the_e_mail_of_a_customer_is_the_customer() -> None:
    mail = email("ann")
    tie = seen_together("crm", ANN, mail)
    later = order("2", mail, kind="renewal")
    assert decided(*CLICKS, FIRST, *tie, later).acquired_from == conversion_key("1")


def test_a_cancelled_renewal_has_the_credit_of_the_first_order_without_units() -> None:
    cancel = adjustment("cancel", of=conversion_key("2", "renewal"))
    decision = decided(*CLICKS, FIRST, RENEWAL, cancel)
    assert {(c.amount_minor, c.units) for c in decision.credits} == {(0, 0)}
    placed = [c.placed_units for c in decision.credits if c.model == "last"]
    assert placed == [1_000_000]


def test_a_conversion_of_a_dissolved_component_acquires_nothing() -> None:
    evidence = scope(*CLICKS, FIRST, RENEWAL)
    key = conversion_key("2", "renewal")
    lone = type(evidence)(
        evidence.workspace_id,
        evidence.touches,
        versions=evidence.versions,
        alone=frozenset((key, conversion_key("1"))),
    )
    assert decide_scope(lone, FACTS)[key].status is Status.ORGANIC


def test_a_model_that_the_first_order_did_not_have_is_applied_to_its_touches() -> None:
    old = policy("old", models=("last", {"name": "position", "first_share_percent": 10}))
    new = policy("new", since=NOON - days(1), models=("first", "position", "participation"))
    decision = decided(*CLICKS, FIRST, RENEWAL, rules=(old, new))
    assert earned(decision, "first") == {MIA: 500}
    # The parameters of the first order's policy: 10 % and 40 %, the click between has the rest.
    assert earned(decision, "position") == {MIA: 250, LEO: 250}
    assert {(m.account, m.share) for m in decision.memos} == {
        (MIA, Fraction(1)),
        (LEO, Fraction(1)),
    }
