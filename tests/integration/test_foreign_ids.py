"""Every call of all services with ids of another workspace: 404 in a path, 422 in a body, no data.

The calls come from the OpenAPI documents, so a new call fails here until a test for it exists. An
id of another workspace is answered exactly as an unknown id.
"""

from collections.abc import Callable
from typing import Final

import httpx
import pytest

from shared.ids import new_id
from tests.e2e.installation import Brand, Installation, eventually
from tests.integration.foreign_answers import (
    answers_own_figures,
    answers_own_funnel,
    opens_own_figures,
)
from tests.integration.foreign_catalog import CATALOG, shown_to_theirs
from tests.integration.foreign_exports import EXPORT_CALLS
from tests.integration.foreign_imports import (
    counts_own_placements_only,
    imports_into_own_workspace,
    undoes_own_imports,
)
from tests.integration.tenants import KINDS, Tenant, TenantPair

pytestmark = pytest.mark.xdist_group("installation")


@pytest.fixture(scope="module")
def pair(installation: Installation) -> TenantPair:
    sides = [
        Tenant(Brand.in_new_workspace(installation, name), name)
        for name in (f"theirs{new_id()[-8:]}", f"mine{new_id()[-8:]}")
    ]
    for side in sides:
        side.fill()
    return TenantPair(*sides)


# --- roi -----------------------------------------------------------------------------------


def shows_own_workspace(pair: TenantPair) -> None:
    shown = pair.ask(pair.mine.brand.roi, "GET", "/v1/workspace").json()
    assert shown["name"] == pair.mine.name


def shows_own_key(pair: TenantPair) -> None:
    shown = pair.ask(pair.mine.brand.roi, "GET", "/v1/keys/self").json()
    assert shown["workspace"]["name"] == pair.mine.name


def shows_own_identity_secret(pair: TenantPair) -> None:
    path = "/v1/workspace/identity-secret"
    mine = pair.ask(pair.mine.brand.roi, "GET", path).json()
    assert mine != pair.theirs.brand.roi.get(path).json()


def corrects_own_workspace(pair: TenantPair) -> None:
    theirs = {"name": pair.theirs.name}
    taken = pair.ask(pair.mine.brand.roi, "PATCH", "/v1/workspace", theirs)
    assert taken.status_code == 409
    assert pair.theirs.brand.roi.get("/v1/workspace").json()["name"] == pair.theirs.name


def tells_all_the_same(pair: TenantPair) -> None:
    asked = [side.brand.roi.get("/v1/metrics").json() for side in (pair.theirs, pair.mine)]
    assert asked[0] == asked[1]


def adds_and_removes_own_secrets(pair: TenantPair) -> None:
    roi, theirs = pair.mine.brand.roi, pair.theirs.id_of("connections")
    before = shown_to_theirs(pair, "connections")
    body = {"secret": f"another secret {new_id()}"}

    def adding(one: str) -> httpx.Response:
        return pair.ask(roi, "POST", f"/v1/connections/{one}/secrets", body)

    def removing(one: str) -> httpx.Response:
        return pair.ask(roi, "DELETE", f"/v1/connections/{one}/secrets/1")

    pair.refused_alike(404, adding, theirs)
    pair.refused_alike(404, removing, theirs)
    assert shown_to_theirs(pair, "connections") == before


def shows_progress_of_own_goals(pair: TenantPair) -> None:
    roi = pair.mine.brand.roi

    def call(one: str) -> httpx.Response:
        return pair.ask(roi, "GET", f"/v1/goals/{one}/progress")

    pair.refused_alike(404, call, pair.theirs.id_of("goals"))
    assert call(pair.mine.id_of("goals")).status_code == 200


# --- attribution ---------------------------------------------------------------------------


def _their_order(pair: TenantPair) -> str:
    """Return a new order id of the other workspace. It contains none of its secret texts."""
    order_id = f"asked {new_id()}"
    pair.theirs.order(order_id, net="12.00")
    eventually(lambda: pair.theirs.brand.explanation(order_id), what="they know their order")
    return order_id


def explains_own_orders(pair: TenantPair) -> None:
    attribution = pair.mine.brand.attribution
    order_id = _their_order(pair)
    for name in ("order_id", "conversion_id"):
        answer = pair.ask(attribution, "GET", "/v1/explanations", params={name: order_id})
        assert answer.status_code == 404


def balances_own_ledger(pair: TenantPair) -> None:
    query = "/v1/ledger/balance?group_by=model,currency,account"

    def is_own() -> bool | None:
        answer = pair.ask(pair.mine.brand.attribution, "GET", query)
        assert answer.status_code == 200, answer.text
        last = [item for item in answer.json()["items"] if item["model"] == "last"]
        return sum(item["credited_minor"] for item in last) == sum(pair.mine.sold.values()) or None

    eventually(is_own, what="the balance is the sum of this workspace's own orders")


def accounts_for_own_events(pair: TenantPair) -> None:
    """An order of the other workspace does not change the own count."""

    def read(client: httpx.Client) -> int:
        answer = client.get("/v1/ledger/events")
        assert answer.status_code == 200, answer.text
        found: int = answer.json()["read"]
        return found

    mine = pair.mine.brand.attribution
    eventually(
        lambda: all(item["records"] == 0 for item in mine.get("/v1/lag").json()["items"]),
        what="every event is stored",
    )
    before = read(mine)
    theirs = read(pair.theirs.brand.attribution)
    _their_order(pair)
    assert read(pair.theirs.brand.attribution) > theirs
    assert read(mine) == before
    assert pair.ask(mine, "GET", "/v1/ledger/events").json()["read"] == before


def lists_own_letters(pair: TenantPair) -> None:
    answer = pair.ask(pair.mine.brand.attribution, "GET", "/v1/dead-letters?limit=200").json()
    assert pair.mine.letter_id in {item["id"] for item in answer["items"]}


def lists_own_orders(pair: TenantPair) -> None:
    """Both sell under the same kinds of ids; each sees its own orders, by any text.

    An id that this workspace itself adjusted is listed as an order that is awaited, so the other
    workspace sells under a new id here.
    """

    def ids(query: str) -> set[str]:
        answer = pair.ask(pair.mine.brand.attribution, "GET", f"/v1/orders?limit=200{query}")
        assert answer.status_code == 200, answer.text
        return {item["order_id"] for item in answer.json()["items"]}

    mine = set(pair.mine.sold)
    eventually(lambda: mine <= ids("") or None, what="all orders of this workspace are listed")
    unknown = _their_order(pair)
    assert unknown not in ids("")
    assert ids(f"&query={unknown}") == set()


def attends_to_own_workspace(pair: TenantPair) -> None:
    """Both have a report with another content; each sees one, its own."""
    answer = pair.ask(pair.mine.brand.attribution, "GET", "/v1/attention").json()
    reports = [item for item in answer["items"] if item["kind"] == "orders_with_another_body"]
    assert [item["count"] for item in reports] == [1]
    theirs = pair.theirs.brand.attribution.get("/v1/attention").json()
    assert {"orders_with_another_body"} <= {item["kind"] for item in theirs["items"]}


def retries_own_letters(pair: TenantPair) -> None:
    attribution = pair.mine.brand.attribution

    def call(one: str) -> httpx.Response:
        return pair.ask(attribution, "POST", "/v1/dead-letters/retry", {"ids": [one]})

    pair.refused_alike(422, call, pair.theirs.letter_id)


def publishes_own_credits_again(pair: TenantPair) -> None:
    """A replay reads records of the own workspace: a new order moves only its numbers."""

    def newest(client: httpx.Client) -> int:
        answer = client.post("/v1/replays", json={"publish": True})
        assert answer.status_code == 200, answer.text
        found: int = answer.json()["newest_sequence"]
        return found

    mine, theirs = pair.mine.brand.attribution, pair.theirs.brand.attribution
    # An order of an earlier test may be on its way.
    eventually(
        lambda: all(item["records"] == 0 for item in theirs.get("/v1/lag").json()["items"]),
        what="every event is stored",
    )
    before, unmoved = newest(mine), newest(theirs)
    pair.mine.order(f"replayed {new_id()}", net="3.00")
    eventually(lambda: newest(mine) > before, what="the order has a number")
    assert newest(theirs) == unmoved
    assert pair.ask(mine, "POST", "/v1/replays", {"publish": True}).status_code == 200


def tells_the_lag(pair: TenantPair) -> None:
    answer = pair.ask(pair.mine.brand.attribution, "GET", "/v1/lag").json()
    assert set(answer["items"][0]) == {"topic", "partition", "records", "seconds"}


# --- tracking ------------------------------------------------------------------------------


def a_foreign_click_earns_nothing(pair: TenantPair) -> None:
    """A click id of the other workspace is no evidence: the order is organic."""
    order_id = f"stolen {new_id()}"
    pair.mine.order(order_id, net="9.00", person={"click_id": pair.theirs.click_id})
    found = eventually(lambda: pair.mine.brand.explanation(order_id), what="it is explained")
    assert pair.mine.brand.credited_to(order_id) == {"organic": 900}
    assert not [word for word in pair.theirs.secrets() if word in str(found)]


def a_foreign_order_is_not_adjusted(pair: TenantPair) -> None:
    order_id = _their_order(pair)
    before = pair.theirs.brand.explanation(order_id)
    body = {
        "order_id": order_id,
        "adjustment_id": new_id(),
        "kind": "cancel",
        "currency": "EUR",
        "occurred_at": "2026-03-02T12:00:00Z",
    }
    answer = pair.ask(pair.mine.brand.tracking, "POST", "/v1/adjustments", body)
    assert answer.status_code == 202

    def waits() -> bool | None:
        balance = pair.mine.brand.attribution.get("/v1/ledger/balance").json()
        known = {item["adjustment_id"] for item in balance["unmatched_adjustments"]}
        return body["adjustment_id"] in known or None

    eventually(waits, what="the adjustment waits for an order of its own workspace")
    assert pair.theirs.brand.explanation(order_id) == before


def events_name_own_links(pair: TenantPair) -> None:
    moment = {"occurred_at": "2026-03-01T11:00:00Z"}
    events = [
        {"type": "clicked", "link": pair.theirs.made["links"]["code"], **moment},
        {"type": "clicked", "link": f"unknown-{new_id()[-8:]}", **moment},
    ]
    answer = pair.ask(pair.mine.brand.tracking, "POST", "/v1/events", events).json()
    assert answer["accepted"] == 0
    foreign, unknown = (item["errors"] for item in answer["rejected"])
    assert str(foreign).replace(events[0]["link"], "") == str(unknown).replace(
        events[1]["link"], ""
    )


def events_name_own_stores(pair: TenantPair) -> None:
    order = {"order_id": new_id(), "occurred_at": "2026-03-01T11:00:00Z"}
    lead = {"type": "lead", "conversion_id": new_id(), "occurred_at": "2026-03-01T11:00:00Z"}

    def ordered(one: str) -> httpx.Response:
        body = order | {"net": "1.00", "currency": "EUR", "store": one}
        return pair.ask(pair.mine.brand.tracking, "POST", "/v1/conversions", body)

    def adjusted(one: str) -> httpx.Response:
        body = order | {"adjustment_id": "a", "kind": "cancel", "store": one}
        return pair.ask(pair.mine.brand.tracking, "POST", "/v1/adjustments", body)

    def explained(one: str) -> httpx.Response:
        path = f"/v1/explanations?order_id={order['order_id']}&store={one}"
        return pair.ask(pair.mine.brand.attribution, "GET", path)

    for call in (ordered, adjusted, explained):
        pair.refused_alike(422, call, pair.theirs.id_of("stores"))
    events = [lead | {"store": one} for one in (pair.theirs.id_of("stores"), new_id())]
    answer = pair.ask(pair.mine.brand.tracking, "POST", "/v1/events", events).json()
    assert answer["accepted"] == 0
    foreign, unknown = (item["errors"] for item in answer["rejected"])
    assert foreign == unknown == [{"field": "store", "message": "is not a store of this workspace"}]


def counts_of_foreign_placements_are_in_no_figure(pair: TenantPair) -> None:
    """They are listed like those of an unknown placement, and the other workspace has none.

    A third brand sends them, because its list then has the ids that it sent itself.
    """

    def listed(client: httpx.Client) -> int:
        found = client.get("/v1/attention", params={"kind": "unknown_placements"}).json()["items"]
        return sum(item["count"] for item in found)

    theirs = pair.theirs.brand
    third = Brand.in_new_workspace(theirs.laurel, f"third{new_id()[-8:]}")
    counted = {"as_of": "2026-03-01T11:00:00Z", "source": "Instagram", "quality": "observed"}
    reports = [
        {"placement_id": one, "views": 7, **counted}
        for one in (pair.theirs.id_of("placements"), new_id())
    ]
    answer = pair.ask(third.tracking, "POST", "/v1/social", reports)
    assert answer.json() == {"accepted": 2, "rejected": []}
    eventually(lambda: listed(third.attribution) == 2 or None, what="both are listed")
    sequence = third.attribution.get("/v1/ledger/balance").json()["sequence"]
    span = {"from": "2026-03-01", "to": "2026-03-02", "metrics": "views"}
    eventually(
        lambda: third.roi_answer(**span)["meta"]["sequence"] >= sequence or None,
        what="roi has folded the counts",
    )
    assert third.roi_answer(**span)["totals"]["views"] is None
    assert theirs.roi_answer(**span)["totals"]["views"] is None
    assert listed(theirs.attribution) == 0


def webhooks_need_their_own_secret(pair: TenantPair) -> None:
    connection = pair.theirs.made["connections"]["id"]
    answer = pair.ask(pair.mine.brand.tracking, "POST", f"/webhooks/shopify/{connection}", {})
    assert answer.status_code == 401


def links_are_public(pair: TenantPair) -> None:
    """A redirect needs no key and shows only the destination."""
    path = f"/{pair.theirs.made['links']['code']}"
    answer = pair.mine.brand.tracking.get(path)
    assert answer.status_code == 302
    assert pair.theirs.made["links"]["id"] not in str(answer.headers) + answer.text


def has_no_workspace(pair: TenantPair) -> None:
    """Health and metrics show numbers and names of parts, never an id."""
    for client in (pair.mine.brand.roi, pair.mine.brand.attribution, pair.mine.brand.tracking):
        for path in ("/", "/health/live", "/health/ready", "/metrics"):
            pair.ask(client, "GET", path)


CALLS: Final[dict[str, Callable[[TenantPair], None]]] = {
    "GET /": has_no_workspace,
    "GET /health/live": has_no_workspace,
    "GET /health/ready": has_no_workspace,
    "GET /metrics": has_no_workspace,
    "GET /v1/workspace": shows_own_workspace,
    "GET /v1/workspace/identity-secret": shows_own_identity_secret,
    "GET /v1/keys/self": shows_own_key,
    "PATCH /v1/workspace": corrects_own_workspace,
    "GET /v1/roi": answers_own_figures,
    "GET /v1/funnel": answers_own_funnel,
    "GET /v1/entries": opens_own_figures,
    "GET /v1/metrics": tells_all_the_same,
    "GET /v1/goals/{object_id}/progress": shows_progress_of_own_goals,
    "POST /v1/connections/{object_id}/secrets": adds_and_removes_own_secrets,
    "DELETE /v1/connections/{object_id}/secrets/{number}": adds_and_removes_own_secrets,
    "POST /v1/imports/{what}": imports_into_own_workspace,
    "POST /v1/imports/social": counts_own_placements_only,
    "GET /v1/imports": undoes_own_imports,
    "DELETE /v1/imports/{import_id}": undoes_own_imports,
    "GET /v1/explanations": explains_own_orders,
    "GET /v1/ledger/balance": balances_own_ledger,
    "GET /v1/ledger/events": accounts_for_own_events,
    "GET /v1/attention": attends_to_own_workspace,
    "GET /v1/orders": lists_own_orders,
    "GET /v1/dead-letters": lists_own_letters,
    "POST /v1/dead-letters/retry": retries_own_letters,
    "POST /v1/replays": publishes_own_credits_again,
    "GET /v1/lag": tells_the_lag,
    "POST /v1/conversions": a_foreign_click_earns_nothing,
    "POST /v1/adjustments": a_foreign_order_is_not_adjusted,
    "POST /v1/events": events_name_own_links,
    "POST /v1/social": counts_of_foreign_placements_are_in_no_figure,
    "POST /webhooks/{vendor}/{connection_id}": webhooks_need_their_own_secret,
    "GET /{code}": links_are_public,
    **EXPORT_CALLS,
}


def test_every_call_of_every_service_is_covered(installation: Installation) -> None:
    served = {
        f"{method.upper()} {path}"
        for service in ("tracking", "attribution", "roi")
        for path, found in installation.client(service).get("/openapi.json").json()["paths"].items()
        for method in found
    }
    covered = set(CALLS) | {call.replace("KIND", kind) for call in CATALOG for kind in KINDS}
    assert served == covered, "add a test that the new call keeps workspaces apart"


def test_a_store_of_another_workspace_is_unknown(pair: TenantPair) -> None:
    events_name_own_stores(pair)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_keeps_workspaces_apart(pair: TenantPair, call: str) -> None:
    CALLS[call](pair)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", CATALOG)
def test_a_call_of_the_catalog_keeps_workspaces_apart(
    pair: TenantPair, call: str, kind: str
) -> None:
    CATALOG[call](pair, kind)


def test_a_key_of_one_workspace_never_opens_another(pair: TenantPair) -> None:
    """Only the key chooses the workspace; no header and no parameter does."""
    headers = {"X-Workspace-Id": pair.theirs.made["creators"]["id"], "X-Workspace": "main"}
    for path in ("/v1/creators", "/v1/workspace"):
        answer = pair.ask(pair.mine.brand.roi, "GET", path, headers=headers)
        assert answer.status_code == 200
    query = "/v1/creators?workspace_id=" + new_id()
    assert pair.ask(pair.mine.brand.roi, "GET", query).status_code == 422
