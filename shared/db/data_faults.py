"""The database errors that are caused by a record's data and not by the database.

Promise: inside `data_errors` an error about values (out of range, not storable, a violated
constraint, a row too big) is raised as `Unusable`. All other errors pass unchanged. The caller
bisects a batch that raised `Unusable`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from shared.errors import Permanent

# SQLSTATE classes: 22 data exceptions, 23 violated constraints, 54 program limits (a row or an
# index entry too big).
_DATA_CLASSES: Final = frozenset({"22", "23", "54"})


class Unusable(Permanent):
    """The values of at least one record of the batch cannot be stored."""


@contextmanager
def data_errors() -> Iterator[None]:
    """Raise `Unusable` for an error about values; let all other errors pass."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if (getattr(error, "sqlstate", None) or "")[:2] in _DATA_CLASSES:
            raise _unusable(error) from error
        raise
    except (OverflowError, UnicodeError) as error:
        # The driver cannot encode a value of a COPY.
        raise _unusable(error) from error


def _unusable(error: Exception) -> Unusable:
    return Unusable(f"{type(error).__name__}: {error}".splitlines()[0])
