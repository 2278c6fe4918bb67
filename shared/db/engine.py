"""The connection pool of one service, the three ways to open a transaction, and `look_up`.

Promise: `write` makes its caller the only writer of the named workspaces. Its first statement takes
their locks in ascending order. Under READ COMMITTED every later statement sees what the previous
lock holder committed. Only this file commits; any error rolls back.

What can go wrong: `Transient` when the database is unreachable, slow or full; a connection is given
or refused within 2 s. If the connection dies during COMMIT, the outcome is unknown. Callers are
idempotent and repeat the work.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import CursorResult, TextClause, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.db.failures import DRIVER_ERRORS, classify, is_lock_timeout, translated
from shared.db.roles import driver_url
from shared.errors import TimedOut, Transient
from shared.telemetry import get_logger

# A request that gets no connection in 2 s is answered 503.
ACQUIRE_SECONDS: Final = 2.0
# More than the statement_timeout of the roles (30 s): the server reports slow statements itself.
COMMAND_SECONDS: Final = 35.0

# One round trip: the locks, in the ascending order of the array, the visible workspaces, and the
# limit of each later statement.
# The lock key holds the name of the role, so services never wait for each other.
_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(current_user || ':' || name, 0)),"
    " set_config('laurel.workspaces', :visible, true),"
    " set_config('statement_timeout',"
    " coalesce(CAST(:limit AS text), current_setting('statement_timeout')), true)"
    " FROM unnest(CAST(:names AS text[])) AS name"
)
# The server ends a transaction whose client is idle, but not one in the middle of a COPY. Only its
# client or `pg_terminate_backend` ends that. No batch takes this long to send.
STUCK_SECONDS: Final = 10.0
_END_STUCK: Final = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity AS a"
    " WHERE datname = current_database() AND usename = current_user AND state = 'active'"
    " AND wait_event_type = 'Client'"
    " AND query_start < clock_timestamp() - make_interval(secs => :seconds)"
    " AND EXISTS (SELECT FROM pg_locks AS l"
    " WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted)"
)
_SHOW: Final = text("SELECT set_config('laurel.workspaces', :visible, true)")

_WRITE: Final = {"isolation_level": "READ COMMITTED", "postgresql_readonly": False}
# One snapshot for an answer: its rows and its totals are read at the same moment.
_READ: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# One statement without a transaction around it.
_ALONE: Final = {"isolation_level": "AUTOCOMMIT", "postgresql_readonly": False}

logger = get_logger(__name__)


class Database:
    """A connection pool of one role. Made in the composition root; safe for concurrent use."""

    def __init__(self, url: str, *, application_name: str, pool_size: int = 5) -> None:
        self._url = driver_url(url)
        self._application_name = application_name
        self._pool_size = pool_size
        self._engine: AsyncEngine | None = None

    async def open(self) -> None:
        """Make the pool without a connection, so a service starts while Postgres is unreachable."""
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
        """Close every connection; does nothing when the pool is not open."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def ping(self) -> None:
        """Prove that the database answers, or raise `Transient`."""
        async with self.exempt() as conn:
            await conn.execute(text("SELECT 1"))

    @asynccontextmanager
    async def write(
        self,
        workspaces: Sequence[UUID | str],
        *,
        extra: Sequence[str] = (),
        statement_seconds: float | None = None,
    ) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that is the only writer of these workspaces.

        `extra` names further locks (such as a shared host of links), taken after those of the
        workspaces. A statement that takes longer than `statement_seconds` (None: the limit of the
        role) raises `TimedOut`. It commits on normal exit and rolls back on any error.
        """
        names = _canonical(workspaces)
        setup = {
            "names": [*names, *sorted(set(extra))],
            "visible": _literal(names),
            "limit": None if statement_seconds is None else f"{statement_seconds * 1_000:.0f}ms",
        }
        async with self._transaction(_WRITE, _LOCK, setup) as conn:
            yield conn

    @asynccontextmanager
    async def read(self, workspaces: Sequence[UUID | str]) -> AsyncIterator[AsyncConnection]:
        """Open a read-only transaction on one snapshot of these workspaces; no lock is taken."""
        setup = {"visible": _literal(_canonical(workspaces))}
        async with self._transaction(_READ, _SHOW, setup) as conn:
            yield conn

    @asynccontextmanager
    async def exempt(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction without a workspace; only the exempt tables can be used in it."""
        async with self._transaction(_WRITE, _SHOW, {"visible": ""}) as conn:
            yield conn

    async def look_up(
        self, statement: TextClause, parameters: dict[str, Any]
    ) -> Sequence[Mapping[str, Any]]:
        """Return the rows of one statement on exempt tables, without a transaction around it.

        That is one round trip to the server instead of four.
        """
        with translated():
            conn, found = await self._begin(_ALONE, statement, parameters)
            rows: Sequence[Any] = found.mappings().all()
            await asyncio.shield(conn.close())
        return rows

    @asynccontextmanager
    async def _transaction(
        self, options: dict[str, Any], statement: TextClause, parameters: dict[str, Any]
    ) -> AsyncIterator[AsyncConnection]:
        with translated():
            try:
                conn, _ = await self._begin(options, statement, parameters)
            except DRIVER_ERRORS as error:
                # Waiting for locks is contention or an outage, never work that takes too long.
                if classify(error) is TimedOut:
                    raise Transient(f"database: no transaction: {type(error).__name__}") from error
                raise
            try:
                yield conn
                await conn.commit()
            except BaseException:
                await asyncio.shield(_abandon(conn))
                raise
            # Shielded, so that a cancelled request does not leak the connection.
            await asyncio.shield(conn.close())

    async def _begin(
        self, options: dict[str, Any], statement: TextClause, parameters: dict[str, Any]
    ) -> tuple[AsyncConnection, CursorResult[Any]]:
        """Return a connection after its first statement, and what that statement found.

        A dead pooled connection is replaced once. Nothing was written yet, so the retry is safe.
        """
        try:
            return await self._first_statement(options, statement, parameters)
        except exc.DBAPIError as error:
            if is_lock_timeout(error):
                await self._end_stuck()
            if not error.connection_invalidated:
                raise
            return await self._first_statement(options, statement, parameters)

    async def _end_stuck(self) -> None:
        """End sessions of this role that hold a workspace lock while their process is frozen.

        The frozen process repeats its batch when it wakes up. A session that survives is ended by
        the next transaction that waits for its lock.
        """
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
    ) -> tuple[AsyncConnection, CursorResult[Any]]:
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
            return conn, await conn.execute(statement, parameters)
        except BaseException:
            await asyncio.shield(_abandon(conn))
            raise


async def _abandon(conn: AsyncConnection) -> None:
    """Roll back and close the connection.

    A rollback fails when the connection is lost; the server then rolls back by itself. That failure
    is only logged, so the caller sees the first exception.
    """
    try:
        await conn.close()
    except DRIVER_ERRORS as error:
        logger.warning("database.rollback_failed", problem=type(error).__name__)
        if not conn.closed:
            await conn.invalidate()


async def driver(conn: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """Return the asyncpg connection of the same transaction, for COPY and batch statements."""
    raw = await conn.get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, asyncpg.Connection)
    return connection


def _canonical(workspaces: Sequence[UUID | str]) -> list[str]:
    """Return each workspace once, in ascending order: the order in which locks are taken."""
    if not workspaces:
        raise ValueError("a transaction needs at least one workspace")
    return sorted({str(UUID(str(workspace))) for workspace in workspaces})


def _literal(names: Sequence[str]) -> str:
    return "{" + ",".join(names) + "}"
