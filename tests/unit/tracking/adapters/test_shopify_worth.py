"""From Shopify's deliveries to the net of the order: each state of the vendor's documented order.

The bodies are those of the vendor's documentation, shortened to what is read; each delivery goes
through the adapter, the event on the log and the decision.
"""

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import Any, Final

import pytest

from services.attribution.domain.decide import decide_scope
from services.attribution.domain.model import (
    Adjustment,
    CatalogFacts,
    ConversionVersion,
    Decision,
    Scope,
    Status,
)
from services.attribution.wire.event_readings import conversion_evidence
from services.tracking.adapters.shopify.bodies import read
from services.tracking.domain.claims import Caller, Rejected
from services.tracking.domain.deliveries import Delivery
from shared.events import Source, encode_event
from tests.contract.test_adapters import WORKSPACE, event_of

NOW: Final = datetime(2026, 4, 1, tzinfo=UTC)
CONNECTION: Final = Source("webhook", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d")
ORDER: Final[dict[str, Any]] = {
    "id": 450789469,
    "admin_graphql_api_id": "gid://shopify/Order/450789469",
    "cancel_reason": None,
    "cancelled_at": None,
    "checkout_token": "bd5a8aa1ecd019dd3520ff791ee3a24c",
    "closed_at": None,
    "created_at": "2026-03-01T11:00:00-05:00",
    "currency": "EUR",
    "current_subtotal_price": "49.90",
    "customer": {"id": 207119551, "orders_count": 1},
    "discount_codes": [],
    "financial_status": "paid",
    "name": "#1001",
    "line_items": [
        {
            "id": 466157049,
            "current_quantity": 1,
            "discount_allocations": [],
            "gift_card": False,
            "price": "29.90",
            "quantity": 1,
            "tax_lines": [],
            "total_discount": "0.00",
        },
        {
            "id": 518995019,
            "current_quantity": 1,
            "discount_allocations": [],
            "gift_card": False,
            "price": "20.00",
            "quantity": 1,
            "tax_lines": [],
            "total_discount": "0.00",
        },
    ],
    "processed_at": "2026-03-01T11:00:00-05:00",
    "refunds": [],
    "shipping_lines": [{"id": 369256396, "price": "5.00", "tax_lines": []}],
    "subtotal_price": "49.90",
    "taxes_included": False,
    "test": False,
    "total_price": "54.90",
    "total_tax": "0.00",
    "updated_at": "2026-03-01T11:00:00-05:00",
}
REFUND: Final[dict[str, Any]] = {
    "id": 509562969,
    "admin_graphql_api_id": "gid://shopify/Refund/509562969",
    "order_id": 450789469,
    "created_at": "2026-03-03T11:00:00-05:00",
    "processed_at": "2026-03-03T11:00:00-05:00",
    "order_adjustments": [],
    "refund_line_items": [],
    "transactions": [],
}
Sent = tuple[str, dict[str, Any]]


def at(day: int) -> str:
    return f"2026-03-{day:02}T11:00:00-05:00"


def order(day: int = 1, topic: str = "orders/updated", **fields: Any) -> Sent:
    return topic, ORDER | {"updated_at": at(day)} | fields


def refund(**fields: Any) -> Sent:
    return "refunds/create", REFUND | fields


def payment(amount: str, status: str = "success") -> dict[str, Any]:
    return {"kind": "refund", "status": status, "amount": amount, "currency": "EUR"}


def line(amount: str, line_item_id: int = 518995019) -> dict[str, Any]:
    money = {"shop_money": {"amount": amount, "currency_code": "EUR"}}
    return {"line_item_id": line_item_id, "quantity": 1, "subtotal_set": money, "subtotal": amount}


def decided(*deliveries: Sent, triggered_at: str = "") -> Decision:
    caller = Caller(WORKSPACE, CONNECTION, "shopify", NOW, WORKSPACE)
    facts: dict[str, ConversionVersion | Adjustment] = {}
    for topic, payload in deliveries:
        headers = [(b"x-shopify-topic", topic.encode())]
        headers += [(b"x-shopify-triggered-at", triggered_at.encode())] if triggered_at else []
        claims = read(Delivery(headers, json.dumps(payload).encode(), NOW), "EUR")
        assert not isinstance(claims, Rejected), claims
        for claim in claims:
            fact = conversion_evidence(encode_event(event_of(claim, caller)))
            facts.setdefault(fact.event_id, fact)
    versions = tuple(f for f in facts.values() if isinstance(f, ConversionVersion))
    adjustments = tuple(f for f in facts.values() if isinstance(f, Adjustment))
    found = decide_scope(Scope(WORKSPACE, (), (), versions, adjustments), CatalogFacts())
    (decision,) = found.values()
    return decision


def nets(*deliveries: Sent) -> set[tuple[int, int]]:
    """Return net and units for every order of arrival."""
    decisions = [decided(*arrival) for arrival in permutations(deliveries)]
    return {(decision.net_minor, decision.units) for decision in decisions}


KEPT: Final = 1_000_000


def test_postage_that_is_given_back_takes_nothing_of_the_order() -> None:
    shipping = {"kind": "shipping_refund", "amount": "-5.00", "tax_amount": "0.00"}
    given_back = refund(order_adjustments=[shipping], transactions=[payment("5.00")])
    assert nets(order(), given_back) == {(4990, KEPT)}


def test_create_and_update_in_one_second() -> None:
    created = order(topic="orders/create", subtotal_price="100.00")
    updated = order(topic="orders/updated", subtotal_price="120.00")
    assert nets(created, updated) == {(12_000, KEPT)}
    paid = order(topic="orders/paid", subtotal_price="110.00")
    assert nets(created, paid, updated) == {(12_000, KEPT)}


def test_a_reopened_order_comes_back() -> None:
    cancelled = order(2, "orders/cancelled", cancelled_at=at(2), cancel_reason="customer")
    assert nets(order(), cancelled) == {(0, 0)}
    reopened = order(3, cancelled_at=None, closed_at=None)
    assert nets(order(), cancelled, reopened) == {(4990, KEPT)}


def test_a_cancelled_order_has_nothing_left_that_its_own_refund_could_take() -> None:
    cancelled = order(2, "orders/cancelled", cancelled_at=at(2))
    whole = refund(
        refund_line_items=[line("29.90", 466157049), line("20.00")],
        transactions=[payment("54.90")],
    )
    assert nets(order(), cancelled, whole) == {(0, 0)}
    assert decided(order(), cancelled, whole).notes == ()


def test_a_voided_order_is_worth_nothing_until_it_is_paid_again() -> None:
    voided = order(2, financial_status="voided")
    assert nets(order(financial_status="authorized"), voided) == {(0, 0)}
    assert nets(voided, order(3, financial_status="paid")) == {(4990, KEPT)}


def test_a_partially_paid_order_counts_whole_and_is_listed() -> None:
    part = decided(order(2, financial_status="partially_paid", total_outstanding="30.00"))
    assert (part.net_minor, part.units) == (4990, KEPT)
    assert [note.doubt for note in part.notes] == ["unpaid"]
    paid = decided(order(2, financial_status="partially_paid"), order(3, financial_status="paid"))
    assert paid.notes == ()


def test_an_edited_order_loses_the_line_that_was_removed() -> None:
    kept, removed = ORDER["line_items"]
    lines = [kept, removed | {"current_quantity": 0, "fulfillable_quantity": 0}]
    removal = REFUND | {"refund_line_items": [line("20.00")]}
    edited = order(2, line_items=lines, current_subtotal_price="29.90", refunds=[removal])
    assert nets(order(), edited) == {(2990, KEPT)}
    assert nets(order(), edited, ("refunds/create", removal)) == {(2990, KEPT)}
    added = order(3, line_items=[*lines, kept | {"id": 7, "price": "10.00"}], refunds=[removal])
    added[1]["subtotal_price"] = "59.90"
    assert nets(order(), edited, added) == {(3990, KEPT)}


def test_a_refund_that_fails_comes_back() -> None:
    made: dict[str, Any] = {
        "refund_line_items": [line("20.00")],
        "transactions": [payment("20.00", "pending")],
    }
    pending = decided(order(), refund(**made))
    assert (pending.net_minor, [note.doubt for note in pending.notes]) == (2990, ["pending"])
    failed = REFUND | made | {"transactions": [payment("20.00", "failure")]}
    assert nets(order(), refund(**made), order(4, refunds=[failed])) == {(4990, KEPT)}


def test_an_order_that_is_given_back_whole_was_placed_and_is_not_kept() -> None:
    first = refund(id=1, refund_line_items=[line("29.90", 466157049)])
    second = refund(id=2, refund_line_items=[line("20.00")])
    assert nets(order(), first) == {(2000, KEPT)}
    assert nets(order(), first, second) == {(0, 0)}
    credits = decided(order(), first, second).credits
    assert {(credit.units, credit.placed_units) for credit in credits} == {(0, KEPT)}


def test_a_chargeback_takes_the_order_and_a_dispute_that_is_won_gives_it_back() -> None:
    dispute = {
        "id": 285332461,
        "order_id": 450789469,
        "type": "chargeback",
        "amount": "54.90",
        "currency": "EUR",
        "status": "needs_response",
        "initiated_at": at(5),
        "finalized_on": None,
    }
    opened = ("disputes/create", dispute)
    assert nets(order(), opened) == {(0, 0)}
    won = ("disputes/update", dispute | {"status": "won", "finalized_on": at(20)})
    assert nets(order(), opened, won) == {(4990, KEPT)}
    lost = ("disputes/update", dispute | {"status": "lost", "finalized_on": at(20)})
    assert nets(order(), opened, lost) == {(0, 0)}


@pytest.mark.parametrize("status", ["paid", "pending"])
def test_a_test_order_never_counts(status: str) -> None:
    decision = decided(order(test=True, financial_status=status))
    assert (decision.status, decision.units, decision.credits) == (Status.TEST, 0, ())
    assert decision.notes == ()


def test_a_gift_card_counts_when_it_is_redeemed_and_not_when_it_is_bought() -> None:
    card = ORDER["line_items"][1] | {"gift_card": True}
    bought = order(line_items=[ORDER["line_items"][0], card])
    assert nets(bought) == {(2990, KEPT)}
    assert nets(order(line_items=[card], subtotal_price="20.00")) == {(0, 0)}
    assert nets(order(payment_gateway_names=["gift_card"])) == {(4990, KEPT)}


def test_the_shop_s_count_tells_who_is_new() -> None:
    assert decided(order()).new_customer is True
    later = order(9, customer={"id": 207119551, "orders_count": 5})
    assert decided(order(), later).new_customer is True
    assert decided(later).new_customer is False
