"""The parts that routes use, the check of the API key, and the admission limits.

The composition root makes the parts and puts them on the application's state. A route gets them
with `parts_of(request)`, and its caller with `Annotated[Principal, Depends(require("read"))]`.

Promise: routes hold no state of their own.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.clock import Clock
from shared.db.engine import Database
from shared.http.auth import Lookup, Principal, authorize
from shared.http.problems import Problem
from shared.sealing import Sealer

# It only declares the scheme in the OpenAPI document; `authorize` reads the header.
_BEARER: Final = HTTPBearer(auto_error=False, description="`lrl_sec_…`")


# Concurrent requests of one key. The pool serves this many within the 2 s that a request may wait
# for a connection; more would only queue.
KEY_REQUESTS_MAX: Final = 32
# Answers of one brand at work, by all its keys: less than half of the 13 connections and of the
# 8 threads. Others wait, without a connection; with more in progress an answer is refused.
BRAND_ANSWERS_AT_WORK: Final = 4
BRAND_ANSWERS_MAX: Final = 16
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


class BrandAnswers:
    """The answers in progress of each brand: some at work, some that wait, no more."""

    def __init__(self) -> None:
        self._admission = Admission(BRAND_ANSWERS_MAX, "answers of this workspace")
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, workspace_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this brand and keep it while the block runs; 429 beyond the limit."""
        with self._admission.admitted(workspace_id):
            turns = self._turns.setdefault(workspace_id, asyncio.Semaphore(BRAND_ANSWERS_AT_WORK))
            self._users[workspace_id] += 1
            try:
                async with turns:
                    yield
            finally:
                self._users[workspace_id] -= 1
                if not self._users[workspace_id]:
                    del self._users[workspace_id], self._turns[workspace_id]


def _key_admission() -> Admission:
    return Admission(KEY_REQUESTS_MAX, "requests of this key")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one roi. `wake_relay` tells the relay that the outbox has new records.

    `answer_threads` compute answers beside the event loop.
    """

    database: Database
    clock: Clock
    sealer: Sealer
    short_base: str
    lookup: Lookup
    wake_relay: Callable[[], None]
    answer_threads: Executor
    admission: Admission = field(default_factory=_key_admission)
    brand_answers: BrandAnswers = field(default_factory=BrandAnswers)


def parts_of(request: Request) -> Parts:
    """Return the parts that `app.py` put on the application."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


def require(scope: str) -> Callable[..., AsyncIterator[Principal]]:
    """Return a dependency that gives the caller of a request whose key has `scope`.

    401 without a valid key, 403 without the scope, 429 with too many concurrent requests.
    """

    async def who(
        request: Request,
        _declared: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> AsyncIterator[Principal]:
        parts = parts_of(request)
        caller = await authorize(parts.lookup)(scope)(request, _declared)
        with parts.admission.admitted(caller.key_id):
            yield caller

    return who
