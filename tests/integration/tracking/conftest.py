"""Fixtures of tracking's integration tests: a world (broker, brand, folder) and a ready process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.tracking.world import Site, World


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """Yield a world whose log has the catalog of the brand."""
    world = World(tmp_path)
    await world.publish(*world.brand.records())
    return world


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    """Yield a running process that is ready."""
    async with world.serving() as site:
        await site.ready()
        yield site
