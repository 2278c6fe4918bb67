"""A shop for outage tests: traffic with a known outcome, and checks of answers and ledger.

Promise: every click and order is repeated until it is answered, and only what was answered counts
as sold. Two shops with one seed sell the same orders, so their figures can be compared.
What can go wrong: an answer other than the expected one, 429 or 503 fails the test at once.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import asyncpg
import httpx

from tests.e2e.installation import Brand, Json, eventually

RETRY_SECONDS_MAX: Final = 180  # several interpreters start at once on two busy cores
REVENUE_SECONDS_MAX: Final = 240
BETWEEN_ORDERS_SECONDS: Final = 0.1
BUSY: Final = (503, 429)

LedgerLine = tuple[str, str, str]


class Shop:
    """The traffic of one brand. One thread at a time may call `step`."""

    def __init__(self, brand: Brand, seed: int) -> None:
        self.brand = brand
        self.chance = random.Random(seed)
        self.accounts = {"organic": "organic"}
        self.link = brand.create(
            "links", placement_id=self._placement("Mia"), destination="https://shop.example/"
        )
        placement = self._placement("Tom")
        creator = brand.roi.get(f"/v1/placements/{placement}").json()["creator_id"]
        brand.create("codes", code="TOM10", creator_id=creator, placement_id=placement)
        self.visitor = self._client(brand.laurel.url("tracking"))
        self.intake = brand.tracking
        brand.click(self.link["code"])
        self.clicks_answered = self.clicks_tried = 1
        self.refusals = 0
        self.sold: dict[str, tuple[str, int]] = {}

    def _placement(self, name: str) -> str:
        creator = self.brand.create("creators", name=name)
        placement = self.brand.create("placements", creator_id=creator["id"], platform="instagram")
        self.accounts[placement["id"]] = name
        return str(placement["id"])

    def move_to(self, url: str) -> None:
        """Send the traffic to another tracking process."""
        self.visitor = self._client(url)
        self.intake = self._client(url, Authorization=f"Bearer {self.brand.key}")

    def _client(self, url: str, **headers: str) -> httpx.Client:
        """Return a client that the installation closes."""
        clients = self.brand.laurel.clients
        client = httpx.Client(base_url=url, headers=headers, timeout=10)
        clients[url, f"client {len(clients)}"] = client
        return client

    def step(self, number: int) -> None:
        """Sell to one visitor: after a click, with a code, or organic; a fifth is refunded."""
        kind = self.chance.choice(("click", "code", "organic"))
        amount_minor = self.chance.randrange(100, 10_000)
        is_refunded = self.chance.random() < 0.2
        person = {"click_id": self.click()} if kind == "click" else {}
        order_id = f"order-{number}"
        now = datetime.now(UTC).isoformat()
        order: Json = {
            "order_id": order_id,
            "net": {"amount_minor": amount_minor},
            "currency": "EUR",
            "occurred_at": now,
            "person": person,
            "codes": ["tom10"] if kind == "code" else [],
        }
        self._post_until_answered("/v1/conversions", order)
        if is_refunded:
            refund = {"order_id": order_id, "adjustment_id": "r", "kind": "refund"}
            money = {"currency": "EUR", "amount": "1.00", "occurred_at": now}
            self._post_until_answered("/v1/adjustments", {**refund, **money})
            amount_minor -= 100
        self.sold[order_id] = (kind, amount_minor)

    def click(self) -> str:
        """Follow the link and return the click id."""
        answer = self._until_answered(self._follow, 302)
        self.clicks_answered += 1
        return httpx.URL(answer.headers["location"]).params["lclid"]

    def _follow(self) -> httpx.Response:
        self.visitor.cookies.clear()
        self.clicks_tried += 1
        return self.visitor.get(f"/{self.link['code']}")

    def _post_until_answered(self, path: str, body: Json) -> None:
        self._until_answered(lambda: self.intake.post(path, json=body), 202)

    def _until_answered(self, send: Callable[[], httpx.Response], status: int) -> httpx.Response:
        def look() -> httpx.Response | None:
            answer = send()
            if answer.status_code in BUSY:
                self.refusals += 1
                assert "retry-after" in answer.headers, answer.text
                return None
            assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
            return answer

        return eventually(look, seconds=RETRY_SECONDS_MAX, what="tracking answers again")

    def expected_minor(self) -> dict[str, int]:
        """Return label to net revenue in minor units."""
        labels = {"click": "Mia", "code": "Tom", "organic": "organic"}
        sums = dict.fromkeys(labels.values(), 0)
        for kind, amount_minor in self.sold.values():
            sums[labels[kind]] += amount_minor
        return sums


@contextmanager
def selling(shop: Shop, *, pause_seconds: float = BETWEEN_ORDERS_SECONDS) -> Iterator[None]:
    """Sell from a thread while the block runs; a failure of the thread fails the block."""
    stop, failures = threading.Event(), []

    def sell() -> None:
        try:
            while not stop.is_set():
                shop.step(len(shop.sold))
                time.sleep(pause_seconds)
        except BaseException as error:  # noqa: BLE001 - the main thread fails with it
            failures.append(error)

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield
    finally:
        stop.set()
        seller.join()
    assert not failures, failures[0]


def revenue_by_label(brand: Brand) -> dict[str, int]:
    """Return label to net revenue (minor units) in the answer of /v1/roi."""
    answer = brand.roi_answer()
    rows = [
        *((row["label"], row["measures"]) for row in answer["rows"]),
        ("organic", answer["organic"]),
    ]
    return {
        label: measures["net_revenue"]["amount_minor"]
        for label, measures in rows
        if label != "unallocated"
    }


def wait_for_revenue(shop: Shop, *, seconds: float = REVENUE_SECONDS_MAX) -> None:
    """Wait until the revenue in the answer is exactly what was sold."""
    expected = shop.expected_minor()
    seen: dict[str, int] = {}

    def look() -> bool | None:
        answer = shop.brand.roi.get("/v1/roi")
        if answer.status_code in BUSY:
            return None
        seen.update({**dict.fromkeys(expected, 0), **revenue_by_label(shop.brand)})
        return seen == expected or None

    try:
        eventually(look, seconds=seconds, what="the answer shows what was sold")
    except AssertionError as error:
        raise AssertionError(f"{error}\nexpected {expected}\nseen     {seen}") from error


def wait_until_caught_up(shop: Shop, *, seconds: float = REVENUE_SECONDS_MAX) -> None:
    """Wait until the answer has every order sold by now; selling may continue."""
    sold = len(shop.sold)

    def look() -> bool | None:
        answer = shop.brand.roi.get("/v1/roi").raise_for_status()
        conversions = answer.json()["totals"]["conversions"]
        return (conversions or 0) >= sold or None

    try:
        eventually(look, seconds=seconds, what=f"{sold} orders are in the answer")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{shop.brand.laurel.output()}") from error


def wait_for_sales(shop: Shop, orders: int, *, seconds: float) -> None:
    """Wait until so many more orders are sold."""
    wanted = len(shop.sold) + orders
    eventually(
        lambda: len(shop.sold) >= wanted or None, seconds=seconds, what=f"{orders} orders are sold"
    )


def assert_counted_once(shop: Shop, *, groups_lost_max: int = 0) -> None:
    """Assert that every order counts once, and every click but those of groups lost in a kill."""
    totals = shop.brand.roi_answer()["totals"]
    assert totals["conversions"] == len(shop.sold)
    assert shop.clicks_answered - groups_lost_max <= totals["clicks"] <= shop.clicks_tried


def sell_again_without_outage(brand: Brand, shop: Shop, seed: int) -> Shop:
    """Let another brand sell the same orders without an outage, and return its shop."""
    clean = Shop(brand, seed)
    for number in range(len(shop.sold)):
        clean.step(number)
    wait_for_revenue(clean)
    assert clean.sold == shop.sold
    return clean


# --- the ledger, read as the owner of the database ----------------------------------------------


def net_ledger(owner_url: str, shop: Shop) -> dict[LedgerLine, tuple[int, int]]:
    """Return (order, model, label) to net (minor units, units), read from the table."""
    rows = _rows(
        owner_url,
        "SELECT c.natural_id, l.model, l.account, sum(l.amount_minor)::bigint, sum(l.units)::bigint"
        " FROM attribution.ledger l JOIN attribution.conversions c USING (own_key, workspace_id)"
        " WHERE workspace_id = $1 GROUP BY 1, 2, 3",
        shop,
    )
    return {
        (order, model, shop.accounts[account]): (minor, units)
        for order, model, account, minor, units in rows
        if minor or units
    }


def assert_sequences_whole(owner_url: str, shop: Shop) -> None:
    """Assert that sequences grow with time, no entry is twice, and no revision is missing."""
    entries = _rows(
        owner_url,
        "SELECT sequence, line, recorded_at FROM attribution.ledger"
        " WHERE workspace_id = $1 ORDER BY 1, 2",
        shop,
    )
    assert entries
    assert len({entry[:2] for entry in entries}) == len(entries)
    assert all(a[2] <= b[2] for a, b in pairwise(entries))
    decisions = _rows(
        owner_url,
        "SELECT own_key, array_agg(revision ORDER BY revision),"
        " count(DISTINCT sequence), count(sequence)"
        " FROM attribution.decisions WHERE workspace_id = $1 GROUP BY 1",
        shop,
    )
    for own_key, revisions, distinct, numbers in decisions:
        assert revisions == list(range(revisions[0], revisions[0] + len(revisions))), own_key
        assert distinct == numbers, own_key


def _rows(owner_url: str, statement: str, shop: Shop) -> list[tuple[Any, ...]]:
    workspace = shop.brand.roi.get("/v1/workspace").raise_for_status().json()["id"]

    async def read() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(owner_url)
        try:
            return [tuple(row) for row in await connection.fetch(statement, workspace)]
        finally:
            await connection.close()

    return asyncio.run(read())


def same_ledger(
    one: Mapping[LedgerLine, tuple[int, int]], other: Mapping[LedgerLine, tuple[int, int]]
) -> None:
    """Fail with the first lines that differ; an empty ledger fails, too."""
    assert one
    differing = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
    shown = [f"{key}: {one.get(key)} and {other.get(key)}" for key in differing[:10]]
    assert not differing, f"{len(differing)} lines differ:\n" + "\n".join(shown)
