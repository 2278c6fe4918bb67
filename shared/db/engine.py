"""One service's pool of connections onto its own role, and the only three ways to open a transaction.

Promise: `write` makes its caller the only writer of the named workspaces: its first statement takes their locks in
ascending order, and READ COMMITTED gives every later statement a snapshot that sees what the previous holder
committed. Commit happens here and nowhere else; any error rolls back.

What can go wrong: `Transient` when the database is away, slow or full, within two seconds for the way in. When the
connection dies during COMMIT nobody knows whether it happened: callers are idempotent and simply do it again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import TextClause, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.db.failures import DRIVER_ERRORS, is_lock_timeout, translated
from shared.db.roles import driver_url
from shared.errors import Transient
from shared.telemetry import get_logger

# A request that cannot have a connection in 2 s is answered 503 rather than kept hanging.
ACQUIRE_SECONDS: Final = 2.0
# Above the roles' statement_timeout (30 s): the server gives up first and says why; this catches a dead network.
COMMAND_SECONDS: Final = 35.0

# One round trip: the locks (function calls in the order of the array, which is ascending) and the visible workspaces.
# The key holds the role's name, so that services never wait for each other.
_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(current_user || ':' || name, 0)),"
    " set_config('laurel.workspaces', :visible, true)"
    " FROM unnest(CAST(:names AS text[])) AS name"
)
# The server ends a transaction whose client does nothing, but not one that is in the middle of a COPY: there it listens to nobody but its
# client and to `pg_terminate_backend`. No batch takes so long to send.
STUCK_SECONDS: Final = 10.0
_END_STUCK: Final = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity AS a"
    " WHERE datname = current_database() AND usename = current_user AND state = 'active' AND wait_event_type = 'Client'"
    " AND query_start < clock_timestamp() - make_interval(secs => :seconds)"
    " AND EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted)"
)
_SHOW: Final = text("SELECT set_config('laurel.workspaces', :visible, true)")

_WRITE: Final = {"isolation_level": "READ COMMITTED", "postgresql_readonly": False}
# One snapshot for a whole answer: its rows and its totals are counted at the same moment.
_READ: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

logger = get_logger(__name__)


class Database:
    """A pool onto one role of one database. Build it in the composition root; safe for concurrent use."""

    def __init__(self, url: str, *, application_name: str, pool_size: int = 5) -> None:
        self._url = driver_url(url)
        self._application_name = application_name
        self._pool_size = pool_size
        self._engine: AsyncEngine | None = None

    async def open(self) -> None:
        """Make the pool. Connects to nothing yet, so a service starts also while Postgres is away."""
        self._engine = create_async_engine(
            self._url,
            pool_size=self._pool_size,
            max_overflow=0,
            pool_timeout=ACQUIRE_SECONDS,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            connect_args={
                "timeout": ACQUIRE_SECONDS,
                "command_timeout": COMMAND_SECONDS,
                "server_settings": {"application_name": self._application_name},
            },
        )

    async def close(self) -> None:
        """Close every connection. Harmless when not open."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def ping(self) -> None:
        """Prove that the database answers, or raise `Transient`."""
        async with self.exempt() as conn:
            await conn.execute(text("SELECT 1"))

    @asynccontextmanager
    async def write(
        self, workspaces: Sequence[UUID | str], *, extra: Sequence[str] = ()
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction that alone writes these workspaces. `extra` names further locks (say, a shared host of links),
        taken after the workspaces'. Commits on normal exit, rolls back on any error."""
        names = _canonical(workspaces)
        setup = {"names": [*names, *sorted(set(extra))], "visible": _literal(names)}
        async with self._transaction(_WRITE, _LOCK, setup) as conn:
            yield conn

    @asynccontextmanager
    async def read(self, workspaces: Sequence[UUID | str]) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction that sees these workspaces, all of it at one moment, and waits for no writer."""
        setup = {"visible": _literal(_canonical(workspaces))}
        async with self._transaction(_READ, _SHOW, setup) as conn:
            yield conn

    @asynccontextmanager
    async def exempt(self) -> AsyncIterator[AsyncConnection]:
        """A transaction without a workspace: only the closed list of exempt tables can be used, others raise."""
        async with self._transaction(_WRITE, _SHOW, {"visible": ""}) as conn:
            yield conn

    @asynccontextmanager
    async def _transaction(
        self, options: dict[str, Any], statement: TextClause, parameters: dict[str, Any]
    ) -> AsyncIterator[AsyncConnection]:
        with translated():
            conn = await self._begin(options, statement, parameters)
            try:
                yield conn
                await conn.commit()
            except BaseException:
                await asyncio.shield(_abandon(conn))
                raise
            # Shielded, so that a cancelled request cannot leak it.
            await asyncio.shield(conn.close())

    async def _begin(
        self, options: dict[str, Any], statement: TextClause, parameters: dict[str, Any]
    ) -> AsyncConnection:
        """The connection with its first statement done. A pooled connection that died unnoticed is replaced once:
        nothing has been written yet, so the second try is safe."""
        try:
            return await self._first_statement(options, statement, parameters)
        except exc.DBAPIError as error:
            if is_lock_timeout(error):
                await self._end_stuck()
            if not error.connection_invalidated:
                raise
            return await self._first_statement(options, statement, parameters)

    async def _end_stuck(self) -> None:
        """End the sessions of this role that hold a workspace while their process is frozen in the middle of sending. It does its batch again
        when it wakes up. A session that lives on is met by the next who waits."""
        assert self._engine is not None
        try:
            async with self._engine.connect() as conn:
                ended = (await conn.execute(_END_STUCK, {"seconds": STUCK_SECONDS})).all()
        except DRIVER_ERRORS as error:
            logger.warning("database.stuck_not_ended", problem=type(error).__name__)
            return
        if ended:
            logger.warning("database.stuck_ended", sessions=len(ended))

    async def _first_statement(
        self, options: dict[str, Any], statement: TextClause, parameters: dict[str, Any]
    ) -> AsyncConnection:
        if self._engine is None:
            raise RuntimeError("Database.open() was not called")
        conn = self._engine.connect()
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):
                await conn.start()
        except TimeoutError as error:
            raise Transient(f"database: no connection within {ACQUIRE_SECONDS} s") from error
        try:
            await conn.execution_options(**options)
            await conn.execute(statement, parameters)
        except BaseException:
            await asyncio.shield(_abandon(conn))
            raise
        return conn


async def _abandon(conn: AsyncConnection) -> None:
    """Roll back and give the connection up. The error that led here says what happened: a rollback that fails as well (the
    connection is gone, so the server rolls back by itself) must not take its place and make a bug look like an outage."""
    try:
        await conn.close()
    except DRIVER_ERRORS as error:
        logger.warning("database.rollback_failed", problem=type(error).__name__)
        if not conn.closed:
            await conn.invalidate()


async def driver(conn: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """The asyncpg connection beneath, inside the same transaction, for COPY and statements over whole batches."""
    raw = await conn.get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, asyncpg.Connection)
    return connection


def _canonical(workspaces: Sequence[UUID | str]) -> list[str]:
    """Each workspace once, in ascending order of its canonical text: the one order in which locks are taken."""
    if not workspaces:
        raise ValueError("a transaction needs at least one workspace")
    return sorted({str(UUID(str(workspace))) for workspace in workspaces})


def _literal(names: Sequence[str]) -> str:
    return "{" + ",".join(names) + "}"
