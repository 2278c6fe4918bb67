"""Which database errors mean that a record's data is at fault: what a batch is bisected for.

Promise: inside `data_errors` an error about values (out of range, not storable, a violated constraint, a row too big) becomes `Unusable`;
everything else passes as it is, to be `Transient` or a bug.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from shared.errors import Permanent

# Data exceptions, violated constraints, program limits (a row or an index entry too big).
_DATA_CLASSES: Final = frozenset({"22", "23", "54"})


class Unusable(Permanent):
    """The values of at least one record of the batch cannot be stored."""


@contextmanager
def data_errors() -> Iterator[None]:
    """Tell errors about values from all others."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if (getattr(error, "sqlstate", None) or "")[:2] in _DATA_CLASSES:
            raise Unusable(f"{type(error).__name__}: {error}".splitlines()[0]) from error
        raise
