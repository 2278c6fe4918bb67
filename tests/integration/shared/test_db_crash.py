"""The pool of connections when Postgres crashes and comes back."""

import asyncio

import pytest
from sqlalchemy import text

from shared.db.engine import ACQUIRE_SECONDS, Database
from shared.db.migrate import migrate
from shared.db.roles import service_url
from shared.errors import Transient
from tests.fixtures.postgres import SECRET_KEY, PostgresServer
from tests.integration.shared.test_db_engine import LOCKS, new_workspace


async def test_a_crash_of_postgres_is_transient_and_heals(own_postgres: PostgresServer) -> None:
    await migrate(own_postgres.owner_url, SECRET_KEY)
    url = service_url(own_postgres.owner_url, "attribution", SECRET_KEY)
    database = Database(url, application_name="test")
    await database.open()
    workspace = new_workspace()
    loop = asyncio.get_running_loop()

    async def crash() -> None:
        async with database.write([workspace]) as conn:
            own_postgres.stop("immediate")
            await conn.execute(text("SELECT 1"))

    try:
        with pytest.raises(Transient):
            await crash()
        began = loop.time()
        with pytest.raises(Transient):
            await database.ping()
        assert loop.time() - began < 2 * ACQUIRE_SECONDS, (
            "a ping waited longer than for one connection"
        )
        own_postgres.start()
        async with database.write([workspace]) as conn:
            assert (await conn.execute(LOCKS)).scalar() == 1
        own_postgres.stop("fast")
        own_postgres.start()
        await database.ping()
        own_postgres.stop("fast")
        own_postgres.start()
        assert [*map(dict, await database.look_up(text("SELECT 1 AS one"), {}))] == [{"one": 1}]
    finally:
        await database.close()
