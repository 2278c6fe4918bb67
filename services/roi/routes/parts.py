"""What a route may use: the parts that the composition root made, handed over on the application's state.

Promise: routes hold no state of their own and build nothing. `parts_of(request)` is how they reach the database, the clock and the
sealer; `Caller = Annotated[Principal, Depends(require("read"))]` is how they know who asks.
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

# Only declares the scheme in the OpenAPI document; `authorize` reads the header.
_BEARER: Final = HTTPBearer(auto_error=False, description="`lrl_sec_…`")


# Requests of one key at work at once: the pool answers these within the 2 s it may keep anybody waiting; more would only queue.
KEY_REQUESTS_MAX: Final = 32
RETRY_AFTER_SECONDS: Final = 1


class KeyAdmission:
    """How many requests of each key are at work, so that one caller cannot take every connection."""

    def __init__(self) -> None:
        self._at_work: Counter[str] = Counter()

    @contextmanager
    def admitted(self, key_id: str) -> Iterator[None]:
        """One request of this key; 429 when it has too many at work."""
        if self._at_work[key_id] >= KEY_REQUESTS_MAX:
            sentence = f"more than {KEY_REQUESTS_MAX} requests of this key are at work"
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
    """The parts of one roi. `wake_relay` tells the outbox's relay that there is something to publish."""

    database: Database
    clock: Clock
    sealer: Sealer
    short_base: str
    lookup: Lookup
    wake_relay: Callable[[], None]
    admission: KeyAdmission = field(default_factory=KeyAdmission)


def parts_of(request: Request) -> Parts:
    """The parts that `app.py` put on the application."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


def require(scope: str) -> Callable[..., AsyncIterator[Principal]]:
    """A dependency that lets a key with `scope` in and answers who it is; 401 without a key, 403 with another scope,
    429 with too many requests at work."""

    async def who(
        request: Request,
        _declared: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> AsyncIterator[Principal]:
        parts = parts_of(request)
        caller = await authorize(parts.lookup)(scope)(request, _declared)
        with parts.admission.admitted(caller.key_id):
            yield caller

    return who
