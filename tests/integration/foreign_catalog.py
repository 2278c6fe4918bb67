"""Each call of the catalog with ids of another workspace, for any kind of object.

Promise: `CATALOG` has the check of each call. A check fails if the answer shows or changes an
object of the other workspace, or tells a foreign id from an unknown one.
"""

from collections.abc import Callable
from typing import Final

import httpx

from tests.integration.tenants import REFERENCES, SHARED, Json, TenantPair


def shows_one(pair: TenantPair, kind: str) -> None:
    roi = pair.mine.brand.roi
    pair.refused_alike(
        404, lambda one: pair.ask(roi, "GET", f"/v1/{kind}/{one}"), pair.theirs.id_of(kind)
    )


def lists(pair: TenantPair, kind: str) -> None:
    answer = pair.ask(
        pair.mine.brand.roi, "GET", f"/v1/{kind}?limit=200&include_archived=true"
    ).json()
    assert pair.mine.id_of(kind) in {item["id"] for item in answer["items"]}


def creates(pair: TenantPair, kind: str) -> None:
    _refuses_references(pair, kind, "POST", f"/v1/{kind}")
    if kind == "links":
        body = pair.mine.body(kind) | {"code": pair.theirs.made["links"]["code"]}
        taken = pair.ask(pair.mine.brand.roi, "POST", "/v1/links", body)
        assert (taken.status_code, taken.json()["detail"]) == (409, "code: is taken")
    # The same external id and Idempotency-Key in both workspaces made two objects.
    assert pair.mine.id_of(kind) != pair.theirs.id_of(kind)


def corrects(pair: TenantPair, kind: str) -> None:
    roi = pair.mine.brand.roi
    before = shown_to_theirs(pair, kind)
    pair.refused_alike(
        404, lambda one: pair.ask(roi, "PATCH", f"/v1/{kind}/{one}", {}), pair.theirs.id_of(kind)
    )
    _refuses_references(pair, kind, "PATCH", f"/v1/{kind}/{pair.mine.id_of(kind)}")
    assert shown_to_theirs(pair, kind) == before


def archives(pair: TenantPair, kind: str) -> None:
    roi = pair.mine.brand.roi
    pair.refused_alike(
        404, lambda one: pair.ask(roi, "DELETE", f"/v1/{kind}/{one}"), pair.theirs.id_of(kind)
    )
    assert shown_to_theirs(pair, kind)["deleted_at"] is None


def replaces(pair: TenantPair, kind: str) -> None:
    before = shown_to_theirs(pair, kind)
    path = f"/v1/{kind}/by-external-id/{SHARED}"
    _refuses_references(pair, kind, "PUT", path)
    answer = pair.ask(pair.mine.brand.roi, "PUT", path, pair.mine.body(kind))
    assert (answer.status_code, answer.json()["id"]) == (200, pair.mine.id_of(kind)), answer.text
    assert shown_to_theirs(pair, kind) == before


def shown_to_theirs(pair: TenantPair, kind: str) -> Json:
    """Return the object of the other workspace, as its own key sees it."""
    found: Json = pair.theirs.brand.roi.get(f"/v1/{kind}/{pair.theirs.id_of(kind)}").json()
    return found


def _refuses_references(pair: TenantPair, kind: str, method: str, path: str) -> None:
    for name, referred in REFERENCES.get(kind, {}).items():

        def call(one: str, name: str = name) -> httpx.Response:
            body = pair.mine.body_with_reference(kind, name, one)
            if method == "PATCH":
                body = {name: one}
            return pair.ask(pair.mine.brand.roi, method, path, body)

        pair.refused_alike(422, call, pair.theirs.id_of(referred))


CATALOG: Final[dict[str, Callable[[TenantPair, str], None]]] = {
    "GET /v1/KIND": lists,
    "POST /v1/KIND": creates,
    "GET /v1/KIND/{object_id}": shows_one,
    "PATCH /v1/KIND/{object_id}": corrects,
    "DELETE /v1/KIND/{object_id}": archives,
    "PUT /v1/KIND/by-external-id/{external_id}": replaces,
}
