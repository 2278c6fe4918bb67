"""`laurel verify` and `laurel keys create` inside the test process.

The tests need both often, and each command would start an interpreter.
"""

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
from tests.e2e.installation import Brand
from tests.e2e.shop import Shop
from tests.fixtures.postgres import SECRET_KEY


def assert_consistent(shop: Shop) -> None:
    """Check with the comparison of `laurel verify` that the workspace of a shop has no mismatch."""
    laurel = shop.brand.laurel
    urls = {service: laurel.url(service) for service in laurel.ports}

    async def compare() -> None:
        async with Api(Profile(**urls, key=shop.brand.key)) as api:
            found = await find(api, SystemClock())
        assert not found.mismatches, found.mismatches
        assert found.accounts

    asyncio.run(compare())


def new_brand(deployment: Deployment) -> Brand:
    """Return a brand in a new workspace, after every service accepts its key."""
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
