"""The parts that routes use, the check of the API key, and the admission limits.

The composition root makes the parts and puts them on the application's state. A route gets them
with `parts_of(request)`, and its caller with `Annotated[Principal, Depends(require("read"))]`.

Promise: routes hold no state of their own. A refused answer is a 422 that names the parameter.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.roi.answers.sizes import AnswerRefused
from shared.clock import Clock
from shared.db.engine import Database
from shared.http.admission import Admission, export_admission, key_admission
from shared.http.auth import Lookup, Principal, authorize
from shared.http.problems import field_problem
from shared.sealing import Sealer

# It only declares the scheme in the OpenAPI document; `authorize` reads the header.
_BEARER: Final = HTTPBearer(auto_error=False, description="`lrl_sec_…`")


# Answers of one brand at work, by all its keys: less than half of the 13 connections and of the
# 8 threads. Others wait, without a connection; with more in progress an answer is refused.
BRAND_ANSWERS_AT_WORK: Final = 4
BRAND_ANSWERS_MAX: Final = 16
# Of these, the answers of one key: half, so that one key of a brand leaves room for its others.
KEY_ANSWERS_MAX: Final = 8


class BrandAnswers:
    """The answers in progress of each brand: some at work, some that wait, no more.

    One key of the brand may have half of them.
    """

    def __init__(self) -> None:
        self._of_brands = Admission(BRAND_ANSWERS_MAX, "answers of this workspace")
        self._of_keys = Admission(KEY_ANSWERS_MAX, "answers of this key")
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, workspace_id: str, key_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this brand and keep it while the block runs; 429 beyond the limit."""
        with self._of_keys.admitted(key_id), self._of_brands.admitted(workspace_id):
            turns = self._turns.setdefault(workspace_id, asyncio.Semaphore(BRAND_ANSWERS_AT_WORK))
            self._users[workspace_id] += 1
            try:
                async with turns:
                    yield
            finally:
                self._users[workspace_id] -= 1
                if not self._users[workspace_id]:
                    del self._users[workspace_id], self._turns[workspace_id]


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
    admission: Admission = field(default_factory=key_admission)
    brand_answers: BrandAnswers = field(default_factory=BrandAnswers)
    exports: Admission = field(default_factory=export_admission)


def parts_of(request: Request) -> Parts:
    """Return the parts that `app.py` put on the application."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


@asynccontextmanager
async def answer_turn(parts: Parts, caller: Principal) -> AsyncIterator[None]:
    """Keep a turn of the caller's brand while the block runs; 429 beyond the limit.

    A refused answer becomes a 422 that names the parameter to change.
    """
    async with parts.brand_answers.turn(caller.workspace_id, caller.key_id):
        try:
            yield
        except AnswerRefused as refused:
            raise field_problem(refused.field, refused.message) from None


def require(scope: str | None) -> Callable[..., AsyncIterator[Principal]]:
    """Return a dependency that gives the caller of a request whose key has `scope`; None: any key.

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
