"""The event log in Postgres, on the tables and functions of the schema `log`.

Promise: the promises of `port.py`. A batch is one statement and one commit, so no lock outlives it.
Every wait has a deadline, and the log has connections of its own.
What can go wrong: a batch may be stored although its call timed out. Before `laurel migrate` has
run, calls raise `Transient`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec
import structlog
from typing_extensions import override

from shared.clock import Clock
from shared.errors import Transient
from shared.log.partition import partition_of
from shared.log.port import EventLog, Reader, Record
from shared.log.postgres.reader import PostgresReader
from shared.log.postgres.timeouts import with_deadline
from shared.log.topics import Topic

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

# A commit on a busy laptop disk takes tens of milliseconds, so 5 s mean an outage.
TIMEOUT_SECONDS: Final = 5.0
# After this time the connection is closed without the answer of the server.
CLOSE_SECONDS: Final = 2.0
# A relay needs one connection for its batch; the others read low marks and ends.
POOL_SIZE: Final = 4
# Retention drops whole time buckets, so a minute more does not matter.
HOUSEKEEPING_SECONDS: Final = 60.0
COMPACTION_CHUNK_RECORDS: Final = 1_000
COMPACTION_CHUNKS_MAX: Final = 10

logger = structlog.get_logger(__name__)

_headers = msgspec.msgpack.Encoder()


class PostgresLog(EventLog):
    """The connection pool of one process to the log in a Postgres database."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        application_name: str = "laurel-log",
        timeout_seconds: float = TIMEOUT_SECONDS,
        housekeeping_seconds: float = HOUSEKEEPING_SECONDS,
    ) -> None:
        """`url` is the log-in of a service or of the owner, `postgresql://` or with `+asyncpg`."""
        self._url = url.replace("postgresql+asyncpg://", "postgresql://", 1)
        self._clock = clock
        self._application_name = application_name
        self._timeout_seconds = timeout_seconds
        self._housekeeping_seconds = housekeeping_seconds
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._partitions: dict[str, int] = {}
        self._housekeeping_at: dict[str, float] = {}
        self._readers: list[PostgresReader] = []

    @override
    async def open(self) -> None:
        """Make the pool. It connects at its first use, so the process starts without a database."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=self._timeout_seconds,
            command_timeout=self._timeout_seconds,
            server_settings={"application_name": self._application_name, "jit": "off"},
        )

    @override
    async def close(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for reader in self._readers:
                tasks.create_task(reader.close())
            tasks.create_task(self._close_pool())

    async def _close_pool(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
            except TimeoutError:
                pool.terminate()

    @override
    async def ensure_topics(self, topics: Sequence[Topic]) -> None:
        async with self._connection("ensure topics") as connection:
            for topic in topics:
                await connection.execute(
                    "SELECT log.ensure_topic($1, $2, $3, $4)",
                    topic.name,
                    topic.partitions,
                    topic.retention_ms,
                    topic.compacted,
                )

    @override
    async def append(self, topic: Topic, records: Sequence[Record]) -> None:
        if not records:
            return
        partitions = topic.partitions
        async with self._connection("append") as connection:
            await connection.execute(
                "SELECT log.append($1, $2, $3, $4, $5)",
                topic.name,
                [partition_of(record.key, partitions) for record in records],
                [record.key for record in records],
                [record.value for record in records],
                [_headers.encode(record.headers) for record in records],
            )
        await self._run_due_housekeeping(topic)

    @override
    async def low_offsets(self, topic: Topic) -> Mapping[int, int]:
        return {
            partition: low for partition, (low, _) in (await self._offset_ranges(topic)).items()
        }

    @override
    async def end_offsets(self, topic: Topic) -> Mapping[int, int]:
        return {
            partition: end for partition, (_, end) in (await self._offset_ranges(topic)).items()
        }

    @override
    async def reader(self, topic: Topic, *, group: str | None) -> Reader:
        reader = PostgresReader(
            self._url,
            topic,
            group,
            application_name=self._application_name,
            timeout_seconds=self._timeout_seconds,
        )
        self._readers = [*(other for other in self._readers if not other.is_closed), reader]
        return reader

    async def run_housekeeping(self, topic: Topic) -> None:
        """Delete expired records, and records of a compacted topic that have a newer value.

        `append` calls it from time to time. Any process may call it at any time.
        """
        async with self._connection("housekeeping") as connection:
            await connection.execute("SELECT log.drop_expired($1)", topic.name)
        for _ in range(COMPACTION_CHUNKS_MAX if topic.compacted else 0):
            async with self._connection("compact") as connection:
                removed = await connection.fetchval(
                    "SELECT log.compact($1, $2)", topic.name, COMPACTION_CHUNK_RECORDS
                )
            if removed < COMPACTION_CHUNK_RECORDS:
                return

    async def _run_due_housekeeping(self, topic: Topic) -> None:
        now = self._clock.monotonic()
        if now - self._housekeeping_at.setdefault(topic.name, now) < self._housekeeping_seconds:
            return
        self._housekeeping_at[topic.name] = now
        try:
            await self.run_housekeeping(topic)
        except Transient as problem:
            # The batch is stored; the next call deletes what this one could not.
            logger.info("log.housekeeping_later", topic=topic.name, problem=str(problem))

    async def _offset_ranges(self, topic: Topic) -> Mapping[int, tuple[int, int]]:
        async with self._connection("read marks") as connection:
            rows = await connection.fetch(
                "SELECT partition, low_offset, next_offset FROM log.partitions WHERE topic = $1",
                topic.name,
            )
        if not rows:
            raise Transient(f"topic {topic.name} does not exist yet")
        return {partition: (low, end) for partition, low, end in rows}

    @asynccontextmanager
    async def _connection(self, what: str) -> AsyncIterator["PoolConnectionProxy[asyncpg.Record]"]:
        if self._pool is None:
            raise Transient("the log is not open")
        async with with_deadline(what, self._timeout_seconds):
            connection = await self._pool.acquire(timeout=self._timeout_seconds)
            try:
                yield connection
            except BaseException:
                # A statement may still run on this connection, so the pool must replace it. If the
                # server closed it, the pool has taken it back and raises `InterfaceError`.
                with suppress(asyncpg.InterfaceError):
                    connection.terminate()
                raise
            finally:
                await self._pool.release(connection, timeout=1.0)
