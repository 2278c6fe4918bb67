"""Stores: two never share an order or a customer; sources of one store and e-mails do."""

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import CatalogFacts
from services.attribution.wire.decision_bytes import decode_decision, encode_decision
from tests.factories import adjustment, conversion_key, customer, days, email, order, scope

NOTHING_KNOWN = CatalogFacts()
OUTLET = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a99"


def test_one_order_id_in_two_stores_is_two_conversions() -> None:
    here, there = order("1001", net_minor=4990), order("1001", net_minor=700, store=OUTLET)
    refund = adjustment("refund", of=conversion_key(store=OUTLET), amount_minor=200)
    found = decide_scope(scope(here, there, refund), NOTHING_KNOWN)
    nets = {key.store: decision.net_minor for key, decision in found.items()}
    assert nets == {"main": 4990, OUTLET: 500}
    assert len({decision.conversion_id for decision in found.values()}) == 2
    assert len({decision.person_ref for decision in found.values()}) == 2


def test_sources_of_one_store_are_one_conversion() -> None:
    sent = order("1001", source="secret", store=OUTLET)
    delivered = order("1001", source="webhook", net_minor=4000, store=OUTLET)
    (decision,) = decide_scope(scope(sent, delivered), NOTHING_KNOWN).values()
    assert (decision.net_minor, decision.key.store) == (4000, OUTLET)


def test_one_customer_id_in_two_stores_is_two_customers_and_one_email_is_one() -> None:
    here, there = customer("17"), customer("17", OUTLET)
    first = order("1001", here, ago=days(2))
    apart = decide_scope(scope(first, order("1002", there, store=OUTLET)), NOTHING_KNOWN)
    assert [decision.new_customer for decision in apart.values()] == [True, True]
    address = email("ann@x")
    first = order("1001", here, address, ago=days(2))
    again = order("1002", there, address, store=OUTLET)
    together = decide_scope(scope(again, first), NOTHING_KNOWN)
    assert [decision.new_customer for decision in together.values()] == [True, False]


def test_a_stored_decision_of_the_first_store_leaves_the_store_out() -> None:
    """The bytes of a release before stores stay equal, so no revision is written for them."""
    found = decide_scope(scope(order("1001"), order("1001", store=OUTLET)), NOTHING_KNOWN)
    bodies = {key: encode_decision(decision) for key, decision in found.items()}
    assert {key.store: b'"store"' in body for key, body in bodies.items()} == {
        "main": False,
        OUTLET: True,
    }
    assert all(decode_decision(body).key == key for key, body in bodies.items())
