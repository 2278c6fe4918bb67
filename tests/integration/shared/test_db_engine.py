"""Transactions on real Postgres: locks, visibility, time-outs, lost connections, full pools."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from shared.db.engine import ACQUIRE_SECONDS, STUCK_SECONDS, driver
from shared.errors import ConfigurationError, TimedOut, Transient
from tests.fixtures.connections import value_of
from tests.fixtures.postgres import DatabaseFactory

LOCKS = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
# A wait of the tests, not a promise.
PATIENCE_SECONDS = 30
VISIBLE = text("SELECT current_setting('laurel.workspaces')")


def new_workspace() -> str:
    return str(uuid.uuid4())


async def test_write_locks_each_workspace_once_and_shows_them(
    database_for: DatabaseFactory,
) -> None:
    database = await database_for("attribution")
    first, second = new_workspace(), new_workspace()
    async with database.write([first, second.upper(), uuid.UUID(first)], extra=["host"]) as conn:
        assert (await conn.execute(LOCKS)).scalar() == 3
        visible = (await conn.execute(VISIBLE)).scalar()
    assert visible == "{" + ",".join(sorted([first, second])) + "}"


async def _end_backend(owner_url: str, process: int) -> None:
    """Terminate a connection in the server."""
    assert await value_of(owner_url, f"SELECT pg_terminate_backend({process}, 5000)")


async def test_the_lock_is_the_first_statement(database_for: DatabaseFactory) -> None:
    """A writer that waited sees what the holder committed: its snapshot is newer than the lock."""
    database = await database_for("attribution")
    workspace = new_workspace()
    order: list[str] = []
    entered = asyncio.Event()

    async def holder() -> None:
        async with database.write([workspace]):
            entered.set()
            await asyncio.sleep(0.2)
            order.append("holder")

    async def waiter() -> None:
        await entered.wait()
        async with database.write([workspace]) as conn:
            order.append("waiter")
            isolation = await conn.execute(text("SHOW transaction_isolation"))
            assert isolation.scalar() == "read committed"

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(holder())
        tasks.create_task(waiter())
    assert order == ["holder", "waiter"]


async def test_opposite_orders_never_deadlock(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution", pool_size=8)
    workspaces = [new_workspace() for _ in range(6)]
    done = 0

    async def writer(names: list[str]) -> None:
        nonlocal done
        for _ in range(15):
            async with database.write(names) as conn:
                await conn.execute(text("SELECT 1"))
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for turn in range(8):
            tasks.create_task(writer(workspaces[turn % 3 :] if turn % 2 else workspaces[::-1]))
    assert done == 8 * 15


async def test_a_bug_inside_stays_a_bug_when_the_rollback_fails(
    database_for: DatabaseFactory, owner_url: str
) -> None:
    """Loops repeat what is `Transient`, so a bug before a lost connection must not become one."""
    database = await database_for("attribution", pool_size=1)

    async def buggy() -> None:
        async with database.write([new_workspace()]) as conn:
            process = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await _end_backend(owner_url, process)
            raise TypeError("the bug")

    with pytest.raises(TypeError, match="the bug"):
        await buggy()
    # The only connection of the pool was returned.
    await database.ping()


async def test_a_writer_that_is_frozen_in_a_copy_does_not_hold_its_workspace(
    database_for: DatabaseFactory,
) -> None:
    """The time-outs of the server do not apply to COPY: it would wait for rows for ever."""
    database = await database_for("attribution")
    workspace = new_workspace()
    sending, woken = asyncio.Event(), asyncio.Event()

    async def rows() -> AsyncIterator[bytes]:
        yield b"1\n"
        sending.set()
        await woken.wait()

    async def send() -> None:
        async with database.write([workspace]) as conn:
            await conn.execute(text("CREATE TEMP TABLE sent (number integer) ON COMMIT DROP"))
            await (await driver(conn)).copy_to_table("sent", source=rows())

    async def frozen() -> None:
        with pytest.raises(Transient):
            await send()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(frozen())
        await sending.wait()
        tries = 0
        async with asyncio.timeout(2 * STUCK_SECONDS + 10):
            while True:
                tries += 1
                try:
                    async with database.write([workspace]):
                        break
                except Transient:
                    continue
        assert tries > 1
        woken.set()
    # No other connection was terminated, and the pool goes on.
    async with database.write([workspace]):
        pass


async def test_services_do_not_wait_for_each_other(database_for: DatabaseFactory) -> None:
    attribution, roi = await database_for("attribution"), await database_for("roi")
    workspace = new_workspace()
    async with (
        attribution.write([workspace]),
        asyncio.timeout(PATIENCE_SECONDS),
        roi.write([workspace]) as conn,
    ):
        assert (await conn.execute(LOCKS)).scalar() == 1


async def test_a_reader_waits_for_no_writer_and_cannot_write(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution")
    workspace = new_workspace()
    async with (
        database.write([workspace]),
        asyncio.timeout(PATIENCE_SECONDS),
        database.read([workspace]) as conn,
    ):
        assert (await conn.execute(text("SHOW transaction_read_only"))).scalar() == "on"
    async with database.write([workspace]) as conn:
        assert (await conn.execute(text("SHOW transaction_read_only"))).scalar() == "off"


async def test_a_transaction_needs_a_workspace(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution")
    with pytest.raises(ValueError, match="at least one workspace"):
        async with database.write([]):
            pass
    with pytest.raises(ValueError, match="badly formed"):
        async with database.read(["main"]):
            pass


async def test_exempt_begins_a_transaction_without_a_workspace(
    database_for: DatabaseFactory,
) -> None:
    database = await database_for("attribution")
    async with database.exempt() as conn:
        assert (await driver(conn)).is_in_transaction()
        assert (await conn.execute(VISIBLE)).scalar() == ""
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await (await driver(conn)).execute(
                "SELECT current_setting('laurel.workspaces')::uuid[]"
            )


async def test_a_look_up_runs_in_no_transaction(
    database_for: DatabaseFactory, owner_url: str
) -> None:
    database = await database_for("attribution", pool_size=1)
    statement = text("SELECT pg_backend_pid() AS process, CAST(:word AS text) AS word")
    (found,) = await database.look_up(statement, {"word": "here"})
    assert found["word"] == "here"
    state = f"SELECT state FROM pg_stat_activity WHERE pid = {found['process']}"
    assert await value_of(owner_url, state) == "idle"
    with pytest.raises(Exception, match="does not exist"):
        await database.look_up(text("SELECT * FROM nowhere"), {})
    assert await database.look_up(statement, {"word": "again"})


async def test_a_look_up_survives_a_change_of_its_table(
    database_for: DatabaseFactory, owner_url: str
) -> None:
    database = await database_for("attribution", url=owner_url, pool_size=1)
    await value_of(owner_url, "CREATE TABLE public.changing AS SELECT 1 AS number")
    await value_of(owner_url, "GRANT SELECT ON public.changing TO PUBLIC")
    statement = text("SELECT number FROM public.changing")
    assert [*map(dict, await database.look_up(statement, {}))] == [{"number": 1}]
    await value_of(owner_url, "ALTER TABLE public.changing ALTER COLUMN number TYPE text")
    with pytest.raises(Transient):
        await database.look_up(statement, {})
    assert [*map(dict, await database.look_up(statement, {}))] == [{"number": "1"}]


async def test_copy_runs_inside_the_transaction(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution")

    async def copy_and_fail() -> None:
        async with database.write([new_workspace()]) as conn:
            raw = await driver(conn)
            await raw.execute("CREATE TEMP TABLE copied (id int)")
            await raw.copy_records_to_table("copied", records=[(1,), (2,)])
            assert await raw.fetchval("SELECT count(*) FROM copied") == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await copy_and_fail()
    async with database.exempt() as conn:
        gone = await conn.execute(text("SELECT to_regclass('pg_temp.copied')"))
        assert gone.scalar() is None


async def test_a_full_pool_is_transient_within_two_seconds(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution", pool_size=1)
    loop = asyncio.get_running_loop()
    async with database.read([new_workspace()]):
        began = loop.time()
        with pytest.raises(Transient):
            async with database.read([new_workspace()]):
                pass
        assert loop.time() - began < ACQUIRE_SECONDS + 0.5
    await database.ping()


async def test_slow_statements_and_waits_are_transient(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution")

    async def by_sqlalchemy() -> None:
        async with database.exempt() as conn:
            await conn.execute(text("SET LOCAL statement_timeout = '50ms'"))
            await conn.execute(text("SELECT pg_sleep(5)"))

    async def by_the_driver() -> None:
        async with database.exempt() as conn:
            raw = await driver(conn)
            await raw.execute("SET LOCAL statement_timeout = '50ms'")
            await raw.execute("SELECT pg_sleep(5)")

    for slow in (by_sqlalchemy, by_the_driver):
        with pytest.raises(TimedOut, match="statement timeout"):
            await slow()


async def test_a_writer_may_limit_its_statements(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution")
    workspace = new_workspace()

    async def slow() -> None:
        async with database.write([workspace], statement_seconds=0.05) as conn:
            await conn.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(TimedOut, match="statement timeout"):
        await slow()
    # The limit ends with the transaction.
    async with database.write([workspace]) as conn:
        assert (await conn.execute(text("SHOW statement_timeout"))).scalar() == "30s"


async def test_waiting_for_another_writer_is_not_slow_work(
    database_for: DatabaseFactory, owner_url: str
) -> None:
    """Neither the time-out of a lock nor that of the statement that waits for it."""
    workspace = new_workspace()
    for setting in ("lock_timeout", "statement_timeout"):
        database = await database_for("attribution", pool_size=2)
        async with database.write([workspace]):
            async with database.exempt() as conn:
                await conn.execute(text(f"SET {setting} = '50ms'"))
            with pytest.raises(Transient) as found:
                async with database.write([workspace]):
                    pass
        assert not isinstance(found.value, TimedOut), setting


async def test_a_frozen_holder_loses_its_transaction(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution")
    workspace = new_workspace()

    async def freeze() -> None:
        async with database.write([workspace]) as conn:
            await conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '100ms'"))
            await asyncio.sleep(0.5)
            await conn.execute(text("SELECT 1"))

    with pytest.raises(Transient):
        await freeze()
    async with asyncio.timeout(PATIENCE_SECONDS), database.write([workspace]) as conn:
        assert (await conn.execute(LOCKS)).scalar() == 1


@pytest.mark.parametrize("turns", range(6))
async def test_a_transaction_that_was_ended_while_frozen_is_an_outage(
    database_for: DatabaseFactory, turns: int
) -> None:
    """Also between the server's last message and the end of the connection."""
    database = await database_for("attribution")

    async def sleep_through() -> None:
        async with database.write([new_workspace()]) as conn:
            pg = await driver(conn)
            await pg.execute("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
            time.sleep(0.5)  # noqa: ASYNC251 - the whole process is frozen
            for _ in range(turns):
                await asyncio.sleep(0)
            await pg.execute("SELECT $1::integer", 1)

    with pytest.raises(Transient):
        await sleep_through()
    await database.ping()


async def test_a_bad_statement_is_a_bug_and_stays_one(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution")
    with pytest.raises(Exception, match="does not exist") as caught:
        async with database.exempt() as conn:
            await conn.execute(text("SELECT * FROM nowhere"))
    assert not isinstance(caught.value, Transient)


async def test_a_wrong_secret_is_reported_where_log_ins_are_checked(
    database_for: DatabaseFactory, owner_url: str
) -> None:
    missing = owner_url.replace("/laurel_", "/absent_")
    database = await database_for("attribution", url=missing)
    with pytest.raises(ConfigurationError, match="does not exist"):
        await database.ping()


async def test_cancelled_requests_leak_no_connection(database_for: DatabaseFactory) -> None:
    database = await database_for("attribution", pool_size=3)

    async def hang() -> None:
        async with database.write([new_workspace()]) as conn:
            await conn.execute(text("SELECT pg_sleep(10)"))

    async def hang_three_times() -> None:
        async with asyncio.timeout(0.05), asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(hang())

    for _ in range(5):
        with pytest.raises(TimeoutError):
            await hang_three_times()
    async with (
        database.read([new_workspace()]),
        database.read([new_workspace()]),
        database.read([new_workspace()]) as conn,
    ):
        assert (await conn.execute(text("SELECT 1"))).scalar() == 1
