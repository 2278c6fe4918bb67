"""Fixtures of attribution's tests: a database and a pool of its role, a process, a story."""

import pytest

from shared.db.engine import Database
from shared.ids import new_id
from tests.fixtures.postgres import DatabaseFactory
from tests.integration.attribution.attribution_pipeline import AttributionPipeline
from tests.integration.attribution.story import Story


@pytest.fixture
async def database(database_for: DatabaseFactory) -> Database:
    """A connection pool with attribution's role."""
    return await database_for("attribution")


@pytest.fixture
async def pipeline(database: Database) -> AttributionPipeline:
    """The pipeline of one process."""
    return AttributionPipeline(database)


@pytest.fixture
def story() -> Story:
    """The events and catalog records of a new workspace."""
    return Story(new_id())


@pytest.fixture
def place(fresh_database: str, secret_key: str) -> tuple[str, str]:
    """A separate database, because it stores offsets of the real partitions."""
    return fresh_database, secret_key
