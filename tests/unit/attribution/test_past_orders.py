"""Past orders: evidence that a customer has bought, which counts for nobody and in no sum."""

from itertools import permutations

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.journey import TOUCHES_MAX
from services.attribution.domain.model import Decision, Status
from services.attribution.domain.netting import counted
from services.attribution.wire.explanation_shapes import creator_answer
from shared.credits import UNITS_PER_CONVERSION
from shared.events import AdjustmentKind
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
    minutes,
    order,
    placement_id,
    scope,
    seen_together,
    touch,
    visitor,
)

ANN, MAIL, PHONE = customer("ann"), email("ann"), visitor("phone")
MIA = placement_id("mia")
FACTS = facts(influencers("mia"), code("MIA10", of="mia"))
PAST = order("p", ANN, ago=days(400), source="secret", history=True, net_minor=7000)
RENEWAL = order("2", ANN, kind="renewal", net_minor=500)


def decided(*evidence: Evidence, name: str = "2", kind: str = "renewal") -> Decision:
    return decide_scope(scope(*evidence), FACTS)[conversion_key(name, kind)]


def test_a_past_order_is_in_no_sum_and_is_judged_by_nothing() -> None:
    carried = order("p", ANN, PHONE, source="secret", history=True, codes=("MIA10",))
    decision = decided(touch("1", of="mia", by=PHONE), carried, name="p", kind="purchase")
    assert decision.status is Status.HISTORY
    assert (decision.net_minor, decision.units) == (0, 0)
    assert (decision.credits, decision.memos, decision.candidates) == ((), (), ())
    assert (decision.notes, decision.mismatched) == ((), ())


def test_why_a_creator_earned_nothing_of_a_past_order() -> None:
    decision = decided(PAST, name="p", kind="purchase")
    answer = creator_answer("mia", decision, (), None)
    assert answer.sentence == "The order is history, from before Laurel: it counts for nobody."
    assert (answer.models, answer.candidates) == ([], [])


def test_the_customer_of_a_past_order_is_not_new() -> None:
    live = order("1", ANN)
    assert decided(live, name="1", kind="purchase").new_customer is True
    decision = decided(PAST, live, name="1", kind="purchase")
    assert (decision.new_customer, decision.stage) == (False, "retention")
    assert decision.bought_at == NOON - days(400)
    assert (decision.status, decision.net_minor) == (Status.ORGANIC, 4990)


def test_a_past_order_by_e_mail_reaches_the_customer_through_what_ties_both() -> None:
    past = order("p", MAIL, ago=days(400), source="secret", history=True)
    tie = seen_together("crm", ANN, MAIL)
    assert decided(past, order("1", ANN), name="1", kind="purchase").new_customer is True
    assert decided(past, *tie, order("1", ANN), name="1", kind="purchase").new_customer is False


def test_a_past_order_that_is_later_than_the_order_changes_nothing() -> None:
    live = order("1", ANN, ago=days(500))
    assert decided(PAST, live, name="1", kind="purchase").new_customer is True


def test_a_renewal_of_an_old_customer_stays_organic_unless_touched() -> None:
    """Without history the first order that Laurel saw would have won the customer."""
    won = (touch("1", of="mia", by=PHONE, ago=days(101)), order("1", ANN, PHONE, ago=days(100)))
    assert decided(*won, RENEWAL).acquired_from == conversion_key("1")
    decision = decided(PAST, *won, RENEWAL)
    assert (decision.status, decision.acquired_from) == (Status.ORGANIC, None)
    # The touches of the first order that Laurel saw earn that order.
    own = decided(PAST, *won, RENEWAL, name="1", kind="purchase")
    assert {credit.account for credit in own.credits} == {MIA}
    touched = decided(PAST, RENEWAL, order("2", ANN, kind="renewal", codes=("MIA10",), version=2))
    assert {credit.account for credit in touched.credits} == {MIA}


def test_the_order_itself_replaces_its_history_whatever_came_first() -> None:
    past = order(source="secret", history=True, version=9, tie_break=(1,), net_minor=1)
    told = (
        order(source="secret", net_minor=2),
        order(source="webhook", net_minor=3),
    )
    claim = order(source="public", net_minor=4)
    for arrival in permutations((past, *told, claim)):
        assert counted(arrival).net_minor == 3
    for arrival in permutations((past, told[0], claim)):
        assert counted(arrival).net_minor == 2
    for arrival in permutations((past, claim)):
        assert counted(arrival).net_minor == 1


def test_the_order_itself_is_real_revenue_and_its_history_no_doubt() -> None:
    live = order("p", PHONE, ago=days(400), net_minor=6000)
    click = touch("1", of="mia", by=PHONE, ago=days(401))
    decision = decided(click, PAST, live, name="p", kind="purchase")
    assert (decision.status, decision.net_minor) == (Status.CREDITED, 6000)
    assert (decision.units, decision.notes) == (UNITS_PER_CONVERSION, ())
    # The keys of both are on the order, so it still names its customer.
    after = decided(click, PAST, live, order("1", ANN), name="1", kind="purchase")
    assert after.new_customer is False


@pytest.mark.parametrize("kind", ["cancel", "chargeback"])
def test_a_past_order_that_was_cancelled_is_no_order(kind: AdjustmentKind) -> None:
    gone = adjustment(kind, of=conversion_key("p"))
    decision = decided(PAST, gone, order("1", ANN), name="1", kind="purchase")
    assert decision.new_customer is True


def test_a_refund_of_a_past_order_changes_no_sum_in_any_currency() -> None:
    for currency in ("EUR", "USD"):
        back = adjustment("refund", of=conversion_key("p"), amount_minor=9000, currency=currency)
        decision = decided(PAST, back, name="p", kind="purchase")
        assert (decision.status, decision.net_minor) == (Status.HISTORY, 0)
        assert (decision.notes, decision.mismatched) == ((), ())
        returning = decided(PAST, back, order("1", ANN), name="1", kind="purchase")
        assert returning.new_customer is False


def test_a_test_order_with_a_history_is_a_test() -> None:
    trial = order("p", ANN, ago=days(400), test=True)
    assert decided(PAST, trial, name="p", kind="purchase").status is Status.TEST


def test_past_orders_take_no_room_from_the_touches_of_others() -> None:
    """With 60 orders of its keys a conversion is decided by 166 touches; here they are past."""
    past = [
        order(f"p{n}", ANN, PHONE, ago=days(400 + n), source="secret", history=True)
        for n in range(60)
    ]
    seen = [touch(f"t{n:04}", of="mia", by=PHONE, ago=minutes(n + 1)) for n in range(300)]
    assert TOUCHES_MAX // len(past) < len(seen)
    decision = decided(*past, *seen, order("1", ANN, PHONE), name="1", kind="purchase")
    assert len([c for c in decision.candidates if c.verdict == "kept"]) == len(seen)
