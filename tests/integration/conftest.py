"""The fixture `installation`: three service processes on one real Postgres, for HTTP tests.

Promise: it starts once a session, when a test first uses it, with the workspace `main` and its
`ADMIN_KEY`. Each test makes its own workspaces. `played` is one with a month of facts, which tests
only read.
What can go wrong: if a process ends, the failure shows its output.
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
from tests.integration.played_month import Played, play


@pytest.fixture(scope="session")
def installation(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A ready installation of three processes."""
    url = own_database(postgres_server)
    made = Installation(tmp_path_factory.mktemp("installation"), {"LAUREL_DATABASE_URL": url})
    try:
        for service in SERVICES:
            made.start("run", service)
        wait_for(made)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def played(installation: Installation) -> Played:
    """A brand whose month of facts is in the answers."""
    return play(installation)


def own_database(server: PostgresServer) -> str:
    """Return the address of a new database with every table."""
    name = f"installation_{uuid.uuid4().hex}"
    with ThreadPoolExecutor(max_workers=1) as pool:
        # In a thread, because a test may already run a loop in this one.
        pool.submit(asyncio.run, _clone(server, name)).result()
    return server.url_of(name)


def wait_for(installation: Installation) -> None:
    """Wait until the services are ready, at most twice the usual time.

    Three interpreters start at once, often on a busy machine.
    """
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
