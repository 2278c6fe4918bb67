"""What `laurel verify` and `laurel keys create` do, in this process: a story has many of them, and each command is an interpreter to start."""

import asyncio
import uuid

from services.cli.profile import Api, Profile
from services.cli.verify.verify_command import find
from services.roi.bootstrap import create_key, ensure_workspace
from shared.clock import SystemClock
from shared.db.engine import Database
from shared.db.roles import service_url
from shared.sealing import new_api_key
from tests.chaos.deployment import Deployment
from tests.e2e.installation import SERVICES, Brand
from tests.e2e.shop import Shop
from tests.fixtures.postgres import SECRET_KEY


def assert_consistent(shop: Shop) -> None:
    """The comparison behind `laurel verify` finds nothing in the shop's workspace."""
    urls = {service: shop.brand.laurel.url(service) for service in SERVICES}

    async def compare() -> None:
        async with Api(Profile(**urls, key=shop.brand.key)) as api:
            found = await find(api, SystemClock())
        assert not found.mismatches, found.mismatches
        assert found.accounts

    asyncio.run(compare())


def new_brand(deployment: Deployment) -> Brand:
    """A brand in a workspace of its own, once its key works everywhere."""
    key = new_api_key(public=False)

    async def create() -> None:
        url = service_url(deployment.postgres.owner_url, "roi", SECRET_KEY)
        database = Database(url, application_name="laurel-keys", pool_size=1)
        await database.open()
        try:
            clock = SystemClock()
            workspace = await ensure_workspace(database, clock, f"brand-{uuid.uuid4().hex[:8]}")
            await create_key(
                database, clock, workspace, key=key, scopes=("admin",), public=False, name="chaos"
            )
        finally:
            await database.close()

    asyncio.run(create())
    deployment.laurel.wait_until_ready(key)
    return Brand(deployment.laurel, key)
