"""One reader of the log in Postgres: a connection that listens, holds locks and fetches.

Promise: the members of a group own disjoint partitions, because each partition is a session-level
advisory lock. The locks of a dead member end with its session. The server ends the session of a
frozen member after `ZOMBIE_SECONDS`.
What can go wrong: a lost connection ends the membership. The call raises `Transient`; the next call
connects again, may own other partitions, and the caller must seek.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from zlib import crc32

import asyncpg
import msgspec
from typing_extensions import override

from shared.db.failures import DRIVER_ERRORS
from shared.errors import OffsetGone
from shared.log.port import Reader, StoredRecord
from shared.log.postgres.timeouts import with_deadline
from shared.log.topics import Topic

# A notification wakes a reader in milliseconds; the poll covers lost notifications.
POLL_SECONDS: Final = 1.0
# How often a member checks whether the group has changed.
BALANCE_SECONDS: Final = 1.0
# Longer than a healthy batch with its back-off, short enough for the next owner to wait.
ZOMBIE_SECONDS: Final = 30
# Each member holds this number as a shared lock; 0 to 255 are the partitions.
_MEMBER: Final = 1_000

_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...])

_HOLDERS: Final = """
SELECT objid::bigint, pid FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1::bigint::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class PostgresReader(Reader):
    """A reader of one topic, alone or as a member of a group."""

    def __init__(
        self,
        url: str,
        topic: Topic,
        group: str | None,
        *,
        application_name: str,
        timeout_seconds: float,
    ) -> None:
        self.is_closed = False
        self._url = url
        self._topic = topic
        self._group = group
        self._application_name = application_name
        self._timeout_seconds = timeout_seconds
        # Locks with two numbers have a key space of their own, apart from the workspace locks.
        self._lock_class = crc32(f"{group}:{topic.name}".encode()) & 0x7FFF_FFFF
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._owned: set[int] = set()
        self._balanced_at = float("-inf")
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._turn = 0
        self._news = asyncio.Event()

    # -- the interface ---------------------------------------------------------------------------

    @override
    async def assignment(self) -> frozenset[int]:
        async with self._server("join") as connection:
            if self._group is not None:
                await self._balance(connection)
        for lost in self._positions.keys() - self._owned:
            del self._positions[lost]
        return frozenset(self._owned)

    @override
    async def seek(self, partition: int, offset: int) -> None:
        if partition in self._owned:
            self._positions[partition] = offset

    @override
    async def fetch(self, *, records_max: int, wait_ms: int) -> Sequence[StoredRecord]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_ms / 1000
        while True:
            self._news.clear()
            async with self._server("fetch") as connection:
                records = await self._next(connection, records_max)
            left_seconds = deadline - loop.time()
            if records or left_seconds <= 0:
                return records
            await self._wait_for_news(min(left_seconds, POLL_SECONDS))

    @override
    async def close(self) -> None:
        self.is_closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=2.0)
            except DRIVER_ERRORS:
                connection.terminate()

    # -- reading ---------------------------------------------------------------------------------

    async def _next(
        self, connection: "asyncpg.Connection[asyncpg.Record]", records_max: int
    ) -> Sequence[StoredRecord]:
        """Return one batch of the next partition that has records; known ends save a query."""
        for _ in range(2):
            for partition in self._rotation():
                records = await self._read(connection, partition, records_max)
                if records:
                    return records
            rows = await connection.fetch(
                "SELECT partition, next_offset FROM log.partitions WHERE topic = $1",
                self._topic.name,
            )
            self._ends = dict(rows)
        return ()

    def _rotation(self) -> list[int]:
        ready = sorted(
            partition
            for partition, position in self._positions.items()
            if partition in self._owned and self._ends.get(partition, 0) > position
        )
        return [p for p in ready if p >= self._turn] + [p for p in ready if p < self._turn]

    async def _read(
        self, connection: "asyncpg.Connection[asyncpg.Record]", partition: int, records_max: int
    ) -> Sequence[StoredRecord]:
        position, end = self._positions[partition], self._ends[partition]
        name = self._topic.name
        rows = await connection.fetch(
            f'SELECT record_offset, key, value, headers, appended_at_ms FROM log."{name}" '
            "WHERE partition = $1 AND record_offset >= $2 AND record_offset < $3 "
            "ORDER BY record_offset LIMIT $4",
            partition,
            position,
            end,
            records_max,
        )
        if not rows or rows[0][0] != position:
            # A hole by compaction or by retention. The low mark is read after the rows.
            await self._refuse_below_low(connection, partition, position)
        self._turn = partition + 1
        self._positions[partition] = rows[-1][0] + 1 if len(rows) == records_max else end
        decode = _headers.decode
        return [
            StoredRecord(name, partition, offset, key, value, decode(headers), appended_at_ms)
            for offset, key, value, headers, appended_at_ms in rows
        ]

    async def _refuse_below_low(
        self, connection: "asyncpg.Connection[asyncpg.Record]", partition: int, position: int
    ) -> None:
        low = await connection.fetchval(
            "SELECT low_offset FROM log.partitions WHERE topic = $1 AND partition = $2",
            self._topic.name,
            partition,
        )
        if position < low:
            raise OffsetGone(self._topic.name, partition, position, low)

    async def _wait_for_news(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload == self._topic.name:
            self._news.set()

    # -- the group -------------------------------------------------------------------------------

    async def _balance(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Hold an equal share of the partitions: release the excess, lock what is free."""
        now = asyncio.get_running_loop().time()
        if now - self._balanced_at < BALANCE_SECONDS:
            return
        holders = await connection.fetch(_HOLDERS, self._lock_class)
        pid = connection.get_server_pid()
        share = self._share(sorted(p for number, p in holders if number == _MEMBER), pid)
        for partition in sorted(self._owned)[share:]:
            await connection.execute(
                "SELECT pg_advisory_unlock($1, $2)", self._lock_class, partition
            )
            self._owned.discard(partition)
        taken = {number for number, _ in holders}
        for partition in range(self._topic.partitions):
            if len(self._owned) < share and partition not in taken | self._owned:
                await self._try_to_own(connection, partition)
        self._balanced_at = now

    def _share(self, members: list[int], pid: int) -> int:
        """Return the share of this member; the first members by session id hold one more."""
        each, more = divmod(self._topic.partitions, max(1, len(members)))
        rank = members.index(pid) if pid in members else len(members)
        return each + (1 if rank < more else 0)

    async def _try_to_own(
        self, connection: "asyncpg.Connection[asyncpg.Record]", partition: int
    ) -> None:
        if await connection.fetchval(
            "SELECT pg_try_advisory_lock($1, $2)", self._lock_class, partition
        ):
            self._owned.add(partition)

    # -- the connection --------------------------------------------------------------------------

    @asynccontextmanager
    async def _server(self, what: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Yield the connection for one exchange. It is closed after a failure."""
        async with with_deadline(what, self._timeout_seconds):
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            try:
                yield self._connection
            except OffsetGone:
                raise
            except BaseException:
                self._connection.terminate()
                self._connection = None
                raise

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        self._balanced_at = float("-inf")
        self._owned = set() if self._group is not None else set(range(self._topic.partitions))
        connection = await asyncpg.connect(
            self._url,
            timeout=self._timeout_seconds,
            command_timeout=self._timeout_seconds,
            server_settings={
                "application_name": self._application_name,
                "jit": "off",
                "idle_session_timeout": f"{ZOMBIE_SECONDS}s",
            },
        )
        try:
            connection.add_termination_listener(lambda _connection: self._news.set())
            await connection.add_listener("laurel_log", self._hear)
            if self._group is not None:
                await connection.execute(
                    "SELECT pg_advisory_lock_shared($1, $2)", self._lock_class, _MEMBER
                )
        except BaseException:
            connection.terminate()
            raise
        return connection
