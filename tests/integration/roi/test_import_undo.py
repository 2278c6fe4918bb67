"""The undo of imports over real HTTP: what is listed, left, restored and told to others."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fixtures.connections import connect
from tests.integration.roi.roi_service import BrandClient, brand_running
from tests.integration.roi.test_imports import COSTS, imported, listed, two_creators


@pytest.fixture
async def brand(owner_url: str) -> AsyncIterator[BrandClient]:
    async with brand_running(owner_url) as client:
        yield client


async def test_the_list_shows_imports_that_hold_and_on_request_undone_ones(
    brand: BrandClient,
) -> None:
    file = "name\nMia\n"
    first, second = [await imported(brand, "creators", file) for _ in range(2)]
    shown = await listed(brand, "imports")
    assert [one["id"] for one in shown] == [second["id"], first["id"]]
    assert (shown[1]["what"], shown[1]["rows"], shown[1]["undo"]) == ("creators", 1, None)
    await brand.ok("DELETE", f"/v1/imports/{first['id']}")
    assert [one["id"] for one in await listed(brand, "imports")] == [second["id"]]
    everything = await brand.ok("GET", "/v1/imports?include_archived=true&limit=1")
    assert everything["items"] == [shown[0]]
    rest = await brand.ok(
        "GET", f"/v1/imports?include_archived=true&cursor={everything['next_cursor']}"
    )
    assert rest["items"][0]["undo"]["withdrawn"] == 1


async def test_an_object_that_was_changed_since_is_named_and_left(brand: BrandClient) -> None:
    await two_creators(brand)
    made = await imported(brand, "costs", COSTS)
    cost = next(cost for cost in await listed(brand, "costs") if cost["external_id"] == "2026-2")
    await brand.ok("PATCH", f"/v1/costs/{cost['id']}", {"amount": "25.00"})
    undone = await brand.ok("DELETE", f"/v1/imports/{made['id']}")
    assert undone["undo"]["withdrawn"] == 1
    assert undone["undo"]["left_objects"] == 1
    (left,) = undone["undo"]["left"]
    assert (left["id"], left["external_id"]) == (cost["id"], "2026-2")
    assert "changed since" in left["message"]
    (kept,) = await listed(brand, "costs")
    assert kept["amount"]["amount_minor"] == 2500


async def test_no_revision_is_used_twice_by_an_import_or_its_undo(
    brand: BrandClient, owner_url: str
) -> None:
    """Readers of the catalog keep the greatest revision, so an equal one would hide a change."""
    conn = await connect(owner_url)

    async def revisions() -> dict[str, tuple[int, Any]]:
        rows = await conn.fetch("SELECT id::text, revision, recorded_at FROM roi.entities")
        return {row[0]: (row[1], row[2]) for row in rows}

    try:
        told = "SELECT set_config('laurel.workspaces', $1, false)"
        await conn.execute(told, f"{{{brand.workspace_id}}}")
        creators = "name,platform,handle\nMia,instagram,@mia\nMia,tiktok,@mia.tt\n"
        links = "destination,creator,code\nhttps://shop.example/bag,Mia,rising-bag\n"
        before = await revisions()
        done: list[str] = []
        for what, file in (
            ("creators", creators),
            ("links", links),
            ("links", links.replace("example/bag", "example/hat")),
            ("creators", creators.replace("@mia\n", "@mia.new\n")),
        ):
            done.append((await imported(brand, what, file))["id"])
            before = rising(before, await revisions())
        for import_id in reversed(done):
            await brand.ok("DELETE", f"/v1/imports/{import_id}")
            before = rising(before, await revisions())
        await imported(brand, "creators", creators)
        rising(before, await revisions())
    finally:
        await conn.close()
    await brand.published(lambda found: any(one.deleted_at for one in found.values()))
    told_twice = Counter((one.id, one.revision) for one in await brand.records())
    assert set(told_twice.values()) == {1}


def rising(
    before: dict[str, tuple[int, Any]], after: dict[str, tuple[int, Any]]
) -> dict[str, tuple[int, Any]]:
    """Check that each object that was written has a greater revision, and return the newer ones."""
    changed = [one for one in before if after[one] != before[one]]
    assert changed or after.keys() - before.keys()
    assert all(after[one][0] > before[one][0] for one in changed)
    return after
