"""A tracking process that started while the database was away hashes the e-mails of old workspaces.

The e-mail key of a workspace that was made before 30 November 2026 is handed to tracking by the id
of the workspace. Without the database the ids come from the snapshot of the catalog; a first start
without both answers 503 for what has an e-mail, and takes everything else.
"""

from pathlib import Path
from typing import Any, Final

import pytest

from services.cli.startup import known_workspaces
from services.tracking.settings import TrackingSettings
from shared.events import Converted
from shared.sealing import Sealer
from tests.integration.tracking.test_claims import ORDER
from tests.integration.tracking.test_durability import snapshot
from tests.integration.tracking.test_shopify_webhooks import ORDER as SHOP_ORDER
from tests.integration.tracking.world import SECRET_KEY, World, free_port

OLD_WORKSPACE: Final = "019a0000-0000-7000-8000-000000000001"
EMAIL: Final = "ana@shop.example"
WITH_EMAIL: Final = ORDER | {"person": {"email": EMAIL}}


@pytest.fixture
async def old(tmp_path: Path) -> World:
    """A brand whose workspace was made by an earlier release."""
    world = World(tmp_path)
    world.brand.workspace_id = OLD_WORKSPACE
    await world.publish(*world.brand.records())
    return world


async def ring_without_a_database(world: World) -> dict[str, str]:
    """Return what `laurel run tracking` hands to tracking while the database is away."""
    away = f"postgresql://laurel@127.0.0.1:{free_port()}/nowhere"
    settings = TrackingSettings.load({"LAUREL_DATA_DIR": str(world.folder)})
    known = await known_workspaces(away, SECRET_KEY, settings.snapshot_file)
    return {"LAUREL_SECRET_KEY": Sealer(SECRET_KEY).ring_of("tracking", known)}


async def test_the_ids_come_from_the_snapshot_while_the_database_is_away(old: World) -> None:
    await snapshot(old)
    async with old.serving(environ=await ring_without_a_database(old)) as site:
        await site.ready()
        assert (await site.post("/v1/conversions", WITH_EMAIL)).status_code == 202
        (event,) = await site.events(1)
    assert isinstance(event, Converted)
    expected = Sealer(SECRET_KEY).email_hash(OLD_WORKSPACE, EMAIL)
    assert event.person.email_hash == expected


async def test_without_a_snapshot_what_has_an_email_is_503_and_the_rest_is_taken(
    old: World,
) -> None:
    async with old.serving(environ=await ring_without_a_database(old)) as site:
        await site.ready()
        event: dict[str, Any] = {"type": "ordered", **WITH_EMAIL}
        for answer in (
            await site.post("/v1/conversions", WITH_EMAIL),
            await site.post("/v1/events", [event]),
            await site.deliver("orders/create", SHOP_ORDER | {"email": EMAIL}),
        ):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
        assert (await site.post("/v1/conversions", ORDER)).status_code == 202
        assert (await site.client.get("/mia")).status_code == 302
        assert await site.events(2)
