"""Admission limits: how much one key or brand may have in progress at once.

Promise: a limit counts what is in progress by name; names with nothing in progress use no memory.
What can go wrong: `Problem`, a 429 with Retry-After, when a name has too much in progress.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from shared.http.problems import Problem

# Concurrent requests of one key. The pool serves this many within the 2 s that a request may wait
# for a connection; more would only queue.
KEY_REQUESTS_MAX: Final = 32
# Files that a service streams to one brand at once. Each reads a page at a time, and a client that
# reads slowly keeps one.
EXPORTS_MAX: Final = 4
RETRY_AFTER_SECONDS: Final = 1


class Admission:
    """An admission limit: so many at once of one key or brand, so that none takes everything."""

    def __init__(self, at_once_max: int, what: str) -> None:
        self._at_once_max, self._what = at_once_max, what
        self._at_work: Counter[str] = Counter()

    @contextmanager
    def admitted(self, name: str) -> Iterator[None]:
        """Count one of this key or brand while the block runs; 429 when there are too many."""
        if self._at_work[name] >= self._at_once_max:
            sentence = f"more than {self._at_once_max} {self._what} are in progress"
            raise Problem(429, None, sentence, (), {"Retry-After": str(RETRY_AFTER_SECONDS)})
        self._at_work[name] += 1
        try:
            yield
        finally:
            self._at_work[name] -= 1
            if not self._at_work[name]:
                del self._at_work[name]


def key_admission() -> Admission:
    """Return the limit of the requests of one key in a service."""
    return Admission(KEY_REQUESTS_MAX, "requests of this key")


def export_admission() -> Admission:
    """Return the limit of the exports of one brand in a service."""
    return Admission(EXPORTS_MAX, "exports of this workspace")
