"""Exports and tests of connections with data and ids of another workspace."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

from shared.ids import new_id
from tests.e2e.installation import eventually
from tests.integration.tenants import TenantPair

DAYS: Final = "from=2026-01-01&to=2026-12-31"
# The column of the file in which the orders' amounts add up.
AMOUNTS: Final = {
    "roi": "net_revenue",
    "funnel": "purchase.return.booked",
    "credits": "amount",
    "entries": "value",
    "orders": "net",
}


def exports_own_rows(pair: TenantPair, what: str) -> None:
    """The totals of a file are the sum of this workspace's own orders, and no name is foreign."""
    brand = pair.mine.brand
    client = brand.attribution if what == "orders" else brand.roi

    def is_own() -> bool | None:
        answer = pair.ask(client, "GET", f"/v1/exports/{what}.csv?{DAYS}")
        assert answer.status_code == 200, answer.text
        lines = csv.DictReader(io.StringIO(answer.text, newline=""), strict=True)
        (totals,) = (line for line in lines if line["line"] == "totals")
        sold = Decimal(sum(pair.mine.sold.values())).scaleb(-2)
        return totals[AMOUNTS[what]] == f"{sold:.2f}" or None

    eventually(is_own, what=f"the file {what} is the sum of this workspace's own orders")


def exports_own_objects(pair: TenantPair, kind: str, query: str) -> None:
    answer = pair.ask(pair.mine.brand.roi, "GET", f"/v1/exports/{kind}s.json{query}")
    assert answer.status_code == 200, answer.text
    found = {item[f"{kind}_id"] for item in answer.json()["items"]}
    assert pair.mine.made[f"{kind}s"]["id"] in found
    assert pair.theirs.made[f"{kind}s"]["id"] not in found


def tests_own_connections(pair: TenantPair) -> None:
    told = []
    for connection_id in (pair.theirs.made["connections"]["id"], new_id()):
        path = f"/v1/connections/{connection_id}/test"
        refused = pair.ask(pair.mine.brand.tracking, "POST", path, {"id": 1})
        assert refused.status_code == 404
        told.append(refused.json()["detail"])
    assert told[0] == told[1]


EXPORT_CALLS: Final[dict[str, Callable[[TenantPair], None]]] = {
    **{
        f"GET /v1/exports/{what}.{{file_format}}": partial(exports_own_rows, what=what)
        for what in AMOUNTS
    },
    "GET /v1/exports/costs.{file_format}": partial(
        exports_own_objects, kind="cost", query="?from=all"
    ),
    "GET /v1/exports/goals.{file_format}": partial(exports_own_objects, kind="goal", query=""),
    "POST /v1/connections/{connection_id}/test": tests_own_connections,
}
