"""The parts that routes use, the check of the API key, and the admission limit of each key.

The composition root makes the parts and puts them on the application's state. A route gets them
with `parts_of(request)`, and its caller with `Annotated[Principal, Depends(require("read"))]`.

Promise: routes hold no state of their own.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
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
RETRY_AFTER_SECONDS: Final = 1


class KeyAdmission:
    """The admission limit: one key cannot take every connection."""

    def __init__(self) -> None:
        self._at_work: Counter[str] = Counter()

    @contextmanager
    def admitted(self, key_id: str) -> Iterator[None]:
        """Count a request of this key while the block runs; 429 when the key has too many."""
        if self._at_work[key_id] >= KEY_REQUESTS_MAX:
            sentence = f"more than {KEY_REQUESTS_MAX} requests of this key are in progress"
            raise Problem(429, None, sentence, (), {"Retry-After": str(RETRY_AFTER_SECONDS)})
        self._at_work[key_id] += 1
        try:
            yield
        finally:
            self._at_work[key_id] -= 1
            if not self._at_work[key_id]:
                del self._at_work[key_id]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one roi. `wake_relay` tells the relay that the outbox has new records."""

    database: Database
    clock: Clock
    sealer: Sealer
    short_base: str
    lookup: Lookup
    wake_relay: Callable[[], None]
    admission: KeyAdmission = field(default_factory=KeyAdmission)


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
