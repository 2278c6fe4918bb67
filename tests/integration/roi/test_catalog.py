"""Every kind of catalog object through its whole life, over real HTTP and real Postgres.

Promise: all kinds are listed, shown, corrected, replaced and archived the same way. A refusal names
the field.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.roi.roi_service import BrandClient, brand_running


@dataclass(frozen=True)
class Kind:
    """How one kind is created and corrected; `makes` may name ids of the basics as "$creator"."""

    path: str
    makes: dict[str, Any]
    corrects: dict[str, Any]
    cleared: str | None = None
    """A field of `makes` that a replacement without it clears."""


KINDS = (
    Kind("creators", {"name": "Mia", "handle": "@mia"}, {"name": "Mia B."}, "handle"),
    Kind("campaigns", {"name": "Spring", "objective": "Sales"}, {"name": "Summer"}, "objective"),
    Kind(
        "placements",
        {"creator_id": "$creator", "platform": "youtube", "format": "short"},
        {"platform": "tiktok"},
        "format",
    ),
    Kind(
        "links",
        {"placement_id": "$placement", "destination": "https://shop.example/a"},
        {"destination": "https://shop.example/b"},
    ),
    Kind(
        "codes",
        {"code": "TENOFF", "creator_id": "$creator", "valid_to": "2026-09-01T00:00:00Z"},
        {"code": "ELEVENOFF"},
        "valid_to",
    ),
    Kind("policies", {"margin": "0.4", "precedence": "link_wins"}, {"margin": "0.5"}),
    Kind("stores", {"name": "Outlet"}, {"name": "Outlet Berlin"}),
    Kind(
        "connections",
        {"kind": "shopify", "secret": "hush, a secret of a shop", "shop_domain": "a.myshopify.com"},
        {"shop_domain": "b.myshopify.com"},
        "shop_domain",
    ),
    Kind("keys", {"name": "shop", "scopes": ["read"]}, {"scopes": ["read", "write"]}, "name"),
    Kind("agents", {"name": "North"}, {"name": "North Talent"}),
    Kind(
        "costs",
        {
            "kind": "fee",
            "amount": "500.00",
            "currency": "EUR",
            "creator_id": "$creator",
            "note": "x",
        },
        {"amount": "450.00"},
        "note",
    ),
    Kind(
        "goals",
        {"name": "Spring", "metric": "net_revenue", "target": "500.00", "ends_on": "2031-05-31"},
        {"target": "450.00"},
        "name",
    ),
    Kind(
        "rates",
        {
            "kind": "value",
            "per": "view",
            "amount": "0.000125",
            "platform": "Youtube",
            "valid_from": "2026-03-01",
        },
        {"amount": "0.01"},
        "platform",
    ),
)


async def basics(brand: BrandClient) -> dict[str, str]:
    """One creator, campaign and placement to refer to."""
    creator = await brand.post("/v1/creators", {"name": "Basic"})
    campaign = await brand.post("/v1/campaigns", {"name": "Basic"})
    placement = await brand.post(
        "/v1/placements", {"creator_id": creator["id"], "platform": "instagram"}
    )
    return {
        "$creator": creator["id"],
        "$campaign": campaign["id"],
        "$placement": placement["id"],
    }


def filled(values: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """The body with real ids."""
    return {
        name: ids.get(value, value) if isinstance(value, str) else value
        for name, value in values.items()
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.path))
async def test_the_life_of_an_object(owner_url: str, kind: Kind) -> None:
    async with brand_running(owner_url) as brand:
        body = filled(kind.makes, await basics(brand))
        path = f"/v1/{kind.path}"
        made = await brand.post(path, body | {"external_id": "ext/1 ä"})
        assert made["id"]
        assert made["created_at"]
        assert made["deleted_at"] is None
        shown = await brand.ok("GET", f"{path}/{made['id']}")
        assert shown == {name: value for name, value in made.items() if name != "key"}

        corrected = await brand.ok("PATCH", f"{path}/{made['id']}", kind.corrects)
        assert corrected != shown
        assert corrected["external_id"] == "ext/1 ä"
        assert corrected["created_at"] == shown["created_at"]
        again = await brand.ok("PATCH", f"{path}/{made['id']}", kind.corrects)
        assert again == corrected

        whole = {name: value for name, value in body.items() if name != kind.cleared}
        replaced = await brand.ok("PUT", f"{path}/by-external-id/ext%2F1%20%C3%A4", whole)
        assert replaced["id"] == made["id"]
        if kind.cleared:
            assert replaced[kind.cleared] is None

        listed = await brand.ok("GET", path)
        assert replaced in listed["items"]
        archived = await brand.ok("DELETE", f"{path}/{made['id']}")
        assert archived["deleted_at"] is not None
        assert await brand.ok("DELETE", f"{path}/{made['id']}") == archived
        listed = await brand.ok("GET", path)
        assert made["id"] not in [item["id"] for item in listed["items"]]
        everything = await brand.ok("GET", f"{path}?include_archived=true")
        assert archived in everything["items"]
        put = f"{path}/by-external-id/ext%2F1%20%C3%A4"
        if kind.path == "keys":  # a revoked key stays revoked
            assert (await brand.refused("PUT", put, whole)).status == 409
            return
        revived = await brand.ok("PUT", put, whole)
        assert revived["deleted_at"] is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.path))
async def test_put_creates_and_a_taken_external_id_is_a_conflict(
    owner_url: str, kind: Kind
) -> None:
    async with brand_running(owner_url) as brand:
        body = filled(kind.makes, await basics(brand))
        path = f"/v1/{kind.path}"
        made = await brand.call("PUT", f"{path}/by-external-id/e1", body)
        assert made.status_code == 201
        assert made.json()["external_id"] == "e1"
        taken = await brand.refused("POST", path, body | {"external_id": "e1"})
        assert taken.status == 409
        assert "external_id" in taken.errors
        other = await brand.refused("PUT", f"{path}/by-external-id/e1", body | {"external_id": "2"})
        assert (other.status, list(other.errors)) == (422, ["external_id"])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.path))
async def test_an_unknown_field_is_named_everywhere(owner_url: str, kind: Kind) -> None:
    async with brand_running(owner_url) as brand:
        body = filled(kind.makes, await basics(brand))
        path = f"/v1/{kind.path}"
        made = await brand.post(path, body)
        for method, where in (
            ("POST", path),
            ("PATCH", f"{path}/{made['id']}"),
            ("PUT", f"{path}/by-external-id/x"),
        ):
            sent = kind.corrects if method == "PATCH" else body
            refused = await brand.refused(method, where, sent | {"colour": "red"})
            assert (refused.status, refused.errors) == (422, {"colour": "unknown field"})
        missing = await brand.refused("GET", f"{path}?colour=red")
        assert (missing.status, list(missing.errors)) == (422, ["colour"])


async def test_pages_are_stable_while_others_insert(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        names = [f"creator {number}" for number in range(7)]
        for name in names:
            await brand.post("/v1/creators", {"name": name})
        seen: list[str] = []
        cursor = ""
        while True:
            page = await brand.ok("GET", f"/v1/creators?limit=3{cursor}")
            seen += [item["name"] for item in page["items"]]
            await brand.post("/v1/creators", {"name": "late"})
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == names[::-1]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=WzEsImEiXQ", "cursor=WzkuOSwiYSJd"],
)
async def test_a_bad_page_is_named(owner_url: str, query: str) -> None:
    async with brand_running(owner_url) as brand:
        refused = await brand.refused("GET", f"/v1/creators?{query}")
        assert (refused.status, list(refused.errors)) == (422, [query.split("=")[0]])


async def test_the_workspace_is_shown_and_corrected(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        shown = await brand.ok("GET", "/v1/workspace")
        assert (shown["time_zone"], shown["currency"]) == ("UTC", "EUR")
        assert shown["id"] == brand.workspace_id
        corrected = await brand.ok(
            "PATCH", "/v1/workspace", {"time_zone": "Europe/Berlin", "currency": "JPY"}
        )
        assert corrected == shown | {"time_zone": "Europe/Berlin", "currency": "JPY"}
        for field, value in (
            ("time_zone", "Mars/Base"),
            ("time_zone", "../etc"),
            ("currency", "EURO"),
        ):
            refused = await brand.refused("PATCH", "/v1/workspace", {field: value})
            assert (refused.status, list(refused.errors)) == (422, [field])


async def test_the_document_shows_every_call_and_needs_no_key(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        document = (await brand.http.get(brand.roi.url + "/openapi.json")).json()
        for kind in KINDS:
            path = f"/v1/{kind.path}"
            assert set(document["paths"][path]) == {"get", "post"}
            assert set(document["paths"][path + "/{object_id}"]) == {"get", "patch", "delete"}
            assert set(document["paths"][path + "/by-external-id/{external_id}"]) == {"put"}
            body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
            assert "$ref" in body["schema"]
        for absent in ("/v1/cohorts", "/v1/experiments"):
            assert (await brand.refused("GET", absent)).status == 404
