"""Past orders by API key: what they must have, their own ids, and what is not stored of them."""

from datetime import timedelta
from typing import Any

import pytest

from services.tracking.domain.claimed_events import conversion
from services.tracking.domain.claims import Caller, ConversionClaim, PersonClaim
from services.tracking.domain.past_orders import check_past_order
from services.tracking.wire.event_bodies import ConversionIn
from shared.events import SourceKind
from tests.unit.tracking.test_claimed_events import NOW, OUTLET, Known, caller

SENT: dict[str, Any] = {
    "order_id": "5001",
    "occurred_at": "2024-03-01T12:00:00Z",
    "net": "100.00",
    "currency": "EUR",
    "person": {"customer_id": "42"},
    "codes": ["MIA10", "a name@x"],
}
PAST = SENT | {"history": True}


def flaws(claim: ConversionClaim, by: Caller | None = None) -> list[str]:
    """Return the fields that are wrong."""
    rejected = check_past_order(claim, by or caller())
    return [flaw.field for flaw in rejected.flaws] if rejected else []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, []),
        ({"person": {"email": "ann@shop.example"}}, []),
        ({"person": {"customer_id": "0", "email": "ann@shop.example"}}, []),
        ({"kind": "renewal"}, []),
        ({"occurred_at": NOW.isoformat()}, []),
        ({"occurred_at": (NOW + timedelta(seconds=1)).isoformat()}, ["occurred_at"]),
        ({"person": None}, ["person"]),
        ({"person": {"visitor_id": "v1"}}, ["person"]),
        ({"person": {"customer_id": "0"}}, ["person"]),
        ({"kind": "sign_up"}, ["history"]),
        ({"kind": "lead", "order_id": None, "conversion_id": "1"}, ["history"]),
        ({"kind": "download", "person": None}, ["history", "person"]),
    ],
)
def test_a_past_order_is_an_order_of_a_customer_before_now(
    fields: dict[str, Any], named: list[str]
) -> None:
    assert flaws(ConversionIn(**PAST | fields).claim()) == named
    assert flaws(ConversionIn(**SENT | fields).claim()) == []


@pytest.mark.parametrize(("kind", "named"), [("public", ["history"]), ("secret", [])])
def test_a_public_key_knows_no_past_orders(kind: SourceKind, named: list[str]) -> None:
    assert flaws(ConversionIn(**PAST).claim(), caller(kind)) == named


def test_a_customer_of_another_store_is_a_customer() -> None:
    claim = ConversionIn(**PAST | {"store": "Outlet"}).claim()
    assert flaws(claim, caller(store=OUTLET)) == []


def test_a_past_order_and_the_order_itself_are_two_reports() -> None:
    """A shop may report an order that it sent as history; both are versions of one order."""
    past, own = (conversion(ConversionIn(**b).claim(), caller(), Known()) for b in (PAST, SENT))
    again = conversion(ConversionIn(**PAST).claim(), caller(), Known())
    newer = ConversionIn(**PAST | {"updated_at": "2024-03-02T12:00:00Z"}).claim()
    ids = {event.event_id for event in (past, own, again, conversion(newer, caller(), Known()))}
    assert past.event_id == again.event_id
    assert len(ids) == 3
    assert past.natural_id == own.natural_id
    assert (past.history, own.history) == (True, False)


def test_an_order_with_its_time_keeps_its_id() -> None:
    newer = SENT | {"updated_at": "2024-03-02T12:00:00Z"}
    assert ConversionIn(**newer).claim().natural_key == "4:500110:updated_at25:" + (
        "2024-03-02T12:00:00+00:00"
    )


def test_no_code_of_a_past_order_is_stored() -> None:
    past, own = (conversion(ConversionIn(**b).claim(), caller(), Known()) for b in (PAST, SENT))
    assert past.codes == ()
    assert len(own.codes) == 2
    assert past.person.customer_id == own.person.customer_id == "42"


def test_other_claims_are_no_past_orders() -> None:
    future = ConversionClaim("purchase", "1", NOW + timedelta(days=1), person=PersonClaim())
    assert check_past_order(future, caller("public")) is None
