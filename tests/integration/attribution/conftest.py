"""Fixtures of attribution's tests: a database pool of its role, a process, a story."""

import pytest

from shared.db.engine import Database
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story


@pytest.fixture
async def database(database_for: DatabaseFactory) -> Database:
    """A pool onto attribution's role."""
    return await database_for("attribution")


@pytest.fixture
async def pipeline(database: Database) -> AttributionPipeline:
    """One process's pipeline."""
    return AttributionPipeline(database)


@pytest.fixture
def story() -> Story:
    """A new workspace's words."""
    return Story(new_id())
