"""What the routes of attribution share: their parts, the keys of callers, the type of an id.

What can go wrong: a 401 or 403 by the key, or a 429 with too many requests of one key at once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.attribution.pipeline.dead_letter_retry import Retrier
from services.attribution.pipeline.publish_again import Publisher
from services.attribution.wire import answer_shapes as wire
from shared.api.openapi import problems
from shared.db.engine import Database
from shared.events import TEXT_LENGTH_MAX
from shared.http.admission import Admission, export_admission, key_admission
from shared.http.auth import Lookup, Principal, authorize
from shared.http.problems import Problem, field_problem
from shared.sealing import TextSealer

_BEARER: Final = HTTPBearer(auto_error=False, description="`lrl_sec_…`")
TAGS: Final = ["attribution"]
REFUSALS: Final = problems(429)


@dataclass(frozen=True, slots=True)
class Parts:
    """The objects that the composition root passes to the routes."""

    database: Database
    lookup: Lookup
    retrier: Retrier
    publisher: Publisher
    lag: Callable[[], Awaitable[list[wire.LagItem]]]
    # Of a workspace and an id that may name a person.
    text_hash: Callable[[str, str], str]
    texts: TextSealer
    admission: Admission = field(default_factory=key_admission)
    exports: Admission = field(default_factory=export_admission)


def parts_of(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts), "the composition root sets the parts"
    return parts


def require(scope: str) -> Callable[..., AsyncIterator[Principal]]:
    async def principal_of(
        request: Request,
        declared: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    ) -> AsyncIterator[Principal]:
        parts = parts_of(request)
        caller = await authorize(parts.lookup)(scope)(request, declared)
        with parts.admission.admitted(caller.key_id):
            yield caller

    return principal_of


Reader = Annotated[Principal, Depends(require("read"))]
Admin = Annotated[Principal, Depends(require("admin"))]
PartsHere = Annotated[Parts, Depends(parts_of)]
Id = Annotated[str, Query(min_length=1, max_length=TEXT_LENGTH_MAX)]


def bad_cursor() -> Problem:
    """Return the problem of a cursor that is none of this list."""
    return field_problem("cursor", "is not a cursor of this list; start again without one")
