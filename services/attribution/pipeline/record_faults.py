"""Faults of single records met in the middle of a batch: what a batch is bisected for.

Promise: an exception of the pure core becomes `Faulty`, so the record behind it can be found and set aside; all other exceptions stay bugs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from services.attribution.store.data_faults import Unusable
from shared.errors import Permanent


class Faulty(Permanent):
    """The core failed on the evidence of at least one record of the batch."""


# What bisecting answers to; everything else stops the process or is tried again.
BISECTED = (Faulty, Unusable)


@contextmanager
def faults_of(step: str) -> Iterator[None]:
    """Name the exceptions that values can cause in pure code."""
    try:
        yield
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise Faulty(f"{step}: {type(error).__name__}: {error}") from error
