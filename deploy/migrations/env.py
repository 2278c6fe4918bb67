"""The one Alembic environment of all histories: runs the revisions on the connection that `shared.db.migrate` opened.

Promise: nothing is committed here; the caller's transaction holds the whole migration. The version table of a history
lives in its own schema. `op.execute` takes a script: one string may hold many statements, and they go to Postgres as they
stand (no `:name` is looked for in them).
"""

from typing import Any

from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy.util import await_only
from typing_extensions import override


class ScriptImpl(PostgresqlImpl):
    """Alembic's Postgres, with plain text sent by the simple protocol: prepared statements hold only one each."""

    __dialect__ = "postgresql"

    @override
    def execute(self, sql: Any, execution_options: dict[str, Any] | None = None) -> None:
        if not isinstance(sql, str):
            super().execute(sql, execution_options)
            return
        connection = self.connection
        assert connection is not None
        await_only(connection.connection.driver_connection.execute(sql))  # type: ignore[union-attr] # asyncpg's own


context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
