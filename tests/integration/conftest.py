"""The house: all three services as processes of their own on one real Postgres, for tests that look at the whole edge from outside.

Promise: started once a session and only where a test asks for it; empty of everything but the workspace `main` with `ADMIN_KEY`. Tests
keep apart by making workspaces. What can go wrong: a process that ends shows its output in the failure.
"""

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.e2e.installation import SERVICES, Installation
from tests.fixtures.postgres import TEMPLATE, PostgresServer


@pytest.fixture(scope="session")
def house(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A ready Laurel of three processes."""
    url = own_database(postgres_server)
    installation = Installation(tmp_path_factory.mktemp("house"), {"LAUREL_DATABASE_URL": url})
    try:
        for service in SERVICES:
            installation.start("run", service)
        wait_for(installation)
        yield installation
    finally:
        installation.stop()


def own_database(server: PostgresServer) -> str:
    """The address of a new database with every table."""
    name = f"house_{uuid.uuid4().hex}"
    with ThreadPoolExecutor(max_workers=1) as pool:
        # In a thread, where no loop of a test is disturbed.
        pool.submit(asyncio.run, _clone(server, name)).result()
    return server.url_of(name)


def wait_for(installation: Installation) -> None:
    """Three interpreters start at once beside everything else that a loaded machine runs: the usual patience, twice."""
    try:
        installation.wait_until_ready()
    except AssertionError:
        assert all(process.poll() is None for process in installation.processes.values()), (
            installation.output()
        )
        installation.wait_until_ready()


async def _clone(server: PostgresServer, name: str) -> None:
    url = make_url(server.owner_url)
    connection = await asyncpg.connect(
        user=url.username, database=url.database, host=url.query["host"]
    )
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    finally:
        await connection.close()
