"""Cursors of any content, for every list of every service: the first page's answer, or a 422.

The lists come from the OpenAPI documents: every GET with a query parameter `cursor`.
"""

import base64
import json
import random
from typing import Any, Final

import pytest

from tests.contract.test_described import operations
from tests.e2e.installation import Brand, Installation

pytestmark = pytest.mark.xdist_group("installation")

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
    "\u0000",
    "\ud800",
    "infinity",
    [],
    {},
)
RAW: Final = ("x", "====", "ü", "-", "_" * 400, "W10", base64.b64encode(b"[" * 300).decode())


def cursors() -> list[str]:
    """Return raw texts, pairs and triples of strange values, and random bytes."""
    chance = random.Random(SEED)
    lists = [[one, other] for one in VALUES for other in VALUES]
    lists += [[chance.choice(VALUES) for _ in range(count)] for count in (0, 1, 3, 4, 5)]
    found = [base64.urlsafe_b64encode(json.dumps(item).encode()).decode() for item in lists]
    noise = [chance.randbytes(chance.randrange(60)) for _ in range(RANDOM_CURSORS)]
    return [*RAW, *found, *(base64.urlsafe_b64encode(text).decode() for text in noise)]


@pytest.mark.parametrize(
    "parts", [pytest.param(5, id="a fifth"), pytest.param(1, id="all", marks=pytest.mark.slow)]
)
def test_no_cursor_is_a_failure(installation: Installation, parts: int) -> None:
    """In the short form each list gets another fifth of the cursors."""
    brand = Brand.in_new_workspace(installation, f"cursors-{parts}")
    brand.create("creators", name="Mia")
    asked = lists = 0
    for service in ("roi", "attribution"):
        client = installation.client(service, brand.key)
        document = client.get("/openapi.json").json()
        for method, path, operation in operations(document):
            names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            if method != "get" or "cursor" not in names or "{" in path:
                continue
            # The pages of one order need its id, which may be unknown.
            others = {"order_id": "unknown"} if "order_id" in names else {}
            lists += 1
            for cursor in cursors()[lists % parts :: parts]:
                answer = client.get(path, params={**others, "cursor": cursor})
                assert answer.status_code in (200, 404, 422), (path, cursor, answer.text)
                if answer.status_code == 422:
                    assert answer.json()["errors"][0]["field"] == "cursor", (path, cursor)
                asked += 1
    assert lists >= 10
    assert asked * parts > 5_000
