"""Stores over HTTP: the first one of a workspace, its word, and the stores of connections."""

from dataclasses import replace
from typing import Any

import httpx

from services.roi.routes.stores import STORES_MAX
from shared.catalog import Connection, Store
from shared.db.migrate import move_history
from shared.ids import main_store_id
from tests.integration.roi.roi_service import BrandClient, brand_running, roi_running

SHOP = {"kind": "shopify", "secret": "the secret of the first shop"}


async def main_store(brand: BrandClient) -> dict[str, Any]:
    """Return the only store of a new workspace."""
    (found,) = (await brand.ok("GET", "/v1/stores"))["items"]
    return dict(found)


async def test_a_workspace_is_made_with_the_store_main(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        found = await main_store(brand)
        assert (found["name"], found["external_id"], found["is_main"]) == ("main", "main", True)
        assert found["id"] == main_store_id(brand.workspace_id)
        records = await brand.published(lambda records: found["id"] in records)
        record = records[found["id"]]
        assert isinstance(record, Store)
        assert (record.name, record.external_id, record.word) == ("main", "main", "main")


async def test_the_first_store_keeps_its_word_and_stays_in_use(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        first = await main_store(brand)
        path = f"/v1/stores/{first['id']}"
        assert (await brand.refused("DELETE", path)).status == 409
        renamed = await brand.ok("PUT", "/v1/stores/by-external-id/main", {"name": "Web shop"})
        assert (renamed["id"], renamed["name"]) == (first["id"], "Web shop")
        await brand.ok("PATCH", path, {"external_id": None})
        for body in ({"name": "main"}, {"name": " MAIN "}, {"name": "x", "external_id": "main"}):
            refused = await brand.refused("POST", "/v1/stores", body)
            assert refused.status == 409
            assert set(refused.errors) <= {"name", "external_id"}
        other = await brand.post("/v1/stores", {"name": "Outlet"})
        assert other["is_main"] is False
        refused = await brand.refused("PATCH", f"/v1/stores/{other['id']}", {"name": "main"})
        assert refused.status == 409
        archived = await brand.ok("DELETE", f"/v1/stores/{other['id']}")
        assert archived["deleted_at"] is not None


async def test_the_first_connection_takes_main_and_another_shop_gets_its_own(
    owner_url: str,
) -> None:
    async with brand_running(owner_url) as brand:
        main = (await main_store(brand))["id"]
        first = await brand.post("/v1/connections", SHOP | {"shop_domain": "a.example.com"})
        assert first["store_id"] == main
        second = await brand.post("/v1/connections", SHOP | {"shop_domain": "b.example.com"})
        store = await brand.ok("GET", f"/v1/stores/{second['store_id']}")
        assert (store["name"], store["is_main"]) == ("b.example.com", False)
        again = await brand.post("/v1/connections", SHOP | {"shop_domain": "B.example.com"})
        assert again["store_id"] == second["store_id"]
        other = await brand.post("/v1/connections", SHOP | {"shop_domain": "a.example.com"})
        assert other["store_id"] == main
        named = {"shop_domain": "c.example.com", "store_id": main}
        assert (await brand.post("/v1/connections", SHOP | named))["store_id"] == main
        unknown = await brand.post("/v1/connections", SHOP)
        assert unknown["store_id"] not in (main, second["store_id"])
        records = await brand.published(lambda records: unknown["id"] in records)
        stores = {
            record.id: record.store for record in records.values() if isinstance(record, Connection)
        }
        assert stores[first["id"]] == "main"
        assert stores[second["id"]] == second["store_id"]


async def test_a_new_connection_replaces_an_archived_one_of_the_same_shop(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        main = (await main_store(brand))["id"]
        first = await brand.post("/v1/connections", SHOP)
        await brand.ok("DELETE", f"/v1/connections/{first['id']}")
        assert (await brand.post("/v1/connections", SHOP))["store_id"] == main
        other = await brand.post("/v1/connections", SHOP | {"shop_domain": "b.example.com"})
        assert other["store_id"] != main
        await brand.ok("DELETE", f"/v1/connections/{other['id']}")
        again = await brand.post("/v1/connections", SHOP | {"shop_domain": "b.example.com"})
        assert again["store_id"] == other["store_id"]


async def test_a_connection_changes_its_store_only_when_told(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        main = (await main_store(brand))["id"]
        outlet = await brand.post("/v1/stores", {"name": "Outlet"})
        made = await brand.post("/v1/connections", SHOP | {"external_id": "shop"})
        path = f"/v1/connections/{made['id']}"
        moved = await brand.ok("PATCH", path, {"store_id": outlet["id"]})
        assert moved["store_id"] == outlet["id"]
        replaced = await brand.ok("PUT", "/v1/connections/by-external-id/shop", SHOP)
        assert replaced["store_id"] == outlet["id"]
        refused = await brand.refused("PATCH", path, {"store_id": made["id"]})
        assert (refused.status, list(refused.errors)) == (422, ["store_id"])
        assert (await brand.ok("PATCH", path, {"store_id": main}))["store_id"] == main


async def test_a_workspace_has_so_many_stores(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        await brand.post("/v1/connections", SHOP)
        for number in range(1, STORES_MAX):
            await brand.post("/v1/stores", {"name": f"Till {number}"})
        refused = await brand.refused("POST", "/v1/stores", {"name": "One more"})
        assert (refused.status, list(refused.errors)) == (422, ["name"])
        refused = await brand.refused("POST", "/v1/connections", SHOP)
        assert (refused.status, list(refused.errors)) == (422, ["store_id"])


async def test_a_workspace_of_before_gets_its_store_by_the_migration(fresh_database: str) -> None:
    async with brand_running(fresh_database) as brand:
        first = await main_store(brand)
        made = await brand.post("/v1/connections", SHOP)
        await brand.post("/v1/stores", {"name": "Outlet"})
    await move_history(fresh_database, "roi", "0010")
    await move_history(fresh_database, "roi", "head")
    async with roi_running(fresh_database) as roi, httpx.AsyncClient(timeout=10) as http:
        brand = replace(brand, roi=roi, http=http)
        again = await main_store(brand)
        assert {**again, "created_at": ""} == {**first, "created_at": ""}
        shown = await brand.ok("GET", f"/v1/connections/{made['id']}")
        assert shown["store_id"] == first["id"]
        second = await brand.post("/v1/connections", SHOP)
        assert second["store_id"] != first["id"]
        records = await brand.published(lambda records: second["store_id"] in records)
        assert isinstance(records[again["id"]], Store)
