"""A real Postgres for a measurement: durable settings, and a fresh migrated database per run.

Promise: fsync and full-page writes are on for limit and subject. Databases are cloned.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from shared.db.migrate import migrate
from tests.fixtures.connections import execute
from tests.fixtures.postgres import PostgresServer

SECRET_KEY: Final = "the secret key of the bench"
TEMPLATE: Final = "bench_template"
_DURABLE: Final = "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n"


class BenchPostgres:
    """One server; `clone` makes a fresh database."""

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder)
        self._clones = 0

    def start(self) -> None:
        """Make and start the server, and migrate the template."""
        self.server.create()
        with (self.server.data / "postgresql.conf").open("a") as settings:
            settings.write(_DURABLE)
        self.server.start()
        asyncio.run(self._make_template())

    async def _make_template(self) -> None:
        await execute(self.server.owner_url, f"CREATE DATABASE {TEMPLATE}")
        await migrate(self.server.url_of(TEMPLATE), SECRET_KEY)

    def clone(self) -> str:
        """Return the URL of the owner to a new, migrated, empty database."""
        self._clones += 1
        name = f"bench_{self._clones}"
        asyncio.run(execute(self.server.owner_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
        return self.server.url_of(name)

    def drop(self, url: str) -> None:
        """Delete a clone."""
        name = make_url(url).database
        asyncio.run(execute(self.server.owner_url, f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def postgres(folder: Path) -> Iterator[BenchPostgres]:
    """Yield a running server."""
    bench = BenchPostgres(folder / "postgres")
    bench.start()
    try:
        yield bench
    finally:
        bench.server.remove()
