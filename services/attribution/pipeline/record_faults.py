"""Faults that a single record causes in a batch, and for which the batch is divided.

Promise: an exception that values cause in the domain becomes `Faulty`, so the record can be found
and set aside. A batch that times out is divided, too. All other exceptions stay bugs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from shared.db.data_faults import Unusable
from shared.errors import Permanent, TimedOut


class Faulty(Permanent):
    """The domain failed on the evidence of at least one record of the batch."""


# The faults for which a record or conversion is found and set aside; all others are retried or
# stop the process.
SET_ASIDE: Final = (Faulty, Unusable, TimedOut)
# The longest time of one statement of a batch, and of one of a part of it. A healthy batch of
# 10,000 events ends in 0.25 s; the rest is for a busy machine. The time-outs of a batch and of
# three levels of parts find the record: 8.5 s.
STATEMENT_SECONDS: Final = 4.0
PART_SECONDS: Final = 1.5


@contextmanager
def faults_of(step: str) -> Iterator[None]:
    """Turn the exceptions that values can cause in pure code into `Faulty`."""
    try:
        yield
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise Faulty(f"{step}: {type(error).__name__}: {error}") from error
