"""Webhook secrets over HTTP: who may change them, how they are rotated, and that none is replaced.

Promise: a webhook secret can report orders, so a key without `admin` never sets one.
"""

from typing import Any

import pytest

from services.roi.store.catalog import Writer
from shared.catalog import Connection
from shared.sealing import Sealer
from tests.fixtures.postgres import SECRET_KEY
from tests.integration.roi.roi_service import BrandClient, brand_running

FIRST, SECOND, THIRD = (f"the {word} secret of the shop" for word in ("first", "second", "third"))
BODY = {"kind": "shopify", "secret": FIRST, "shop_domain": "Mia.MyShopify.com"}


async def known_to_tracking(brand: BrandClient, connection_id: str, revision: int) -> list[str]:
    """Return the secrets of the published connection, opened, once it has this revision."""

    def is_published(records: dict[str, Any]) -> bool:
        return connection_id in records and records[connection_id].revision >= revision

    record = (await brand.published(is_published))[connection_id]
    assert isinstance(record, Connection)
    return [Sealer(SECRET_KEY).unseal(text, connection_id) for text in record.sealed_secrets]


async def test_only_an_admin_key_changes_a_connection(owner_url: str) -> None:
    async with brand_running(owner_url) as admin:
        made = await admin.post("/v1/connections", BODY | {"external_id": "shop"})
        path = f"/v1/connections/{made['id']}"
        writer = await admin.with_key(["read", "write", "track"])
        for method, where, body in (
            ("POST", "/v1/connections", BODY),
            ("PUT", "/v1/connections/by-external-id/shop", BODY),
            ("PATCH", path, {"shop_domain": None}),
            ("DELETE", path, None),
            ("POST", path + "/secrets", {"secret": SECOND}),
            ("DELETE", path + "/secrets/1", None),
        ):
            assert (await writer.refused(method, where, body)).status == 403, (method, where)
        assert await writer.ok("GET", path) == made


@pytest.mark.parametrize("secret", ["", "short", "x" * 15, "x" * 257, None, 5])
async def test_a_secret_has_16_to_256_characters(owner_url: str, secret: object) -> None:
    async with brand_running(owner_url) as brand:
        body = BODY | {"secret": secret}
        refused = await brand.refused("POST", "/v1/connections", body)
        assert (refused.status, list(refused.errors)) == (422, ["secret"])
        made = await brand.post("/v1/connections", BODY | {"secret": "x" * 16})
        path = f"/v1/connections/{made['id']}/secrets"
        refused = await brand.refused("POST", path, {"secret": secret})
        assert (refused.status, list(refused.errors)) == (422, ["secret"])


async def test_a_rotation_adds_the_new_secret_and_removes_the_old_one(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        made = await brand.post("/v1/connections", BODY)
        assert made["secret_numbers"] == [1]
        path = f"/v1/connections/{made['id']}/secrets"
        added = await brand.post(path, {"secret": SECOND})
        assert added == made | {"secret_numbers": [2, 1]}
        assert await known_to_tracking(brand, made["id"], 2) == [SECOND, FIRST]
        for again in (FIRST, SECOND, THIRD):
            refused = await brand.refused("POST", path, {"secret": again})
            assert (refused.status, list(refused.errors)) == (409, ["secret"])
        left = await brand.ok("DELETE", f"{path}/1")
        assert left == made | {"secret_numbers": [2]}
        assert await known_to_tracking(brand, made["id"], 3) == [SECOND]
        for number in ("1", "3", "two", "02"):
            assert (await brand.refused("DELETE", f"{path}/{number}")).status == 404
        assert (await brand.refused("DELETE", f"{path}/2")).status == 409
        # A number is never given twice: a repeated removal cannot hit a newer secret.
        third = await brand.post(path, {"secret": THIRD})
        assert third["secret_numbers"] == [3, 2]
        shown = str(await brand.ok("GET", f"/v1/connections/{made['id']}"))
        assert not [secret for secret in (FIRST, SECOND, THIRD) if secret in shown]


async def test_an_added_secret_has_one_effect_per_idempotency_key(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        made = await brand.post("/v1/connections", BODY)
        path = f"/v1/connections/{made['id']}/secrets"
        once = {"Idempotency-Key": "rotation 7"}
        added = await brand.post(path, {"secret": SECOND}, headers=once)
        await brand.ok("DELETE", f"{path}/2")
        assert await brand.post(path, {"secret": SECOND}, headers=once) == added
        assert (await brand.ok("GET", f"/v1/connections/{made['id']}"))["secret_numbers"] == [1]
        refused = await brand.refused("POST", path, {"secret": THIRD}, headers=once)
        assert refused.status == 409


async def test_put_and_patch_never_replace_a_secret(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        made = await brand.post("/v1/connections", BODY | {"external_id": "shop"})
        put = "/v1/connections/by-external-id/shop"
        refused = await brand.refused("PUT", put, BODY | {"secret": SECOND})
        assert (refused.status, list(refused.errors)) == (409, ["secret"])
        for secret in (SECOND, FIRST, None):
            refused = await brand.refused(
                "PATCH", f"/v1/connections/{made['id']}", {"secret": secret}
            )
            assert (refused.status, list(refused.errors)) == (422, ["secret"])
            assert "/secrets" in refused.errors["secret"]
        assert await brand.ok("PUT", put, BODY) == made
        without = {"kind": "shopify", "shop_domain": "b.myshopify.com"}
        assert await brand.ok("PUT", put, without) == made | {"shop_domain": "b.myshopify.com"}
        assert await known_to_tracking(brand, made["id"], 2) == [FIRST]


async def test_a_connection_of_an_earlier_release_can_be_rotated(owner_url: str) -> None:
    """Its facts have no numbers, and its secret may be short."""
    async with brand_running(owner_url) as brand:
        made = await brand.post("/v1/connections", BODY)
        path = f"/v1/connections/{made['id']}"
        sealer = Sealer(SECRET_KEY)
        sealed = [sealer.seal(secret, made["id"]) for secret in ("two", "one")]
        facts = {"kind": "shopify", "shop_domain": None, "id": made["id"]}
        async with brand.roi.database.write([brand.workspace_id]) as conn:
            writer = await Writer.begin(conn, brand.workspace_id, brand.roi.clock.now())
            found = await writer.find("connection", made["id"])
            assert found is not None
            version = type(found.latest)(facts | {"sealed_secrets": sealed})
            await writer.change(found, versions=(version,))
        assert (await brand.ok("GET", path))["secret_numbers"] == [2, 1]
        await brand.ok("PATCH", path, {"shop_domain": "a.myshopify.com"})
        assert (await brand.ok("DELETE", f"{path}/secrets/1"))["secret_numbers"] == [2]
        added = await brand.post(f"{path}/secrets", {"secret": THIRD})
        assert added["secret_numbers"] == [3, 2]
        assert await known_to_tracking(brand, made["id"], 5) == [THIRD, "two"]


async def test_a_revoked_key_stays_revoked_whatever_is_put_over_it(owner_url: str) -> None:
    async with brand_running(owner_url) as admin:
        body = {"name": "server", "scopes": ["read"]}
        made = await admin.post("/v1/keys", body | {"external_id": "server"})
        owner = BrandClient(admin.roi, admin.http, admin.workspace_id, made["key"])
        await owner.ok("GET", "/v1/creators")
        await admin.ok("DELETE", f"/v1/keys/{made['id']}")
        put = "/v1/keys/by-external-id/server"
        for again in (body, body | {"scopes": ["admin"]}, {"public": True}):
            refused = await admin.refused("PUT", put, again)
            assert (refused.status, list(refused.errors)) == (409, ["external_id"])
        await admin.ok("PATCH", f"/v1/keys/{made['id']}", {"scopes": ["read", "write"]})
        assert (await owner.refused("GET", "/v1/creators")).status == 401
        shown = await admin.ok("GET", f"/v1/keys/{made['id']}")
        assert shown["deleted_at"] is not None
        # The external id is free for a new key once the revoked one gives it up.
        await admin.ok("PATCH", f"/v1/keys/{made['id']}", {"external_id": None})
        assert (await admin.call("PUT", put, body)).status_code == 201
        assert (await owner.refused("GET", "/v1/creators")).status == 401
