"""The frame around every call of the Postgres log: a time limit, and its failures in Laurel's own kinds.

Promise: a block ends within its seconds; what the database does to it leaves as `Transient` or `ConfigurationError`.
What can go wrong: a statement that was given up may still finish on the server.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from shared.db.failures import translated
from shared.errors import ConfigurationError, Transient

# The schema or a topic is not there yet: whoever starts first waits for `laurel migrate` and `ensure_topics`.
_NOT_YET: Final = (
    asyncpg.UndefinedFunctionError,
    asyncpg.UndefinedTableError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.NoDataFoundError,
)


@asynccontextmanager
async def answering(what: str, timeout_seconds: float) -> AsyncIterator[None]:
    """Give the block so many seconds, and translate what the database does to it."""
    try:
        with translated():
            async with asyncio.timeout(timeout_seconds):
                yield
    except _NOT_YET as error:
        raise Transient(f"{what}: the log is not prepared yet: {error}") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(f"{what}: {error}") from error
