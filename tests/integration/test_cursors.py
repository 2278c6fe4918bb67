"""Cursors of any content, for every list of every service: a page of one's own, or a 422.

The lists come from the OpenAPI documents: every call with a query parameter `cursor`. Each list
has a second page here, so that real cursors are changed, sent to other lists, and sent by another
workspace. A list without one fails the test.
"""

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from shared.ids import new_id
from tests.contract.test_described import Json, operations
from tests.e2e.installation import SERVICES, Brand, Installation, eventually
from tests.integration.tenants import KINDS, Tenant, TenantPair

# Two brands are made, and thousands of pages are asked for.
pytestmark = [pytest.mark.xdist_group("installation"), pytest.mark.timeout(900)]

SEED: Final = 20261130
RANDOM_CURSORS: Final = 150
UUID_TEXT: Final = "01900000-0000-7000-8000-000000000001"
VALUES: Final[tuple[Any, ...]] = (
    0,
    -1,
    2**31,
    2**63 - 1,
    2**63,
    2**200,
    1.5,
    True,
    None,
    "",
    UUID_TEXT,
    UUID_TEXT.upper(),
    "{" + UUID_TEXT + "}",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00",
    "1970-01-01T00:00:00+14:00",
    "2026-03-01T00:00:00",
    "2026-03-01T00:00:00+00:00",
    "2026-W10-1T00:00:00+00:00",
    "2026-02-30T00:00:00+00:00",
    "+10000-01-01T00:00:00+00:00",
    "-0001-01-01T00:00:00+00:00",
    "\u0000",
    "\ud800",
    "infinity",
    [],
    {},
)
RAW: Final = (
    "\u0000",
    "x",
    "====",
    "ü",
    "-",
    "_" * 400,
    "W10",
    base64.b64encode(b"[" * 300).decode(),
)


# The days of all entries and orders of the test.
DAYS: Final = {"from": "2026-01-01", "to": "2026-12-31"}


def cursor_of(values: Any) -> str:
    """Return values as a cursor has them."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def values_of(cursor: str) -> list[Any]:
    """Return the values of a real cursor."""
    found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert isinstance(found, list)
    return found


def cursors() -> list[str]:
    """Return raw texts, pairs and triples of strange values, and random bytes."""
    chance = random.Random(SEED)
    lists = [[one, other] for one in VALUES for other in VALUES]
    lists += [[chance.choice(VALUES) for _ in range(count)] for count in (0, 1, 3, 4, 5, 6, 7)]
    noise = [chance.randbytes(chance.randrange(60)) for _ in range(RANDOM_CURSORS)]
    padded = [base64.urlsafe_b64encode(text).decode() for text in noise]
    return [*RAW, *map(cursor_of, lists), *padded]


def tampered(cursor: str) -> Iterator[str]:
    """Yield a real cursor with one value replaced, left out or added, and with changed bytes."""
    values = values_of(cursor)
    for place, old in enumerate(values):
        changed = [-old, old + 1, -(2**63)] if isinstance(old, int) else [old + "0", old[:-1]]
        for value in (*VALUES, *changed):
            yield cursor_of([*values[:place], value, *values[place + 1 :]])
        yield cursor_of(values[:place] + values[place + 1 :])
    yield cursor_of([*values, 1])
    yield cursor_of(values[::-1])
    yield cursor_of({"values": values})
    chance = random.Random(SEED)
    for _ in range(20):
        place = chance.randrange(len(cursor))
        yield cursor[:place] + chance.choice("Aa0_-") + cursor[place + 1 :]
        yield cursor[:place]


@dataclass(frozen=True)
class List:
    """A call that takes a cursor. `query` has what else it needs."""

    client: httpx.Client
    path: str
    query: dict[str, str]

    def second_page(self) -> str | None:
        """Return the cursor of the second page; None while there is none."""
        answer = self.client.get(self.path, params=self.query | {"limit": "1"})
        assert answer.status_code in (200, 404), answer.text
        found: str | None = answer.json().get("next_cursor")
        return found


def lists_of(tenant: Tenant) -> list[List]:
    """Return every call of every service that takes a cursor."""
    found = []
    for service in SERVICES:
        client = tenant.brand.laurel.client(service, tenant.brand.key)
        document: Json = client.get("/openapi.json").json()
        for method, path, operation in operations(document):
            names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            if "cursor" in names:
                assert (method, "{" in path) == ("get", False), (method, path)
                known = DAYS | {"order_id": tenant.order_id}
                query = {name: text for name, text in known.items() if name in names}
                found.append(List(client, path, query))
    return found


def fill(tenant: Tenant) -> None:
    """Fill every list with at least two things, and an order with two revisions."""
    tenant.fill()
    first, tenant.name = tenant.name, tenant.name + "x"
    for kind in KINDS:
        tenant.brand.create(kind, **tenant.body(kind))
    tenant.name = first
    for number in range(2):
        file = {"file": f"name\nImported {number}\n"}
        assert tenant.brand.roi.post("/v1/imports/creators", json=file).status_code == 201
    eventually(lambda: tenant.brand.explanation(tenant.order_id), what="the order is decided")
    refund = {"adjustment_id": "back", "kind": "refund", "amount": "1.00", "currency": "EUR"}
    moment = {"occurred_at": "2026-03-02T12:00:00Z"}
    sent = {"order_id": tenant.order_id} | refund | moment
    assert tenant.brand.tracking.post("/v1/adjustments", json=sent).status_code == 202
    tenant.order(f"another {tenant.order_id}", net="7.00")
    tenant.order(tenant.order_id, net="12.00")


@pytest.fixture(scope="module")
def pair(installation: Installation) -> TenantPair:
    names = (f"cursors{new_id()[-8:]}", f"others{new_id()[-8:]}")
    sides = [Tenant(Brand.in_new_workspace(installation, name), name) for name in names]
    for side in sides:
        fill(side)
    return TenantPair(*sides)


@pytest.fixture(scope="module")
def own_cursors(pair: TenantPair) -> dict[str, str]:
    """The cursor of the second page of each list, by path."""
    return {one.path: second_page(one) for one in lists_of(pair.mine)}


def second_page(one: List) -> str:
    """Wait for a second page of a list."""
    return eventually(one.second_page, what=f"{one.path} has a second page")


def ask(pair: TenantPair, one: List, cursor: str) -> httpx.Response:
    """Ask for a page, check that it is one's own or refused for its cursor, and return it."""
    answer = pair.ask(one.client, "GET", one.path, params=one.query | {"cursor": cursor})
    # No address may hold a NUL character.
    allowed = (400,) if "\0" in cursor else (200, 422)
    assert answer.status_code in allowed, (one.path, cursor, answer.text)
    if answer.status_code == 422:
        assert answer.json()["errors"][0]["field"] == "cursor", (one.path, cursor)
    return answer


def test_cursors_of_other_lists_and_workspaces_show_nothing_foreign(
    pair: TenantPair, own_cursors: dict[str, str]
) -> None:
    theirs = {one.path: second_page(one) for one in lists_of(pair.theirs)}
    assert len(theirs) >= 17
    for one in lists_of(pair.mine):
        assert ask(pair, one, own_cursors[one.path]).status_code == 200
        for cursor in (*own_cursors.values(), *theirs.values()):
            ask(pair, one, cursor)
        raw = one.client.get(f"{one.path}?cursor=%ff%fe")
        assert raw.status_code == 422, raw.text


@pytest.mark.parametrize(
    "parts", [pytest.param(8, id="an eighth"), pytest.param(1, id="all", marks=pytest.mark.slow)]
)
def test_no_cursor_is_a_failure(pair: TenantPair, own_cursors: dict[str, str], parts: int) -> None:
    """In the short form each list gets another eighth of the cursors."""
    asked = 0
    for number, one in enumerate(lists_of(pair.mine)):
        for cursor in [*cursors(), *tampered(own_cursors[one.path])][number % parts :: parts]:
            ask(pair, one, cursor)
            asked += 1
    assert asked * parts > 10_000
