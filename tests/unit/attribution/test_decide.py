"""Credits, stages, policies and new customers by example."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import Decision, Scope, Status
from services.attribution.domain.policies import DEFAULT_POLICY, policy_for
from services.attribution.domain.stages import touch_stage
from shared.catalog import Policy
from shared.events import ConversionKind
from shared.models import ModelRejected
from tests.factories import (
    NOON,
    adjustment,
    conversion_key,
    customer,
    days,
    facts,
    influencers,
    lead,
    minutes,
    order,
    placement_id,
    policy,
    scope,
    touch,
    visitor,
)

ANN, PHONE = customer("ann"), visitor("phone")
FACTS = facts(influencers("mia", "leo"))
MIA, LEO = placement_id("mia"), placement_id("leo")
JOURNEY = (
    touch("1", of="mia", by=PHONE, ago=days(3)),
    touch("2", of="leo", by=PHONE, ago=days(2)),
    touch("3", of="mia", by=PHONE, ago=days(1)),
)


def decided(evidence: Scope, *policies: Policy, name: str = "1001") -> Decision:
    """The decision on one purchase."""
    return decide_scope(evidence, facts(FACTS, *policies))[conversion_key(name)]


def test_first_last_and_linear() -> None:
    decision = decided(scope(*JOURNEY, order("1001", PHONE, net_minor=1000)))
    credited = [(c.model, c.account, c.share, c.amount_minor, c.units) for c in decision.credits]
    third = Fraction(1, 3)
    assert credited == [
        ("first", MIA, 1, 1000, 1_000_000),
        ("last", MIA, 1, 1000, 1_000_000),
        ("linear", MIA, third, 334, 333_334),
        ("linear", LEO, third, 333, 333_333),
        ("linear", MIA, third, 333, 333_333),
    ]
    assert decision.status is Status.CREDITED


def test_a_negative_net_is_shown_and_split_exactly() -> None:
    refund = adjustment("refund", amount_minor=1100)
    decision = decided(scope(*JOURNEY, order("1001", PHONE, net_minor=1000), refund))
    linear = [c.amount_minor for c in decision.credits if c.model == "linear"]
    assert (decision.net_minor, linear) == (-100, [-34, -33, -33])


def test_without_touches_the_credit_is_organic() -> None:
    decision = decided(scope(order("1001", ANN)))
    assert decision.status is Status.ORGANIC
    assert [(c.model, c.account, c.touch_id, c.amount_minor) for c in decision.credits] == [
        (model, "organic", None, 4990) for model in ("first", "last", "linear")
    ]


def test_a_lead_earns_units_and_no_money() -> None:
    key = conversion_key("l1", "lead")
    decision = decide_scope(scope(*JOURNEY, lead("l1", PHONE)), FACTS)[key]
    assert (decision.currency, decision.net_minor, decision.stage) == (None, 0, "consideration")
    assert sum(c.units for c in decision.credits if c.model == "linear") == 1_000_000


def test_the_policy_names_the_models() -> None:
    decision = decided(scope(order()), policy(models=("last", "last")))
    assert [c.model for c in decision.credits] == ["last"]
    with pytest.raises(ModelRejected, match="'guess' is no credit model"):
        decided(scope(order()), policy(models=("guess",)))


def test_the_policy_valid_when_the_conversion_occurred_binds() -> None:
    always = policy("always", models=("first",))
    march = policy("march", since=NOON - days(1), models=("last",))
    bound = {
        age: decided(scope(order("1001", ago=days(age))), always, march).credits[0].model
        for age in (0, 1, 2)
    }
    assert bound == {0: "last", 1: "last", 2: "first"}
    assert decided(scope(order()), march).policy_id == march.id
    assert decided(scope(order("1001", ago=days(9))), march).policy_id is None


def test_of_equal_policies_the_one_recorded_last_binds_and_deleted_ones_never() -> None:
    old, new = policy("old"), policy("new", revision=2)
    assert policy_for((old, new), NOON) == policy_for((new, old), NOON) == new
    gone = Policy(workspace_id="", id="x", revision=9, recorded_at=NOON, deleted_at=NOON)
    assert policy_for((gone,), NOON) is DEFAULT_POLICY


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        ("lead", "consideration"),
        ("sign_up", "consideration"),
        ("download", "consideration"),
        ("purchase", "purchase"),
        ("renewal", "retention"),
    ],
)
def test_the_stage_of_each_conversion_kind(kind: ConversionKind, stage: str) -> None:
    (decision,) = decide_scope(scope(order("1001", ANN, kind=kind)), FACTS).values()
    assert decision.stage == stage


def test_a_later_purchase_of_a_customer_is_retention() -> None:
    first, second = order("1001", ANN, ago=days(2)), order("1002", ANN)
    decisions = decide_scope(scope(second, first), FACTS)
    assert [(d.stage, d.new_customer) for d in decisions.values()] == [
        ("purchase", True),
        ("retention", False),
    ]


def test_two_purchases_of_one_moment_are_ordered_by_their_ids() -> None:
    decisions = decide_scope(scope(order("1002", ANN), order("1001", ANN)), FACTS)
    assert [d.stage for d in decisions.values()] == ["purchase", "retention"]


def test_a_cancelled_or_claimed_purchase_does_not_make_the_next_a_later_one() -> None:
    cancelled = order("1001", ANN, ago=days(2))
    cancel = adjustment("cancel")
    claimed = order("1000", ANN, ago=days(3), source="public")
    evidence = scope(cancelled, cancel, claimed, order("1002", ANN))
    assert decided(evidence, name="1002").stage == "purchase"
    refunded = adjustment("refund", amount_minor=4990)
    assert decided(scope(cancelled, refunded, order("1002", ANN)), name="1002").stage == "retention"


def test_the_counted_version_s_own_word_on_new_customers_stands() -> None:
    told = order("1001", new_customer=False)
    assert (decided(scope(told)).stage, decided(scope(told)).new_customer) == ("retention", False)
    claim = order("1001", new_customer=False, source="public")
    assert decided(scope(order("1001", ANN), claim)).new_customer is True


def test_a_device_without_a_customer_is_unknown_until_it_buys_again() -> None:
    first, second = order("1001", PHONE, ago=days(1)), order("1002", PHONE)
    decisions = decide_scope(scope(first, second), FACTS)
    assert [d.new_customer for d in decisions.values()] == [None, False]


def test_a_policy_overrides_stages() -> None:
    mapped = policy(stages={"click": "engagement", "later_purchase": "advocacy"})
    known = (touch("t", by=PHONE), order("1000", ANN, PHONE, ago=minutes(30)))
    decision = decided(scope(*known, order("1001", ANN)), mapped)
    assert (decision.stage, decision.credits[0].touch_stage) == ("advocacy", "engagement")
    with pytest.raises(ValueError, match="unknown stage"):
        touch_stage("click", {"click": "sideways"})


def test_the_conversion_id_is_one_per_workspace_kind_and_id() -> None:
    here = scope(order("1"), order("1", kind="renewal"), order("2"))
    there = replace(here, workspace_id="another")
    ids = [d.conversion_id for s in (here, there) for d in decide_scope(s, FACTS).values()]
    assert len(set(ids)) == 6
