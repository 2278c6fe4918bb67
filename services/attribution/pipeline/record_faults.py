"""Faults that a single record causes in a batch, and for which the batch is bisected.

Promise: an exception that values cause in the domain becomes `Faulty`, so the record can be found
and dead-lettered. All other exceptions stay bugs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from services.attribution.store.data_faults import Unusable
from shared.errors import Permanent


class Faulty(Permanent):
    """The domain failed on the evidence of at least one record of the batch."""


# The faults that lead to a bisection; all others are retried or stop the process.
BISECTED = (Faulty, Unusable)


@contextmanager
def faults_of(step: str) -> Iterator[None]:
    """Turn the exceptions that values can cause in pure code into `Faulty`."""
    try:
        yield
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise Faulty(f"{step}: {type(error).__name__}: {error}") from error
