"""Disputes of Shopify as chargebacks, and the deliveries that change no figure."""

from typing import Any

import pytest

from services.tracking.adapters.shopify.bodies import claims_of
from services.tracking.adapters.shopify.orders import Told, told
from services.tracking.domain.claims import AdjustmentClaim, NoticeClaim, Rejected
from services.tracking.domain.deliveries import Claims

# The body that the vendor documents for `disputes/create`.
DISPUTE: dict[str, Any] = {
    "id": 285332461850802050,
    "order_id": 820982911946154508,
    "type": "chargeback",
    "amount": "59.90",
    "currency": "EUR",
    "reason": "fraudulent",
    "network_reason_code": "4837",
    "status": "needs_response",
    "evidence_due_by": "2026-03-20T00:00:00+01:00",
    "evidence_sent_on": None,
    "finalized_on": None,
    "initiated_at": "2026-03-05T20:00:00+01:00",
}
REDACT: dict[str, Any] = {
    "shop_id": 954889,
    "shop_domain": "mia.myshopify.com",
    "customer": {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"},
    "orders_to_redact": [299938],
}
REQUEST: dict[str, Any] = REDACT | {"orders_requested": [299938], "data_request": {"id": 9999}}
del REQUEST["orders_to_redact"]
SHOP: dict[str, Any] = {"shop_id": 954889, "shop_domain": "mia.myshopify.com"}


def read_claims(topic: str, payload: object) -> Claims:
    claims = claims_of(told(topic, "", repr(payload).encode()), payload, "EUR")
    assert not isinstance(claims, Rejected)
    return claims


def dispute(**fields: Any) -> AdjustmentClaim:
    (claim,) = read_claims("disputes/update", DISPUTE | fields)
    assert isinstance(claim, AdjustmentClaim)
    return claim


def notice(topic: str, payload: object) -> NoticeClaim:
    (claim,) = read_claims(topic, payload)
    assert isinstance(claim, NoticeClaim)
    return claim


def test_a_dispute_is_a_chargeback_of_its_order() -> None:
    claim = dispute()
    assert (claim.kind, claim.amount_minor, claim.currency) == ("chargeback", 5990, "EUR")
    assert (claim.natural_id, claim.capped) == ("820982911946154508", True)
    assert claim.adjustment_id == "dispute 285332461850802050"
    assert claim.occurred_at.isoformat() == "2026-03-05T19:00:00+00:00"
    named = dispute(admin_graphql_api_id="gid://shopify/ShopifyPaymentsDispute/1")
    assert named == claim


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({"status": "under_review"}, 5990),
        ({"status": "accepted"}, 5990),
        ({"status": "lost"}, 5990),
        ({"status": "won"}, 0),
        ({"status": "charge_refunded"}, 0),
        ({"type": "inquiry"}, 0),
    ],
)
def test_what_a_dispute_takes_by_its_state(fields: dict[str, Any], amount: int) -> None:
    assert dispute(**fields).amount_minor == amount


def test_the_states_of_a_dispute_follow_each_other() -> None:
    inquiry, opened = dispute(type="inquiry"), dispute()
    won, lost = dispute(status="won"), dispute(status="lost")
    assert inquiry.version < opened.version < won.version == lost.version
    assert len({claim.natural_key for claim in (inquiry, opened, won, lost)}) == 4
    assert dispute(status="under_review") == opened


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"order_id": None}, "order_id"),
        ({"amount": None}, "amount"),
        ({"initiated_at": None}, "initiated_at"),
    ],
)
def test_a_dispute_that_cannot_be_used_is_named(fields: dict[str, Any], named: str) -> None:
    rejected = claims_of(Told("disputes/create"), DISPUTE | fields, "EUR")
    assert isinstance(rejected, Rejected)
    assert rejected.flaws[0].field == named


@pytest.mark.parametrize(
    ("topic", "payload", "task", "reference"),
    [
        ("customers/redact", REDACT, "erase_customer", "191167"),
        ("customers/data_request", REQUEST, "show_customer_data", "191167"),
        ("shop/redact", SHOP, "erase_shop", None),
        ("orders/create", REDACT, "erase_customer", "191167"),
        ("app/uninstalled", {**SHOP, "name": "A shop"}, None, None),
        ("app/uninstalled", {}, None, None),
        ("products/update", [1], None, None),
    ],
)
def test_a_request_of_privacy_is_a_task_and_the_body_says_which(
    topic: str, payload: object, task: str | None, reference: str | None
) -> None:
    claim = notice(topic, payload)
    assert (claim.task, claim.reference) == (task, reference)
    assert "john" not in repr(claim)


def test_a_topic_that_is_not_used_is_noticed_once_for_each_body() -> None:
    first = notice("products/update", {"id": 1})
    assert (first.topic, first.task) == ("products/update", None)
    assert notice("themes/update", {"id": 1}).natural_key == first.natural_key
    assert notice("products/update", {"id": 2}).natural_key != first.natural_key
    for strange in ("", "x" * 200, "a\nb", "Mia/Meyer", "a/b/c"):
        assert notice(strange, {"id": 1}).topic == "other"
