"""The Postgres log only: rights by topic and role, retention by bucket, query plans."""

import asyncio

import asyncpg
import pytest

from shared.clock import SystemClock
from shared.db.roles import service_url
from shared.errors import ConfigurationError, Transient
from shared.log.port import Record
from shared.log.postgres import PostgresLog
from shared.log.topics import ALL, CATALOG, CREDITS, DEAD_LETTER, EVENTS, Topic
from tests.contract.log.harness import eventually, fresh_topic, record, seek_all, values

MAY_APPEND = {
    "tracking": {EVENTS},
    "attribution": {CREDITS, DEAD_LETTER},
    "roi": {CATALOG},
}
MAY_READ = {
    "tracking": {CATALOG},
    "attribution": {EVENTS, CATALOG, DEAD_LETTER},
    "roi": {CREDITS, CATALOG},
}


async def opened(url: str, *, housekeeping_seconds: float = 60.0) -> PostgresLog:
    log = PostgresLog(url, SystemClock(), housekeeping_seconds=housekeeping_seconds)
    await log.open()
    return log


async def may_append(log: PostgresLog, topic: Topic) -> bool:
    try:
        await log.append(topic, [Record(b"k", b"v")])
    except ConfigurationError:
        return False
    return True


async def may_read(log: PostgresLog, topic: Topic) -> bool:
    reader = await log.reader(topic, group=None)
    try:
        await seek_all(log, topic, reader)
        return bool(await reader.fetch(records_max=1, wait_ms=1_000))
    except ConfigurationError:
        return False
    finally:
        await reader.close()


@pytest.mark.parametrize("service", ["tracking", "attribution", "roi"])
async def test_each_service_reaches_its_own_topics_only(
    fresh_database: str, secret_key: str, service: str
) -> None:
    owner = await opened(fresh_database)
    await owner.ensure_topics(ALL)
    for topic in ALL:
        assert await may_append(owner, topic)
    log = await opened(service_url(fresh_database, service, secret_key))
    await log.ensure_topics(ALL)
    assert {t for t in ALL if await may_append(log, t)} == MAY_APPEND[service]
    assert {t for t in ALL if await may_read(log, t)} == MAY_READ[service]
    await log.close()
    await owner.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log.partitions SET next_offset = 0",
        "INSERT INTO log.rights VALUES ('laurel_tracking', 'laurel.credits', true, true)",
        'DELETE FROM log."laurel.events"',
        "SELECT log.ensure_bucket('laurel.events', 1)",
        "DROP TABLE log.topics",
    ],
)
async def test_a_service_has_no_other_right_on_the_log(
    fresh_database: str, secret_key: str, statement: str
) -> None:
    owner = await opened(fresh_database)
    await owner.ensure_topics(ALL)
    await owner.close()
    url = service_url(fresh_database, "tracking", secret_key)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_a_database_that_is_not_migrated_is_waited_for(blank_database: str) -> None:
    log = await opened(blank_database)
    with pytest.raises(Transient, match="not prepared"):
        await log.append(EVENTS, [Record(b"k", b"v")])
    await log.close()


async def test_retention_drops_whole_buckets_while_appending(owner_url: str) -> None:
    topic = fresh_topic(partitions=1, retention_ms=900)
    log = await opened(owner_url, housekeeping_seconds=0.2)
    await log.ensure_topics([topic])
    connection = await asyncpg.connect(owner_url)
    tables: list[int] = []

    async def forgets_by_itself() -> bool:
        await log.append(topic, [record("k", "v")])
        tables.append(
            await connection.fetchval(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = $1::regclass",
                f'log."{topic.name}"',
            )
        )
        return (await log.low_offsets(topic))[0] > 10

    await eventually(forgets_by_itself)
    assert max(tables) <= 15
    low, end = (await log.low_offsets(topic))[0], (await log.end_offsets(topic))[0]
    kept = await connection.fetch(f'SELECT record_offset FROM log."{topic.name}" ORDER BY 1')
    assert [row[0] for row in kept] == list(range(low, end))
    await connection.close()
    await log.close()


async def test_reading_goes_by_the_index_on_tables_that_were_never_analysed(owner_url: str) -> None:
    topic = fresh_topic(partitions=4, retention_ms=60_000)
    log = await opened(owner_url)
    await log.ensure_topics([topic])
    await log.append(topic, [record(f"k{n}", "v") for n in range(40)])
    connection = await asyncpg.connect(owner_url)
    plan = await connection.fetch(
        "EXPLAIN SELECT record_offset, key, value, headers, appended_at_ms"
        f' FROM log."{topic.name}"'
        " WHERE partition = 1 AND record_offset >= 3 AND record_offset < 9"
        " ORDER BY record_offset LIMIT 9"
    )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan" in text
    assert "Seq Scan" not in text
    assert "Filter" not in text
    await connection.close()
    await log.close()


async def test_a_member_that_froze_loses_its_partitions(owner_url: str) -> None:
    """The server ends the session of a silent member after 30 s; here the owner does it at once."""
    topic = fresh_topic(partitions=2)
    log = await opened(owner_url)
    await log.ensure_topics([topic])
    await log.append(topic, [record(f"k{n}", str(n)) for n in range(10)])
    frozen, healthy = await log.reader(topic, group="g"), await log.reader(topic, group="g")
    await seek_all(log, topic, frozen)
    connection = await asyncpg.connect(owner_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks"
        " WHERE locktype = 'advisory' AND objsubid = 2 "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await connection.close()

    async def took_over() -> bool:
        await asyncio.sleep(0.1)
        return await healthy.assignment() == {0, 1}

    await eventually(took_over)
    await seek_all(log, topic, healthy)
    assert values(await healthy.fetch(records_max=10, wait_ms=1_000))
    # After it resumes, it owns no partition and reads nothing.
    assert list(await frozen.fetch(records_max=10, wait_ms=0)) == []
    assert len(await frozen.assignment()) <= 1
    await log.close()
