"""Which database errors are the world's fault: the map from a driver's exception to Laurel's three kinds.

Promise: an operational error (connection lost, pool or lock or statement timeout, deadlock, server out of resources)
becomes `Transient`; a log-in that can never work becomes `ConfigurationError`; anything else (a bad statement, a
violated constraint) stays as it is, because it is a bug or a decision of the caller. `OSError` counts as a lost
connection, so nothing but database work belongs inside a transaction's block.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy import exc

from shared.errors import ConfigurationError, LaurelError, Transient

# SQLSTATE classes: 08 connection, 53 out of resources (disk full included), 57 operator intervention (shutdown,
# statement timeout), 58 system error.
_TRANSIENT_CLASSES: Final = frozenset({"08", "53", "57", "58"})
# Serialization failure, deadlock, lock timeout, idle and whole transaction timeouts, database just dropped or busy.
_LOCK_TIMEOUT: Final = "55P03"
_TRANSIENT_STATES: Final = frozenset({"40001", "40P01", _LOCK_TIMEOUT, "25P03", "25P04", "55006"})
# Bad log-in, missing database: trying again cannot help before someone migrates.
_CONFIGURATION_CLASSES: Final = frozenset({"28", "3D"})

# Everything that the driver, what wraps it, and the operating system beneath it raise.
DRIVER_ERRORS: Final = (
    exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


@contextmanager
def translated() -> Iterator[None]:
    """Let operational database errors leave the block as `shared.errors` kinds."""
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
    """The kind an exception of SQLAlchemy, asyncpg or the operating system stands for; None when it is neither."""
    if isinstance(error, exc.TimeoutError | OSError):
        return Transient
    state = _sqlstate(error)
    if state in _TRANSIENT_STATES or state[:2] in _TRANSIENT_CLASSES:
        return Transient
    if state[:2] in _CONFIGURATION_CLASSES:
        return ConfigurationError
    return Transient if _connection_is_gone(error) else None


def is_lock_timeout(error: BaseException) -> bool:
    """Whether somebody else held what the statement had to have."""
    return _sqlstate(error) == _LOCK_TIMEOUT


def _sqlstate(error: BaseException) -> str:
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    return getattr(origin, "sqlstate", None) or ""


def _connection_is_gone(error: BaseException) -> bool:
    """Errors without a state: the driver noticed the loss by itself, or a plan outlived a migration. It knows no state for what a server
    says unasked before it hangs up (a transaction idled too long, a shutdown), and then takes no statement: `InternalClientError`."""
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or isinstance(error.orig, OSError)
    return isinstance(
        error,
        asyncpg.exceptions.ConnectionDoesNotExistError
        | asyncpg.InvalidCachedStatementError
        | asyncpg.InternalClientError,
    ) or (isinstance(error, asyncpg.InterfaceError) and "connection is closed" in str(error))


def _message(error: BaseException) -> str:
    """The database's own words without the statement and its parameters: those may hold a person's data."""
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    return f"database: {type(origin).__name__}: {origin}".splitlines()[0]
