"""Fixtures of tracking's integration tests: a world, and a process that is ready in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.tracking.world import Site, World


@pytest.fixture
async def world(tmp_path: Path) -> World:
    """A brand whose catalog stands on the log."""
    world = World(tmp_path)
    await world.publish(*world.brand.records())
    return world


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    """A process that is ready."""
    async with world.serving() as site:
        await site.ready()
        yield site
