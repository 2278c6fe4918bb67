"""The deadline of every call of the Postgres log, and the translation of its exceptions.

Promise: a block ends within its deadline. Database errors become `Transient` or
`ConfigurationError`.
What can go wrong: a statement that timed out here may still finish on the server.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from shared.db.failures import translated
from shared.errors import ConfigurationError, Transient

# The schema or a topic is missing: `laurel migrate` or `ensure_topics` has not run yet.
_NOT_YET: Final = (
    asyncpg.UndefinedFunctionError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.NoDataFoundError,
)


@asynccontextmanager
async def with_deadline(what: str, timeout_seconds: float) -> AsyncIterator[None]:
    """Run the block with a deadline and translate the errors of the database."""
    try:
        with translated():
            async with asyncio.timeout(timeout_seconds):
                yield
    except _NOT_YET as error:
        raise Transient(f"{what}: the log is not prepared yet: {error}") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(f"{what}: {error}") from error
