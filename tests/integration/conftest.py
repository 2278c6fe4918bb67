"""The house: all three services as processes of their own on one real Postgres, for tests that look at the whole edge from outside.

Promise: started once a session and only where a test asks for it; empty of everything but the workspace `main` with `ADMIN_KEY`. Tests
keep apart by making workspaces. What can go wrong: a process that ends shows its output in the failure.
"""

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.installation import SERVICES, Installation
from tests.fixtures.connections import execute
from tests.fixtures.postgres import TEMPLATE, PostgresServer


@pytest.fixture(scope="session")
def house(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A ready Laurel of three processes."""
    name = f"house_{uuid.uuid4().hex}"
    with ThreadPoolExecutor(max_workers=1) as pool:
        # In a thread, where no loop of a test is disturbed.
        clone = execute(postgres_server.owner_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        pool.submit(asyncio.run, clone).result()
    url = postgres_server.url_of(name)
    installation = Installation(tmp_path_factory.mktemp("house"), {"LAUREL_DATABASE_URL": url})
    try:
        for service in SERVICES:
            installation.start("run", service)
        _wait(installation)
        yield installation
    finally:
        installation.stop()


def _wait(installation: Installation) -> None:
    """Three interpreters start at once beside everything else that a loaded machine runs: the usual patience, twice."""
    try:
        installation.wait_until_ready()
    except AssertionError:
        assert all(process.poll() is None for process in installation.processes.values()), (
            installation.output()
        )
        installation.wait_until_ready()
