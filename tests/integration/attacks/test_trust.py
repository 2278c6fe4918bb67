"""A stranger with a page's public key moves no money: each proven attack on running services.

Each attack is sent before the webhook of one order and after the webhook of another one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx
import pytest

from tests.e2e.installation import Installation, Json, eventually
from tests.integration.attacks.brand_under_attack import (
    CUSTOMER,
    NET_MINOR,
    BrandUnderAttack,
    ago,
    order_body,
    token_of,
)

pytestmark = pytest.mark.xdist_group("installation")

EARLY: Final = "1001"
LATE: Final = "1002"
JUNK: Final = 51
SOME_DAYS: Final = 5


@pytest.fixture
def brand(installation: Installation) -> BrandUnderAttack:
    return BrandUnderAttack.open(installation)


def guess_an_order_number(brand: BrandUnderAttack, order_id: str) -> None:
    brand.claim(order_id, brand.visit(brand.tom_code).keys)


def guess_a_token(brand: BrandUnderAttack, order_id: str) -> None:
    wrong = token_of(order_id) + "?"
    brand.claim(order_id, brand.visit(brand.tom_code).keys, claim_token=wrong)


def back_date_a_click_of_the_customer(brand: BrandUnderAttack, order_id: str) -> None:
    del order_id
    click = {"type": "clicked", "link": brand.tom_code, "occurred_at": ago(SOME_DAYS + 0.5)}
    brand.touch([{**click, "person": {"customer_id": CUSTOMER["customer_id"]}}])


def back_date_a_click_of_the_email(brand: BrandUnderAttack, order_id: str) -> None:
    del order_id
    click = {"type": "clicked", "link": brand.tom_code, "occurred_at": ago(SOME_DAYS + 0.5)}
    brand.touch([{**click, "person": {"email": CUSTOMER["email"]}}])


def be_the_customer(brand: BrandUnderAttack, order_id: str) -> None:
    del order_id
    own = brand.visit(brand.tom_code)
    brand.touch([{"type": "identified", "occurred_at": ago(0), "person": own.keys | CUSTOMER}])


def send_junk_identities_of_the_customer(brand: BrandUnderAttack, order_id: str) -> None:
    brand.touch(
        [
            {
                "type": "identified",
                "occurred_at": ago(0),
                "person": {**CUSTOMER, "visitor_id": f"v-{order_id}-{n}", "email": f"{n}@junk.de"},
            }
            for n in range(JUNK)
        ]
    )


def make_the_phone_shared(brand: BrandUnderAttack, order_id: str) -> None:
    junk = {"visitor_id": brand.phone.visitor_id, "customer_id": "999", "email": "junk@junk.de"}
    brand.touch([{"type": "identified", "occurred_at": ago(0), "person": junk}])
    brand.claim(f"9{order_id}", junk)


@dataclass(frozen=True, slots=True)
class Attack:
    """`send` attacks an order. `days_ago`: when the customer bought it."""

    send: Callable[[BrandUnderAttack, str], None]
    days_ago: float = 0


ATTACKS: Final = {
    "one guess of an order number and an own click": Attack(guess_an_order_number),
    "the same with a click made after the order": Attack(guess_an_order_number, SOME_DAYS),
    "a guessed claim token": Attack(guess_a_token),
    "a back-dated click of a customer": Attack(back_date_a_click_of_the_customer, SOME_DAYS),
    "a back-dated click of an e-mail": Attack(back_date_a_click_of_the_email, SOME_DAYS),
    "an identity of the customer": Attack(be_the_customer),
    "51 junk identities of the customer": Attack(send_junk_identities_of_the_customer),
    "a junk customer of the visitor": Attack(make_the_phone_shared),
}


@pytest.mark.parametrize("name", list(ATTACKS))
def test_an_attack_moves_no_credit(brand: BrandUnderAttack, name: str) -> None:
    attack = ATTACKS[name]
    attack.send(brand, EARLY)
    brand.settle()
    brand.sell(EARLY, days_ago=attack.days_ago)
    brand.sell(LATE, days_ago=attack.days_ago)
    brand.await_credit(LATE, brand.mia)
    attack.send(brand, LATE)
    brand.settle()
    brand.assert_mia_earned(EARLY, LATE)


def test_a_claim_with_the_token_joins_its_order(brand: BrandUnderAttack) -> None:
    honest = brand.visit(brand.mia_code)
    brand.claim(EARLY, honest.keys, claim_token=token_of(EARLY))
    brand.sell(EARLY, guest=True)
    brand.sell(LATE, guest=True)
    brand.await_credit(EARLY, brand.mia)
    brand.await_credit(LATE, "organic")
    brand.claim(LATE, {"visitor_id": honest.visitor_id}, claim_token=token_of(LATE))
    brand.await_credit(LATE, brand.mia)
    # The amount of a claim never counts.
    brand.assert_mia_earned(EARLY, LATE)


def test_an_early_claim_does_not_push_out_the_honest_one(brand: BrandUnderAttack) -> None:
    guess_an_order_number(brand, EARLY)
    guess_a_token(brand, EARLY)
    brand.claim(EARLY, brand.visit(brand.mia_code).keys, claim_token=token_of(EARLY))
    brand.sell(EARLY, guest=True)
    brand.await_credit(EARLY, brand.mia)
    brand.settle()
    brand.assert_mia_earned(EARLY)
    assert brand.attention("claims_without_proof") == {EARLY}


def test_two_claims_that_disagree_change_nothing(brand: BrandUnderAttack) -> None:
    for order_id in (EARLY, LATE):
        for code in (brand.tom_code, brand.mia_code):
            brand.claim(order_id, brand.visit(code).keys, claim_token=token_of(order_id))
    brand.sell(EARLY)
    brand.sell(LATE, guest=True)
    brand.await_credit(EARLY, brand.mia)
    brand.await_credit(LATE, "organic")
    brand.settle()
    brand.assert_mia_earned(EARLY)
    assert brand.credited_to(LATE) == {"organic": NET_MINOR}
    assert brand.attention("claims_disagree") == {EARLY, LATE}


def test_an_unsigned_topic_changes_nothing(brand: BrandUnderAttack) -> None:
    """Who saw a delivery can send its body again, with any header beside the signature."""
    body = order_body(EARLY)
    for topic in ("orders/create", "orders/cancelled", "refunds/create", "orders/delete", "x"):
        answer = brand.shopify(topic, body)
        assert (answer.status_code, answer.json()["errors"]) == (200, []), topic
    brand.await_credit(EARLY, brand.mia)
    brand.settle()
    brand.assert_mia_earned(EARLY)
    explained = brand.explanation(EARLY)
    assert explained is not None
    assert explained["status"] == "credited"


def test_a_revoked_key_stays_revoked_whatever_is_put_over_it(brand: BrandUnderAttack) -> None:
    body: Json = {"name": "server", "scopes": ["read", "track"]}
    made = brand.create("keys", **body, external_id="server")
    clients = {name: brand.laurel.client(name, made["key"]) for name in ("roi", "attribution")}
    tracking = brand.laurel.client("tracking", made["key"])

    def statuses() -> set[int]:
        return {
            clients["roi"].get("/v1/creators").status_code,
            clients["attribution"].get("/v1/lag").status_code,
            tracking.post("/v1/events", json=[]).status_code,
        }

    def await_only(*wanted: int) -> None:
        eventually(lambda: statuses() == set(wanted) or None, what=f"the key is {wanted}")

    await_only(200, 202)
    assert brand.roi.delete(f"/v1/keys/{made['id']}").status_code == 200
    await_only(401)
    for again in (body, body | {"scopes": ["admin"]}, {"public": True}):
        refused: httpx.Response = brand.roi.put("/v1/keys/by-external-id/server", json=again)
        assert refused.status_code == 409
    changed = brand.roi.patch(f"/v1/keys/{made['id']}", json={"scopes": ["read", "write"]})
    assert changed.status_code == 200, changed.text
    # A key that is made later is known to every service, so each has read what came before.
    later = brand.create("keys", name="later", scopes=["track"])["key"]
    client = brand.laurel.client("tracking", later)
    eventually(
        lambda: client.post("/v1/events", json=[]).is_success or None, what="a later key works"
    )
    assert statuses() == {401}
