"""The Alembic environment of all schemas: run the revisions on the connection of the caller.

`shared.db.migrate` opens that connection.
Promise: nothing is committed here; the transaction of the caller holds the whole migration. Each
schema has its own version table. `op.execute` takes a script: one string may hold many statements,
and Postgres gets them unchanged (a `:name` is no parameter).
"""

from typing import Any

from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy.util import await_only
from typing_extensions import override


class ScriptImpl(PostgresqlImpl):
    """Send text by the simple protocol; a prepared statement holds one statement only."""

    __dialect__ = "postgresql"

    @override
    def execute(self, sql: Any, execution_options: dict[str, Any] | None = None) -> None:
        if not isinstance(sql, str):
            super().execute(sql, execution_options)
            return
        connection = self.connection
        assert connection is not None
        raw = connection.connection.driver_connection
        await_only(raw.execute(sql))  # type: ignore[union-attr] # a method of asyncpg


context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
