"""Rules of every write: isolated tenants, idempotency, append-only versions, ordered outbox.

Promise: nothing of one workspace is shown, named or changed through another's key, on any route. A
write without Postgres gets 503 within two seconds.
"""

import asyncio
import itertools
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.roi.bootstrap import create_key, ensure_workspace
from services.roi.relay import CatalogRelay
from shared.db.engine import driver
from shared.db.migrate import migrate
from shared.errors import ConfigurationError
from shared.ids import api_key_hash
from shared.log.memory import MemoryBroker, MemoryLog
from shared.log.topics import CATALOG
from shared.sealing import new_api_key
from shared.telemetry import Telemetry
from tests.fixtures.clocks import ShiftedClock
from tests.fixtures.postgres import DatabaseFactory, PostgresServer
from tests.integration.roi.roi_service import (
    PATIENCE_SECONDS,
    BrandClient,
    RoiService,
    brand_running,
    newest,
    roi_running,
)
from tests.integration.roi.test_catalog import KINDS, basics, filled


async def test_no_route_shows_or_changes_anothers_object(owner_url: str) -> None:
    async with brand_running(owner_url) as mine:
        foreign = await mine.roi.brand(mine.http)
        ids = await basics(mine)
        for kind in KINDS:
            path = f"/v1/{kind.path}"
            made = await mine.post(path, filled(kind.makes, ids) | {"external_id": "same"})
            unknown = str(uuid.uuid4())
            for method in ("GET", "PATCH", "DELETE"):
                body = kind.corrects if method == "PATCH" else None
                refused = await foreign.refused(method, f"{path}/{made['id']}", body)
                nobody = await foreign.refused(method, f"{path}/{unknown}", body)
                assert refused.status == nobody.status == 404
                assert refused.detail == nobody.detail.replace(unknown, made["id"])
            assert (await foreign.refused("GET", f"{path}/not-an-id")).status == 404
            listed = await foreign.ok("GET", f"{path}?include_archived=true&limit=200")
            assert made["id"] not in [item["id"] for item in listed["items"]]
            assert await mine.ok("GET", f"{path}/{made['id']}")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("placements", {"creator_id": "?", "platform": "x"}, "creator_id"),
        (
            "placements",
            {"creator_id": "$creator", "campaign_id": "?", "platform": "x"},
            "campaign_id",
        ),
        ("links", {"placement_id": "?", "destination": "https://a.example"}, "placement_id"),
        ("links", {"creator_id": "?", "destination": "https://a.example"}, "creator_id"),
        ("codes", {"code": "A", "creator_id": "?"}, "creator_id"),
        ("codes", {"code": "A", "creator_id": "$creator", "placement_id": "?"}, "placement_id"),
        (
            "costs",
            {"kind": "fee", "amount": "1", "currency": "EUR", "placement_id": "?"},
            "placement_id",
        ),
        (
            "costs",
            {"kind": "fee", "amount": "1", "currency": "EUR", "creator_id": "?"},
            "creator_id",
        ),
        (
            "costs",
            {"kind": "fee", "amount": "1", "currency": "EUR", "campaign_id": "?"},
            "campaign_id",
        ),
    ],
)
async def test_a_body_cannot_name_anothers_object(
    owner_url: str, path: str, body: dict[str, Any], field: str
) -> None:
    async with brand_running(owner_url) as mine:
        foreign = await mine.roi.brand(mine.http)
        own, theirs = await basics(mine), await basics(foreign)
        there = theirs["$" + field.removesuffix("_id")]
        unknown = str(uuid.uuid4())
        words = []
        for wrong in (there, unknown):
            refused = await mine.refused("POST", f"/v1/{path}", filled(body, own | {"?": wrong}))
            assert (refused.status, list(refused.errors)) == (422, [field])
            words.append(refused.errors[field].replace(wrong, "…"))
        assert words[0] == words[1]


async def test_the_same_idempotency_key_gives_the_same_answer_once(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        ids = await basics(brand)
        for kind in KINDS:
            path, body = f"/v1/{kind.path}", filled(kind.makes, ids)
            options = {"headers": {"Idempotency-Key": f"key-{kind.path}"}}
            first = await brand.post(path, body, **options)
            turned = dict(reversed(body.items()))
            assert await brand.post(path, turned, **options) == first
            listed = await brand.ok("GET", f"{path}?limit=200")
            assert [item["id"] for item in listed["items"]].count(first["id"]) == 1
            other = await brand.refused("POST", path, body | {"external_id": "x"}, **options)
            assert (other.status, list(other.errors)) == (409, ["Idempotency-Key"])
        # A refused request leaves the key free; keys are each workspace's own.
        options = {"headers": {"Idempotency-Key": "later"}}
        assert (await brand.refused("POST", "/v1/creators", {"name": ""}, **options)).status == 422
        assert (await brand.post("/v1/creators", {"name": "x"}, **options))["name"] == "x"
        foreign = await brand.roi.brand(brand.http)
        assert (await foreign.post("/v1/creators", {"name": "y"}, **options))["name"] == "y"
        long = {"headers": {"Idempotency-Key": "x" * 256}}
        assert (await brand.refused("POST", "/v1/creators", {"name": "x"}, **long)).status == 422


async def test_equal_requests_at_once_have_one_effect(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        options = {"headers": {"Idempotency-Key": "at once"}}
        answers = await asyncio.gather(
            *(brand.post("/v1/creators", {"name": "Mia"}, **options) for _ in range(8))
        )
        assert all(answer == answers[0] for answer in answers)
        assert len((await brand.ok("GET", "/v1/creators"))["items"]) == 1
        made = await asyncio.gather(
            *(brand.call("PUT", "/v1/creators/by-external-id/e", {"name": "M"}) for _ in range(4))
        )
        assert sorted(answer.status_code for answer in made) == [200, 200, 200, 201]


async def test_versions_are_append_only_and_the_clock_never_steps_back(owner_url: str) -> None:
    clock = ShiftedClock.at(datetime(2026, 3, 1, 12, tzinfo=UTC))
    async with roi_running(owner_url, clock=clock) as roi, httpx.AsyncClient() as http:
        brand = await roi.brand(http)
        creator = await brand.post("/v1/creators", {"name": "One"})
        cost = await brand.post(
            "/v1/costs",
            {"kind": "fee", "amount": "1", "currency": "EUR", "creator_id": creator["id"]},
        )
        assert cost["incurred_on"] == "2026-03-01"
        clock.ahead -= timedelta(hours=1)
        for amount in ("2", "3"):
            await brand.ok("PATCH", f"/v1/costs/{cost['id']}", {"amount": amount})
        await brand.ok("DELETE", f"/v1/costs/{cost['id']}")
        async with roi.database.read([brand.workspace_id]) as conn:
            rows = await (await driver(conn)).fetch(
                "SELECT * FROM roi.cost_versions WHERE cost_id = $1 ORDER BY recorded_at",
                cost["id"],
            )
        assert [row["amount_minor"] for row in rows] == [100, 200, 300, 300]
        assert [row["archived_at"] is None for row in rows] == [True, True, True, False]
        for before, after in itertools.pairwise(rows):
            assert before["superseded_at"] == after["recorded_at"] > before["recorded_at"]
        assert rows[-1]["superseded_at"] is None
        assert rows[-1]["creator_id"] == uuid.UUID(creator["id"])


async def test_records_come_in_order_with_every_revision(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        creator = await brand.post("/v1/creators", {"name": "0"})
        path = f"/v1/creators/{creator['id']}"
        await asyncio.gather(
            *(brand.ok("PATCH", path, {"name": str(number)}) for number in range(1, 20))
        )
        await brand.ok("PATCH", path, {"name": "last"})
        await brand.ok("PATCH", path, {"name": "last"})
        await brand.published(lambda r: creator["id"] in r and r[creator["id"]].revision == 21)
        records = [record for record in await brand.records() if record.id == creator["id"]]
        assert [record.revision for record in records] == list(range(1, 22))
        times = [record.recorded_at for record in records]
        assert times == sorted(set(times))
        async with brand.roi.database.read([brand.workspace_id]) as conn:
            left = await (await driver(conn)).fetchval("SELECT count(*) FROM roi.outbox")
        assert left == 0


async def test_a_log_made_anew_is_given_everything(
    fresh_database: str, database_for: DatabaseFactory
) -> None:
    async with roi_running(fresh_database) as roi, httpx.AsyncClient() as http:
        brand = await roi.brand(http)
        await basics(brand)
        await brand.published(lambda records: len(records) == 7)
        known = newest(await brand.records())
    # The same database starts again with an empty log.
    log = MemoryLog(MemoryBroker(roi.clock))
    await log.open()
    database = await database_for("roi", url=fresh_database)
    troubles: list[str | None] = []
    relay = CatalogRelay(database, log, roi.clock, Telemetry("roi"), troubles.append)
    other = BrandClient(
        RoiService("", database, log, roi.clock), http, brand.workspace_id, brand.key
    )
    await log.ensure_topics((CATALOG,))
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(relay.run())
        again = await other.published(lambda records: len(records) == len(known))
        running.cancel()
    assert again == known
    assert set(troubles) <= {None}


async def answers(brand: BrandClient) -> None:
    """Return once a call of the client succeeds."""
    while True:
        response = await brand.call("GET", "/v1/workspace")
        if response.status_code == 200:
            return
        await asyncio.sleep(0.05)


async def test_the_settings_key_opens_the_first_workspace(fresh_database: str) -> None:
    key = new_api_key(public=False)
    async with (
        roi_running(fresh_database, settings={"LAUREL_ADMIN_KEY": key}) as roi,
        httpx.AsyncClient() as http,
    ):
        brand = BrandClient(roi, http, "", key)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await answers(brand)
        shown = await brand.ok("GET", "/v1/workspace")
        assert shown["name"] == "main"
        again = await ensure_workspace(roi.database, roi.clock, "main")
        assert again == shown["id"]
        await brand.ok("PATCH", "/v1/workspace", {"name": "Acme"})
        assert await ensure_workspace(roi.database, roi.clock, "main") == shown["id"]
        assert await ensure_workspace(roi.database, roi.clock, "Acme") == shown["id"]
        other = await ensure_workspace(roi.database, roi.clock, "Other")
        taken = await brand.refused("PATCH", "/v1/workspace", {"name": "Other"})
        assert (taken.status, list(taken.errors)) == (409, ["name"])
        same: dict[str, Any] = {"scopes": ["admin"], "public": False, "name": "again"}
        assert await create_key(roi.database, roi.clock, shown["id"], key=key, **same) == key
        keys = await brand.ok("GET", "/v1/keys")
        assert [item["name"] for item in keys["items"]] == ["LAUREL_ADMIN_KEY"]
        assert api_key_hash(key) not in str(keys)
        own = await brand.ok("GET", "/v1/keys/self")
        assert own["id"] == keys["items"][0]["id"]
        assert (own["name"], own["scopes"]) == ("LAUREL_ADMIN_KEY", ["admin"])
        with pytest.raises(Exception, match="another workspace"):
            await create_key(roi.database, roi.clock, other, key=key, **same)
        with pytest.raises(ConfigurationError):
            await create_key(roi.database, roi.clock, other, key="lrl_sec_short", **same)


async def test_every_valid_key_is_told_what_it_may_do(owner_url: str) -> None:
    async with brand_running(owner_url) as brand:
        await brand.ok("PATCH", "/v1/workspace", {"time_zone": "Europe/Berlin", "currency": "USD"})
        name = (await brand.ok("GET", "/v1/workspace"))["name"]
        workspace = {"name": name, "time_zone": "Europe/Berlin", "currency": "USD"}
        page = {"name": "Shop pages", "public": True, "origins": ["https://shop.example"]}
        bodies = (
            {"name": "Reports", "scopes": ["read"]},
            {"name": None, "scopes": ["track", "write"]},
            page,
        )
        for body in bodies:
            made = await brand.post("/v1/keys", body)
            own = replace(brand, key=made["key"])
            asked = {name: made[name] for name in ("id", "name", "scopes", "public")}
            assert await own.ok("GET", "/v1/keys/self") == asked | {"workspace": workspace}
        made = await brand.post("/v1/keys", page)
        own = replace(brand, key=made["key"])
        elsewhere = {"Origin": "https://other.example"}
        refused = await own.refused("GET", "/v1/keys/self", headers=elsewhere)
        assert refused.status == 403
        await brand.ok("DELETE", f"/v1/keys/{made['id']}")
        assert (await own.refused("GET", "/v1/keys/self")).status == 401
        assert (await brand.refused("GET", "/v1/keys/myself")).status == 404


async def test_without_postgres_a_call_is_refused_in_two_seconds(
    own_postgres: PostgresServer, secret_key: str
) -> None:
    await migrate(own_postgres.owner_url, secret_key)
    async with roi_running(own_postgres.owner_url) as roi, httpx.AsyncClient(timeout=10) as http:
        brand = await roi.brand(http)
        await brand.post("/v1/creators", {"name": "before"})
        own_postgres.stop("immediate")
        began = asyncio.get_running_loop().time()
        refused = await brand.call("POST", "/v1/creators", {"name": "away"})
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert asyncio.get_running_loop().time() - began < 2.5
        own_postgres.start()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await answers(brand)
        await brand.post("/v1/creators", {"name": "after"})
        await brand.published(lambda r: any(getattr(v, "name", "") == "after" for v in r.values()))
