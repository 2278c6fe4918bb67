"""No workspace sees data of another (I8): every table in the catalogue of Postgres is checked.

A table has forced row-level security or is in the closed list below, with its reason. A new table
with neither fails here.
"""

import uuid
from collections.abc import Iterable

import asyncpg
import pytest
from sqlalchemy import text

from shared.db.rls import CONDITION, POLICY, protect
from shared.db.roles import SERVICES, role_name, service_url
from tests.fixtures.connections import connect
from tests.fixtures.postgres import SECRET_KEY, DatabaseFactory

# None of these tables holds data of a person.
EXEMPT = {
    "attribution.alembic_version": "which revision the schema is at",
    "roi.alembic_version": "which revision the schema is at",
    "log.alembic_version": "which revision the schema is at",
    "attribution.offsets": "the next offset per partition; a partition holds many workspaces",
    "attribution.workspaces": "the counters of workspaces: no person; read to find work",
    "attribution.key_hashes": "key hash to workspace: read to find the workspace of a request",
    "roi.offsets": "the next offset per partition; a partition holds many workspaces",
    "roi.workspaces": "read by the relay and the consumer, before the workspace is known",
    "roi.workspace_names": "name to workspace: unique over all workspaces, read at start",
    "roi.api_keys": "key hash to workspace: read to find the workspace of a request",
    "roi.link_codes": "link host and code to workspace: a code is unique per host, over workspaces",
}
# The log: a partition has records of many workspaces, and readers read whole partitions.
EXEMPT_SCHEMA = "log"

TABLES = """
SELECT n.nspname || '.' || c.relname AS name,
       c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id'
                  AND NOT a.attisdropped) AS has_workspace,
       (SELECT array_agg(p.polname || ':'
                  || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || '|'
                  || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''))
          FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('log', 'attribution', 'roi') ORDER BY 1
"""


GRANTS = """
SELECT n.nspname || '.' || c.relname AS name, coalesce(r.rolname, 'PUBLIC') AS role,
       g.privilege_type AS privilege
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT a.grantee, a.privilege_type FROM aclexplode(c.relacl) AS a
    UNION SELECT a.grantee, a.privilege_type FROM pg_attribute AS t, aclexplode(t.attacl) AS a
    WHERE t.attrelid = c.oid
) AS g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN ('log', 'attribution', 'roi')
    AND g.grantee <> c.relowner
"""


@pytest.fixture
async def tables(owner_url: str) -> list[asyncpg.Record]:
    connection = await connect(owner_url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(TABLES)
        return rows
    finally:
        await connection.close()


@pytest.fixture
async def grants(owner_url: str) -> dict[str, dict[str, set[str]]]:
    """Return the privileges by table and role, without the owner."""
    connection = await connect(owner_url)
    found: dict[str, dict[str, set[str]]] = {}
    try:
        for row in await connection.fetch(GRANTS):
            found.setdefault(row["name"], {}).setdefault(row["role"], set()).add(row["privilege"])
    finally:
        await connection.close()
    return found


def is_exempt(name: str) -> bool:
    return name in EXEMPT or name.startswith(f"{EXEMPT_SCHEMA}.")


def open_tables(tables: Iterable[asyncpg.Record]) -> list[str]:
    """Return the tables without a policy that are not in the list."""
    return [row["name"] for row in tables if not row["is_forced"] and not is_exempt(row["name"])]


async def test_every_table_is_protected_or_exempt_for_a_reason(
    tables: list[asyncpg.Record],
) -> None:
    assert tables
    assert open_tables(tables) == [], (
        "protect them with shared.db.rls.protect, or give the reason above"
    )


@pytest.mark.parametrize(
    "added",
    [
        ["CREATE TABLE attribution.added (workspace_id uuid, value int)"],
        ["CREATE TABLE roi.added (workspace_id uuid) PARTITION BY HASH (workspace_id)"],
        [
            "CREATE TABLE roi.added (workspace_id uuid)",
            "ALTER TABLE roi.added ENABLE ROW LEVEL SECURITY",
        ],
        ["CREATE UNLOGGED TABLE attribution.added (workspace_id uuid)"],
    ],
    ids=["plain", "partitioned", "enabled, not forced", "unlogged"],
)
async def test_a_table_without_forced_row_level_security_is_found(
    fresh_database: str, added: list[str]
) -> None:
    """The check above finds an unprotected table in a scratch database."""
    connection = await connect(fresh_database)
    try:
        assert open_tables(await connection.fetch(TABLES)) == []
        for statement in added:
            await connection.execute(statement)
        name = added[0].split(" TABLE ")[1].split(" ")[0]
        assert open_tables(await connection.fetch(TABLES)) == [name]
        for statement in protect(*name.split(".")):
            await connection.execute(statement)
        assert open_tables(await connection.fetch(TABLES)) == []
    finally:
        await connection.close()


async def test_an_exempt_table_is_granted_to_one_role(
    grants: dict[str, dict[str, set[str]]],
) -> None:
    """Only the service of the schema may read a table without a policy."""
    for name in EXEMPT:
        schema = name.partition(".")[0]
        expected = set() if schema == EXEMPT_SCHEMA else {role_name(schema)}
        assert set(grants.get(name, {})) == expected, name
        if name.endswith(".alembic_version"):
            assert all(rights == {"SELECT"} for rights in grants.get(name, {}).values()), name


async def test_no_table_is_granted_to_another_service_or_to_everybody(
    grants: dict[str, dict[str, set[str]]],
) -> None:
    assert grants
    for name, roles in grants.items():
        schema = name.partition(".")[0]
        if schema != EXEMPT_SCHEMA:
            assert set(roles) <= {role_name(schema)}, name
        for role, rights in roles.items():
            assert role != "PUBLIC", name
            assert rights <= {"SELECT", "INSERT", "UPDATE", "DELETE"}, (name, role)


async def test_the_log_is_read_by_grant_and_written_by_right(
    grants: dict[str, dict[str, set[str]]], owner_url: str
) -> None:
    """No role writes to a table of the log; each topic has one writer."""
    for name, roles in grants.items():
        if name.startswith(f"{EXEMPT_SCHEMA}."):
            assert all(rights == {"SELECT"} for rights in roles.values()), (name, roles)
    connection = await connect(owner_url)
    try:
        writers = await connection.fetch(
            "SELECT topic, array_agg(role_name ORDER BY role_name) AS roles FROM log.rights"
            " WHERE may_append GROUP BY topic"
        )
    finally:
        await connection.close()
    assert {row["topic"]: row["roles"] for row in writers} == {
        "laurel.events": ["laurel_tracking"],
        "laurel.credits": ["laurel_attribution"],
        "laurel.dead-letter": ["laurel_attribution"],
        "laurel.catalog": ["laurel_roi"],
    }


async def test_the_exempt_list_holds_no_protected_table(tables: list[asyncpg.Record]) -> None:
    doubtful = [row["name"] for row in tables if row["name"] in EXEMPT and row["is_forced"]]
    assert doubtful == [], "these are protected: remove them from the list"


async def test_protected_tables_carry_the_one_policy(tables: list[asyncpg.Record]) -> None:
    for row in tables:
        if row["is_forced"]:
            assert row["has_workspace"], row["name"]
            assert len(row["policies"]) == 1, row["name"]
            name, _, condition = row["policies"][0].partition(":")
            using, _, check = condition.partition("|")
            assert name == POLICY, row["name"]
            assert using == check != "", row["name"]
            assert "current_setting('laurel.workspaces'" in using, row["name"]


async def test_every_key_carries_the_workspace(owner_url: str) -> None:
    """A unique key without the workspace would reveal order numbers of another brand."""
    connection = await connect(owner_url)
    try:
        keys = await connection.fetch(
            """SELECT n.nspname || '.' || c.relname AS name, i.indexrelid::regclass::text AS key
               FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE i.indisunique AND c.relrowsecurity AND n.nspname IN ('attribution', 'roi')
                 AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                       AND a.attnum = ANY (i.indkey) AND a.attname = 'workspace_id')"""
        )
    finally:
        await connection.close()
    assert [(row["name"], row["key"]) for row in keys] == []


async def test_views_obey_the_policy_as_their_reader(owner_url: str) -> None:
    """A view without security_invoker reads with the rights of its owner, perhaps a superuser."""
    connection = await connect(owner_url)
    try:
        views = await connection.fetch(
            """SELECT n.nspname || '.' || c.relname AS name FROM pg_class c
               JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname IN ('attribution', 'roi') AND (c.relkind = 'm'
                 OR (c.relkind = 'v' AND NOT coalesce(c.reloptions, '{}')
                     && '{security_invoker=true,security_invoker=on}'))"""
        )
    finally:
        await connection.close()
    assert [row["name"] for row in views] == []


@pytest.fixture
async def protected_table(fresh_database: str) -> str:
    """A database with one protected table that attribution may use."""
    connection = await connect(fresh_database)
    try:
        await connection.execute("CREATE TABLE attribution.probe (workspace_id uuid, value int)")
        for statement in protect("attribution", "probe"):
            await connection.execute(statement)
        # A row of another workspace: without a row Postgres does not evaluate the policy.
        await connection.execute("INSERT INTO attribution.probe VALUES ($1, 0)", uuid.uuid4())
    finally:
        await connection.close()
    return fresh_database


async def test_rows_of_others_can_be_neither_read_nor_written(
    protected_table: str, database_for: DatabaseFactory
) -> None:
    database = await database_for("attribution", url=protected_table)
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    insert = text("INSERT INTO attribution.probe VALUES (:workspace, :value)")
    count = text("SELECT count(*) FROM attribution.probe")
    async with database.write([mine, theirs]) as conn:
        await conn.execute(
            insert, [{"workspace": mine, "value": 1}, {"workspace": theirs, "value": 2}]
        )
        assert (await conn.execute(count)).scalar() == 2
    async with database.read([mine]) as conn:
        assert (
            await conn.execute(text("SELECT value FROM attribution.probe"))
        ).scalars().all() == [1]
    with pytest.raises(Exception, match="row-level security"):
        async with database.write([mine]) as conn:
            await conn.execute(insert, {"workspace": theirs, "value": 3})
    async with database.write([mine]) as conn:
        changed = await conn.execute(text("UPDATE attribution.probe SET value = 9"))
        assert changed.rowcount == 1


async def test_without_a_workspace_there_is_an_error_and_never_rows(
    protected_table: str, database_for: DatabaseFactory
) -> None:
    database = await database_for("attribution", url=protected_table, pool_size=1)
    with pytest.raises(Exception, match="malformed array literal"):
        async with database.exempt() as conn:
            await conn.execute(text("SELECT * FROM attribution.probe"))
    connection = await connect(service_url(protected_table, "attribution", SECRET_KEY))
    try:
        with pytest.raises(asyncpg.UndefinedObjectError):
            await connection.fetch("SELECT * FROM attribution.probe")
    finally:
        await connection.close()


async def test_a_setting_never_outlives_its_transaction(
    protected_table: str, database_for: DatabaseFactory
) -> None:
    database = await database_for("attribution", url=protected_table, pool_size=1)
    async with database.write([uuid.uuid4()]) as conn:
        await conn.execute(text("SELECT count(*) FROM attribution.probe"))
    with pytest.raises(Exception, match="malformed array literal"):
        async with database.exempt() as conn:
            await conn.execute(text("SELECT count(*) FROM attribution.probe"))
    with pytest.raises(Exception, match="malformed array literal"):
        await database.look_up(text("SELECT count(*) FROM attribution.probe"), {})


def test_the_policy_reads_its_setting_once_a_statement() -> None:
    assert CONDITION.startswith("workspace_id = ANY((SELECT current_setting(")
    with pytest.raises(ValueError, match="plain SQL name"):
        protect("attribution", "probe; DROP TABLE x")
    assert {role_name(service) for service in SERVICES} == {
        "laurel_tracking",
        "laurel_attribution",
        "laurel_roi",
    }
