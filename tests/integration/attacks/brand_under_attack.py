"""A brand that is attacked: two creators, a customer whom one of them won, and a stranger.

Mia won the customer: by a click six days ago that the shop reported, and by a visit to her link a
moment ago. Tom's link is the stranger's. The stranger has the public key of the page and may follow
links, and nothing else. The shop tells its orders by signed webhooks.
Promise: credits are read through `/v1/explanations` and `/v1/roi` only.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from services.roi.bootstrap import create_key, ensure_workspace
from shared.clock import SystemClock
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, Json, by_label, eventually
from tests.fixtures.postgres import SECRET_KEY

CUSTOMER: Final = {"customer_id": "700001", "email": "ann@shop.example"}
NET_MINOR: Final = 50_000
NET: Final = "500.00"
TOUCHED_DAYS: Final = 6
BROWSER: Final = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"}


@dataclass(frozen=True, slots=True)
class Visit:
    """What the redirect gave to a browser: the click id of the address and its cookie."""

    click_id: str
    visitor_id: str

    @property
    def keys(self) -> Json:
        return {"click_id": self.click_id, "visitor_id": self.visitor_id}


def ago(days: float) -> str:
    """Return the time so many days ago."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def token_of(order_id: str) -> str:
    """Return the token of the checkout of an order. A stranger cannot guess it."""
    return f"checkout token of order {order_id}"


def new_order_id() -> str:
    """Return an order id that no brand has: a number, as Shopify's are."""
    return str(int(new_id().replace("-", "")[:14], 16))


class BrandUnderAttack(Brand):
    """A brand in a workspace of its own."""

    def __init__(self, laurel: Installation, key: str) -> None:
        super().__init__(laurel, key)
        self.mia, self.mia_code = self._creator("Mia")
        self.tom, self.tom_code = self._creator("Tom")
        page = self.create("keys", name="page", scopes=["collect"], public=True)
        self.public = laurel.client("tracking", page["key"])
        self.phone = self.visit(self.mia_code)
        self._markers = 0
        eventually(lambda: self._accepts_public() or None, what="the public key works")
        clicked = {"type": "clicked", "link": self.mia_code, "occurred_at": ago(TOUCHED_DAYS)}
        logged_in = {"type": "identified", "occurred_at": ago(0)}
        self.report(
            [
                {**clicked, "person": {"visitor_id": "device-1", **CUSTOMER}},
                {**logged_in, "person": {"visitor_id": self.phone.visitor_id, **CUSTOMER}},
            ]
        )

    @classmethod
    def open(cls, laurel: Installation) -> "BrandUnderAttack":
        """Return a brand in a new workspace."""
        with ThreadPoolExecutor(1) as pool:
            # In a thread, because a test may already run a loop in this one.
            key = pool.submit(asyncio.run, _new_key(laurel)).result()
        laurel.wait_until_ready(key)
        return cls(laurel, key)

    def _creator(self, name: str) -> tuple[str, str]:
        creator = self.create("creators", name=name)
        placement = self.create("placements", creator_id=creator["id"], platform="instagram")
        to = "https://shop.example/"
        link = self.create("links", placement_id=placement["id"], destination=to)
        return placement["id"], link["code"]

    def _accepts_public(self) -> bool:
        return self.public.post("/v1/events", json=[]).is_success

    # -- what anybody may do ----------------------------------------------------------------------

    def visit(self, code: str) -> Visit:
        """Follow a link in a new browser."""

        def look() -> httpx.Response | None:
            url = f"{self.laurel.url('tracking')}/{code}"
            answer = httpx.get(url, headers=BROWSER, timeout=10)
            return answer if answer.status_code == 302 else None

        answer = eventually(look, what=f"the link {code} redirects")
        click_id = httpx.URL(answer.headers["location"]).params["lclid"]
        return Visit(click_id, answer.cookies["lvid"])

    def claim(self, order_id: str, person: Json, **fields: Any) -> None:
        """Claim an order with the public key."""
        body = {"order_id": order_id, "net": "0.01", "currency": "EUR", "occurred_at": ago(0)}
        answer = self.public.post("/v1/conversions", json={**body, "person": person, **fields})
        assert answer.status_code == 202, answer.text

    def touch(self, events: list[Json]) -> None:
        """Report events with the public key. Whether each is accepted does not matter."""
        answer = self.public.post("/v1/events", json=events)
        assert answer.status_code == 202, answer.text

    # -- what only the shop does ------------------------------------------------------------------

    def report(self, events: list[Json]) -> None:
        """Report events with the secret key."""
        answer = self.tracking.post("/v1/events", json=events)
        assert answer.status_code == 202, answer.text
        assert answer.json()["rejected"] == []

    def sell(self, order_id: str, *, days_ago: float = 0, guest: bool = False) -> None:
        """Tell an order of the customer, or of a guest, by a signed webhook."""
        answer = self.shopify("orders/create", order_body(order_id, days_ago, guest=guest))
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] is True

    # -- what the brand sees ----------------------------------------------------------------------

    def await_credit(self, order_id: str, account: str) -> None:
        """Wait until all credit of an order is an account's."""
        wanted = {account: NET_MINOR}
        seen: list[Json] = []

        def look() -> bool | None:
            seen[:] = [self.credited_to(order_id)]
            return seen == [wanted] or None

        try:
            eventually(look, what=f"order {order_id} is credited")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}, {self.laurel.output()}") from error

    def settle(self) -> None:
        """Wait until everything is decided that was accepted before."""
        self._markers += 1
        name = f"marker-{self._markers}"
        self.order(name, net="1.00", currency="EUR", occurred_at=ago(0))
        eventually(lambda: self.credited_to(name) or None, what=f"{name} is decided")

    def assert_mia_earned(self, *order_ids: str) -> None:
        """Assert that Mia has the credit of these orders and Tom has none, also in the answer."""
        for order_id in order_ids:
            assert self.credited_to(order_id) == {self.mia: NET_MINOR}, order_id
        assert self.attribution.get("/v1/dead-letters").json()["items"] == []

        def look() -> bool | None:
            rows = by_label(self.roi_answer(**{"from": ago(30)[:10]}))
            revenue = {label: (row["net_revenue"] or {}) for label, row in rows.items()}
            assert not revenue.get("Tom", {}).get("amount_minor"), revenue
            earned = revenue.get("Mia", {}).get("amount_minor")
            return earned == NET_MINOR * len(order_ids) or None

        eventually(look, what="the answer shows what Mia earned")

    def attention(self, kind: str) -> set[str]:
        """Return the ids of the orders that the attention list shows for a kind."""
        answer = self.attribution.get("/v1/attention", params={"kind": kind})
        assert answer.status_code == 200, answer.text
        return {shown["order_id"] for item in answer.json()["items"] for shown in item["examples"]}


def order_body(order_id: str, days_ago: float = 0, *, guest: bool = False) -> Json:
    """Return an order as Shopify sends it."""
    at = ago(days_ago)
    buyer = {"email": CUSTOMER["email"], "customer": {"id": int(CUSTOMER["customer_id"])}}
    return {
        "id": int(order_id),
        "checkout_token": token_of(order_id),
        "created_at": at,
        "processed_at": at,
        "updated_at": at,
        "currency": "EUR",
        "financial_status": "paid",
        "subtotal_price": NET,
        "total_discounts": "0.00",
        "total_tax": "0.00",
        "taxes_included": False,
        "discount_codes": [],
        "note_attributes": [],
        **({"customer": None} if guest else buyer),
    }


async def _new_key(laurel: Installation) -> str:
    """Make a workspace as the command line does, without the start of an interpreter."""
    url = service_url(laurel.extra["LAUREL_DATABASE_URL"], "roi", SECRET_KEY)
    database, clock = Database(url, application_name="test"), SystemClock()
    await database.open()
    try:
        workspace_id = await ensure_workspace(database, clock, f"attacked {new_id()}")
        return await create_key(
            database, clock, workspace_id, key=None, scopes=["admin"], public=False, name="shop"
        )
    finally:
        await database.close()
