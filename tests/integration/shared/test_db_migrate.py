"""Migration of a real database: weak roles, down and up again, an owner without superuser."""

import asyncio

import asyncpg
import pytest

from shared.db.engine import Database
from shared.db.migrate import SCHEMAS, migrate, move_history
from shared.db.roles import SERVICES, role_name, service_url
from shared.errors import ConfigurationError
from tests.fixtures.connections import connect
from tests.fixtures.postgres import SECRET_KEY, DatabaseFactory, PostgresServer


async def column(url: str, query: str) -> list[object]:
    connection = await connect(url)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_migrating_twice_and_at_once_is_harmless(blank_database: str) -> None:
    await asyncio.gather(*(migrate(blank_database, SECRET_KEY) for _ in range(3)))
    await migrate(blank_database, SECRET_KEY)
    schemas = await column(
        blank_database,
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information|public'",
    )
    assert sorted(map(str, schemas)) == sorted(SCHEMAS)


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_every_history_goes_down_and_up_again(fresh_database: str, schema: str) -> None:
    tables = (
        "SELECT table_name FROM information_schema.tables"
        f" WHERE table_schema = '{schema}' AND table_name <> 'alembic_version' ORDER BY 1"
    )
    before = await column(fresh_database, tables)
    await move_history(fresh_database, schema, "base")
    assert await column(fresh_database, tables) == []
    await move_history(fresh_database, schema, "head")
    assert await column(fresh_database, tables) == before


async def test_roles_are_weak_and_own_nothing(fresh_database: str) -> None:
    names = ", ".join(f"'{role_name(service)}'" for service in SERVICES)
    strong = await column(
        fresh_database,
        f"SELECT rolname FROM pg_roles WHERE rolname IN ({names})"
        " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR NOT rolcanlogin)",
    )
    owned = await column(
        fresh_database,
        f"SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) IN ({names})",
    )
    assert (strong, owned) == ([], [])


@pytest.mark.parametrize("service", SERVICES)
async def test_role_settings_apply_at_log_in(fresh_database: str, service: str) -> None:
    connection = await connect(service_url(fresh_database, service, SECRET_KEY))
    names = ("jit", "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    try:
        values = [await connection.fetchval(f"SHOW {name}") for name in names]
    finally:
        await connection.close()
    assert values == ["off", "10s", "30s", "10s"]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_enters_its_own_schema_and_the_log_only(
    fresh_database: str, service: str
) -> None:
    usable = await column(
        service_url(fresh_database, service, SECRET_KEY),
        "SELECT nspname FROM pg_namespace WHERE nspname IN ('log', 'attribution', 'roi')"
        " AND has_schema_privilege(oid, 'USAGE') ORDER BY 1",
    )
    assert usable == sorted({"log", service} - {"tracking"})
    creatable = await column(
        service_url(fresh_database, service, SECRET_KEY),
        "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')",
    )
    assert creatable == []


async def test_the_version_table_is_read_only_to_its_service(fresh_database: str) -> None:
    connection = await connect(service_url(fresh_database, "roi", SECRET_KEY))
    try:
        assert len(await connection.fetch("SELECT version_num FROM roi.alembic_version")) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM roi.alembic_version")
    finally:
        await connection.close()


async def test_a_plain_owner_with_createrole_is_enough(own_postgres: PostgresServer) -> None:
    """Managed Postgres has no superuser: the owner of the database creates the roles."""
    admin = await connect(own_postgres.owner_url)
    try:
        await admin.execute("CREATE ROLE plain LOGIN CREATEROLE NOSUPERUSER")
        await admin.execute("CREATE DATABASE shop OWNER plain")
    finally:
        await admin.close()
    plain = own_postgres.url_of("shop").replace("postgres@", "plain@")
    await migrate(plain, SECRET_KEY)
    await migrate(plain, "another secret key")
    owners = await column(
        plain,
        "SELECT DISTINCT tableowner::text FROM pg_tables"
        " WHERE schemaname IN ('log', 'attribution', 'roi')",
    )
    assert owners == ["plain"]
    database = Database(service_url(plain, "roi", "another secret key"), application_name="test")
    await database.open()
    try:
        await database.ping()
    finally:
        await database.close()
    await move_history(plain, "roi", "base")
    await migrate(plain, SECRET_KEY)


async def test_a_role_that_grew_too_strong_is_refused(own_postgres: PostgresServer) -> None:
    await migrate(own_postgres.owner_url, SECRET_KEY)
    admin = await connect(own_postgres.owner_url)
    try:
        await admin.execute("ALTER ROLE laurel_roi BYPASSRLS")
    finally:
        await admin.close()
    with pytest.raises(ConfigurationError, match="laurel_roi must be"):
        await migrate(own_postgres.owner_url, SECRET_KEY)


async def test_services_log_in_with_derived_passwords(database_for: DatabaseFactory) -> None:
    for service in SERVICES:
        database = await database_for(service)
        await database.ping()
        async with database.exempt() as conn:
            assert await conn.run_sync(
                lambda sync: sync.exec_driver_sql("SELECT user").scalar()
            ) == (role_name(service))
