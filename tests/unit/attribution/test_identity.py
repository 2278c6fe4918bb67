"""Identity: shared devices in both orders, contained clicks, linked devices, hubs, ambiguity."""

from itertools import permutations

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.identity import identify
from services.attribution.domain.model import CatalogFacts, ConversionKey, Scope
from tests.factories import (
    Evidence,
    click,
    conversion_key,
    customer,
    days,
    email,
    facts,
    influencers,
    minutes,
    order,
    scope,
    seen_together,
    touch,
    visitor,
)

FACTS = facts(influencers("mia", "leo"))
ANN, BEN = customer("ann"), customer("ben")
PHONE, LAPTOP, TABLET = visitor("phone"), visitor("laptop"), visitor("tablet")


def kept(evidence: Scope, name: str = "1001", known: CatalogFacts = FACTS) -> list[str]:
    """The kept touch ids of an order."""
    decision = decide_scope(evidence, known)[ConversionKey("purchase", name)]
    return [c.touch_id for c in decision.candidates if c.verdict == "kept"]


def test_strong_keys_of_one_event_are_one_customer_across_devices() -> None:
    clicked = touch("t", by=PHONE)
    together = seen_together("identify", ANN, email("ann@x")), seen_together("login", PHONE, ANN)
    evidence = scope(clicked, *together, order("1001", email("ann@x")))
    assert kept(evidence) == [clicked.touch_id]


def test_a_click_on_the_order_brings_the_other_touches_of_its_visitor() -> None:
    early = touch("early", by=PHONE, ago=days(3))
    carried = touch("carried", of="leo", by=PHONE, click_key=click("k"))
    evidence = scope(early, carried, order("1001", ANN, carries=carried))
    assert kept(evidence) == [early.touch_id, carried.touch_id]


def test_a_visitor_of_the_shop_and_the_clicker_are_joined_by_the_click_in_the_address() -> None:
    clicked = touch("t", by=PHONE, click_key=click("k"))
    visited = seen_together("visit", visitor("shop"), click("k"))
    assert kept(scope(clicked, visited, order("1001", visitor("shop")))) == [clicked.touch_id]
    assert kept(scope(clicked, visited, order("1001", visitor("shop"), ANN))) == [clicked.touch_id]


def test_a_shared_device_counts_only_for_orders_that_carry_it_in_any_order() -> None:
    clicked = touch("t", by=PHONE)
    parts: tuple[Evidence, ...] = (
        clicked,
        order("1001", ANN, PHONE, ago=minutes(3)),
        order("1002", BEN, PHONE, ago=minutes(2)),
        order("1003", ANN, ago=minutes(1)),
    )
    for arrival in permutations(parts):
        evidence = scope(*arrival)
        assert kept(evidence, "1001") == [clicked.touch_id]
        assert kept(evidence, "1002") == [clicked.touch_id]
        assert kept(evidence, "1003") == []


def test_a_device_of_one_customer_counts_for_their_orders_elsewhere() -> None:
    clicked = touch("t", by=PHONE)
    evidence = scope(clicked, order("1001", ANN, PHONE, ago=minutes(3)), order("1003", ANN))
    assert kept(evidence, "1003") == [clicked.touch_id]


def test_a_shared_device_never_merges_its_customers() -> None:
    ann_alone, ben_alone = touch("a", by=LAPTOP), touch("b", by=TABLET)
    shared = seen_together("e1", ANN, PHONE), seen_together("e2", BEN, PHONE)
    own = seen_together("e3", ANN, LAPTOP), seen_together("e4", BEN, TABLET)
    evidence = scope(ann_alone, ben_alone, *shared, *own, order("1001", ANN), order("1002", BEN))
    assert kept(evidence, "1001") == [ann_alone.touch_id]
    assert kept(evidence, "1002") == [ben_alone.touch_id]


def test_a_device_between_two_customers_belongs_to_neither_unless_carried() -> None:
    between = touch("t", by=TABLET)
    chain = (
        seen_together("e1", ANN, PHONE),
        seen_together("e2", PHONE, TABLET),
        seen_together("e3", TABLET, LAPTOP),
        seen_together("e4", LAPTOP, BEN),
    )
    evidence = scope(between, *chain, order("1001", ANN), order("1002", BEN), order("1003", TABLET))
    assert kept(evidence, "1001") == []
    assert kept(evidence, "1002") == []
    assert kept(evidence, "1003") == [between.touch_id]


def test_an_order_with_a_device_only_is_that_device_s_one_customer() -> None:
    elsewhere = touch("t", by=LAPTOP)
    ties = seen_together("e1", ANN, LAPTOP), seen_together("e2", ANN, PHONE)
    evidence = scope(elsewhere, *ties, order("1001", PHONE))
    assert kept(evidence) == [elsewhere.touch_id]
    person = identify(evidence).person([PHONE])
    assert person.customers == (ANN,)


def test_an_order_with_devices_of_two_customers_gets_those_devices_only() -> None:
    carried, elsewhere = touch("t", by=PHONE), touch("u", by=TABLET)
    ties = (
        seen_together("e1", ANN, PHONE),
        seen_together("e2", BEN, LAPTOP),
        seen_together("e3", ANN, TABLET),
    )
    also = order("1001", LAPTOP, source="secret")
    evidence = scope(carried, elsewhere, *ties, order("1001", PHONE), also)
    assert kept(evidence) == [carried.touch_id]


def test_ties_of_a_click_pass_to_the_visitor_who_clicked() -> None:
    carried = touch("carried", by=PHONE, click_key=click("k"), ago=days(2))
    other = touch("other", by=PHONE, of="leo", ago=days(1))
    evidence = scope(
        carried, other, order("1001", ANN, carries=carried, ago=days(1)), order("1002", ANN)
    )
    assert kept(evidence, "1002") == [carried.touch_id, other.touch_id]


def test_a_hub_joins_nothing_and_a_carried_hub_gives_the_click_itself_only() -> None:
    clicked = touch("t", by=PHONE, click_key=click("k"))
    other = touch("u", by=PHONE)
    carrying = order("1001", ANN, PHONE, carries=clicked)
    assert kept(scope(clicked, other, carrying, hubs=[PHONE])) == [clicked.touch_id]
    assert kept(scope(clicked, other, order("1001", ANN, PHONE), hubs=[PHONE])) == []
    assert kept(scope(clicked, carrying, hubs=[click("k"), PHONE])) == [clicked.touch_id]


def test_a_strong_hub_is_nobody() -> None:
    clicked = touch("t", by=PHONE)
    guest = email("guest@shop")
    evidence = scope(clicked, seen_together("e1", PHONE, guest), order("1001", guest), hubs=[guest])
    assert kept(evidence) == []
    assert identify(evidence).person([guest]).customers == ()


def test_keys_of_a_public_claim_never_count_by_themselves() -> None:
    clicked = touch("t", by=PHONE)
    claim = order("1001", PHONE, source="public", net_minor=1)
    assert kept(scope(clicked, claim, order("1001", ANN))) == []
    assert kept(scope(clicked, claim)) == []


def test_one_customer_has_one_reference_and_two_have_two() -> None:
    evidence = scope(
        seen_together("e", ANN, email("ann@x")),
        order("1001", ANN),
        order("1002", email("ann@x")),
        order("1003", BEN),
        order("1004"),
        order("1005"),
    )
    refs = [decision.person_ref for decision in decide_scope(evidence, FACTS).values()]
    assert refs[0] == refs[1]
    assert len(set(refs)) == 4
    elsewhere = decide_scope(scope(order("1001", ANN), workspace_id="another"), FACTS)
    assert elsewhere[conversion_key()].person_ref not in refs
