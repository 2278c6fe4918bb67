"""A page with a public key names its logged-in customer by a proof; a stranger names nobody.

Everything is said over HTTP to running services. The shop's server makes the proof as its
documentation says, with the identity secret that roi shows to an admin.
"""

import hmac
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, eventually

pytestmark = pytest.mark.xdist_group("installation")

PATH = "/v1/workspace/identity-secret"


@pytest.fixture(scope="module")
def brand(installation: Installation) -> Brand:
    return Brand.in_new_workspace(installation, f"identity {new_id()}")


def identity_secret(brand: Brand) -> str:
    shown = brand.roi.get(PATH)
    assert shown.status_code == 200, shown.text
    return str(shown.json()["identity_secret"])


def proof(secret: str, customer_id: str) -> str:
    return hmac.new(secret.encode(), customer_id.encode(), "sha256").hexdigest()


def log_in(
    page: httpx.Client, link: str, now: datetime, customer: str, made: str | None
) -> list[Json]:
    """Click in a browser of its own, then log in as the customer; return the rejections."""
    visitor = {"visitor_id": f"browser-of-{customer}-1"}
    login = {**visitor, "customer_id": customer} | ({} if made is None else {"proof": made})
    told = {"occurred_at": now.isoformat()}
    sent = [
        {"type": "clicked", "person": visitor, "link": link} | told,
        {"type": "identified", "person": login} | told,
    ]
    answer = page.post("/v1/events", json=sent)
    assert answer.status_code == 202, answer.text
    found: list[Json] = answer.json()["rejected"]
    return found


def test_a_page_names_its_customer_with_a_proof_and_a_stranger_does_not(
    installation: Installation, brand: Brand
) -> None:
    creator = brand.create("creators", name="Mia")
    link = brand.create("links", creator_id=creator["id"], destination="https://shop.example/")
    brand.click(link["code"])
    public_key = brand.create("keys", name="page", public=True)["key"]
    page = installation.client("tracking", public_key)
    eventually(
        lambda: page.post("/v1/events", json=[]).status_code == 202 or None,
        what="tracking knows the key of the page",
    )
    now = datetime.now(UTC)
    told = partial(log_in, page, link["code"], now)
    secret, other = identity_secret(brand), "0" * 64
    assert told("1001", proof(secret, "1001")) == []
    assert told("1002", None) == []
    for made in (proof(other, "1003"), proof(secret, "1001"), public_key.encode().hex()[:64]):
        (rejected,) = told("1003", made)
        assert (rejected["index"], rejected["errors"][0]["field"]) == (1, "person.proof")
    bought = (now + timedelta(seconds=1)).isoformat()
    for customer in ("1001", "1002", "1003"):
        brand.order(
            f"of-{customer}",
            occurred_at=bought,
            net="50.00",
            currency="EUR",
            person={"customer_id": customer},
        )
    # Until attribution knows the link, an order after a click on it is organic.
    always_on = creator["automatic_placement_id"]
    eventually(
        lambda: brand.credited_to("of-1001") == {always_on: 5000}, what="the order of 1001 is Mia's"
    )
    for customer in ("1002", "1003"):
        found = eventually(partial(credit_of, brand, f"of-{customer}"), what="it is decided")
        assert found == {"organic": 5000}


def credit_of(brand: Brand, order_id: str) -> dict[str, int] | None:
    """Return who earned an order; None while it is not decided."""
    return brand.credited_to(order_id) or None


def test_only_an_admin_sees_the_secret_and_each_workspace_has_its_own(
    installation: Installation, brand: Brand
) -> None:
    reader = installation.client("roi", brand.create("keys", name="r", scopes=["read"])["key"])
    assert reader.get(PATH).status_code == 403
    assert httpx.get(installation.url("roi") + PATH, timeout=10).status_code == 401
    other = Brand.in_new_workspace(installation, f"identity {new_id()}")
    assert identity_secret(other) != identity_secret(brand) == identity_secret(brand)
