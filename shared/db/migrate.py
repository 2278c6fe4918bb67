"""Prepare a database: roles, schemas, all migrations of `deploy/migrations`, and grants.

Promise: everything runs in one transaction, so a failed migration changes nothing. It can be
repeated, and two runs at once wait for each other. The owner is a superuser, or owns the database
and has CREATEROLE. The roles of the services own nothing and never bypass row-level security; every
run checks that.

What can go wrong: `ConfigurationError` when the owner lacks a right or a role has too many.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.failures import translated
from shared.db.roles import SERVICES, driver_url, role_name, role_password
from shared.errors import ConfigurationError, Transient

Work = Callable[[Connection], None]

SCHEMAS: Final = ("log", "attribution", "roi")
_MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "deploy" / "migrations"

# Any number works if all runs on a database use the same one.
_LOCK_KEY: Final = 0x6C6175_72656C
# Roles belong to the server, and the lock above to one database, so two runs may collide there.
_ATTEMPTS_MAX: Final = 5
_COLLISIONS: Final = ("tuple concurrently updated", "pg_authid_rolname_index", "pg_db_role_setting")

# Settings of the roles. They apply at log-in, so each service logs in as its own role.
_ROLE_SETTINGS: Final = {
    # A frozen process must release its workspaces. A healthy batch holds its locks for 0.25 s.
    "idle_in_transaction_session_timeout": "10s",
    # Longer than a healthy batch holds a lock, shorter than an API client waits.
    "lock_timeout": "10s",
    # The statements of Laurel run for some seconds at most.
    "statement_timeout": "30s",
    # Compiling costs more than it saves for statements that run for milliseconds.
    "jit": "off",
}


async def migrate(owner_url: str, secret_key: str) -> None:
    """Upgrade every schema to its newest revision."""
    for attempt in range(1, _ATTEMPTS_MAX + 1):
        try:
            return await _run(owner_url, lambda conn: _prepare(conn, secret_key))
        except exc.DBAPIError as error:
            is_collision = any(sign in str(error) for sign in _COLLISIONS)
            if not is_collision or attempt == _ATTEMPTS_MAX:
                raise
    raise Transient("another migration keeps changing the roles of this server")


async def move_history(owner_url: str, schema: str, revision: str) -> None:
    """Upgrade one schema to "head" or downgrade it to `revision` ("base" empties it)."""
    move = command.upgrade if revision == "head" else command.downgrade
    await _run(owner_url, lambda conn: move(_alembic_config(conn, schema), revision))


async def _run(owner_url: str, work: Work) -> None:
    engine = create_async_engine(driver_url(owner_url), poolclass=NullPool, hide_parameters=True)
    try:
        with translated():
            await _locked(engine, work)
    finally:
        await engine.dispose()


async def _locked(engine: AsyncEngine, work: Work) -> None:
    async with engine.begin() as conn:
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        await conn.run_sync(work)


def _prepare(conn: Connection, secret_key: str) -> None:
    for service in SERVICES:
        _ensure_role(conn, service, secret_key)
    for schema in SCHEMAS:
        _ensure_schema(conn, schema)
        command.upgrade(_alembic_config(conn, schema), "head")
        _seal_version_table(conn, schema)


def _ensure_role(conn: Connection, service: str, secret_key: str) -> None:
    role = role_name(service)
    strength = conn.execute(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).scalar()
    if strength is None:
        # Only at creation: a plain owner may not name these attributes of an existing role.
        conn.execute(text(f"CREATE ROLE {role} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"))
    elif strength:
        raise ConfigurationError(f"role {role} must be NOSUPERUSER and NOBYPASSRLS")
    # A parameter, because the text of a statement may appear in error messages.
    conn.execute(
        text("SELECT set_config('laurel.password', :password, true)"),
        {"password": role_password(service, secret_key)},
    )
    conn.exec_driver_sql(
        "DO $$ BEGIN EXECUTE format("
        f"'ALTER ROLE {role} LOGIN PASSWORD %L', current_setting('laurel.password')); END $$"
    )
    for name, value in _ROLE_SETTINGS.items():
        conn.execute(text(f"ALTER ROLE {role} SET {name} = '{value}'"))


def _ensure_schema(conn: Connection, schema: str) -> None:
    """Create a schema with its grants.

    All three roles use `log`; its migrations grant table by table. Any other schema belongs to one
    role, which gets access to every table by default.
    """
    conn.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    if schema == "log":
        for service in SERVICES:
            conn.execute(text(f"GRANT USAGE ON SCHEMA log TO {role_name(service)}"))
        return
    role = role_name(schema)
    conn.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
    for grant in (
        "SELECT, INSERT, UPDATE, DELETE ON TABLES",
        "USAGE, SELECT ON SEQUENCES",
        "EXECUTE ON FUNCTIONS",
    ):
        conn.execute(text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {grant} TO {role}"))


def _seal_version_table(conn: Connection, schema: str) -> None:
    """Let a service read the revision of its schema but not change it."""
    role = None if schema == "log" else role_name(schema)
    if role is not None:
        conn.execute(text(f"REVOKE ALL ON {schema}.alembic_version FROM {role}"))
        conn.execute(text(f"GRANT SELECT ON {schema}.alembic_version TO {role}"))


def _alembic_config(conn: Connection, schema: str) -> Config:
    config = Config()
    config.set_main_option("script_location", _option(_MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _option(_MIGRATIONS / schema / "versions"))
    config.attributes["connection"] = conn
    config.attributes["schema"] = schema
    return config


def _option(path: Path) -> str:
    """Escape % in a path for the configuration of Alembic."""
    return str(path).replace("%", "%%")
