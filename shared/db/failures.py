"""The map from exceptions of the database driver to the error types of Laurel.

Promise: an operational error (lost connection; time-out of pool, lock or statement; deadlock;
server out of resources) becomes `Transient`. A time-out of a statement or of a transaction becomes
its subtype `TimedOut`; a time-out of a lock does not. A log-in that cannot work becomes
`ConfigurationError`. Any other error (a bad statement, a violated constraint) stays unchanged: it
is a bug or is handled by the caller. `OSError` counts as a lost connection, so the block of a
transaction must contain database work only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi

from shared.errors import ConfigurationError, LaurelError, TimedOut, Transient

# SQLSTATE classes: 08 connection, 53 out of resources (a full disk too), 57 operator intervention
# (shutdown, statement time-out), 58 system error.
_TRANSIENT_CLASSES: Final = frozenset({"08", "53", "57", "58"})
# Serialization failure, deadlock, lock time-out, time-outs of a transaction, database in use.
_LOCK_TIMEOUT: Final = "55P03"
_TRANSIENT_STATES: Final = frozenset({"40001", "40P01", _LOCK_TIMEOUT, "25P03", "25P04", "55006"})
# Statement time-out, and time-outs of a transaction.
_TIMED_OUT_STATES: Final = frozenset({"57014", "25P03", "25P04"})
# Bad log-in or missing database: a retry cannot help before `laurel migrate`.
_CONFIGURATION_CLASSES: Final = frozenset({"28", "3D"})

# Everything that SQLAlchemy, asyncpg and the operating system raise.
DRIVER_ERRORS: Final = (
    exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


@contextmanager
def translated() -> Iterator[None]:
    """Translate operational database errors of the block to the types of `shared.errors`."""
    try:
        yield
    except LaurelError:
        raise
    except DRIVER_ERRORS as error:
        kind = classify(error)
        if kind is None:
            raise
        raise kind(_message(error)) from error


def classify(error: BaseException) -> type[LaurelError] | None:
    """Return the error type that an exception means; None when it is not operational."""
    # The deadline of the driver for one statement; the pool has its own type.
    if isinstance(error, TimeoutError):
        return TimedOut
    if isinstance(error, exc.TimeoutError | OSError):
        return Transient
    state = _sqlstate(error)
    if state in _TIMED_OUT_STATES:
        return TimedOut
    if state in _TRANSIENT_STATES or state[:2] in _TRANSIENT_CLASSES:
        return Transient
    if state[:2] in _CONFIGURATION_CLASSES:
        return ConfigurationError
    return Transient if _connection_is_gone(error) else None


def is_lock_timeout(error: BaseException) -> bool:
    """Whether the statement did not get a lock in time."""
    return _sqlstate(error) == _LOCK_TIMEOUT


def _sqlstate(error: BaseException) -> str:
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    return getattr(origin, "sqlstate", None) or ""


def _connection_is_gone(error: BaseException) -> bool:
    """Whether an error without SQLSTATE means a lost connection or a plan from before a migration.

    asyncpg raises `InternalClientError` when the server has announced the end of the session (a
    shutdown, or a transaction that was idle too long).
    """
    if isinstance(error, exc.DBAPIError):
        outdated = AsyncAdapt_asyncpg_dbapi.InvalidCachedStatementError
        return error.connection_invalidated or isinstance(error.orig, OSError | outdated)
    return isinstance(
        error,
        asyncpg.exceptions.ConnectionDoesNotExistError
        | asyncpg.InvalidCachedStatementError
        | asyncpg.InternalClientError,
    ) or (isinstance(error, asyncpg.InterfaceError) and "connection is closed" in str(error))


def _message(error: BaseException) -> str:
    """Return the message without statement and parameters, which may hold personal data."""
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    return f"database: {type(origin).__name__}: {origin}".splitlines()[0]
