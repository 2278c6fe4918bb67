"""`GET /{code}`: the redirect of a short link, and what becomes of codes that lead nowhere.

Promise: `RedirectResponder` makes every 302: for the route here and for the shortcut in `redirect_protocol.py`. HEAD is
answered without a click. Unknown is 404, switched off 410, not loaded yet 503. What can go wrong: nothing else.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Path, Request, Response

from services.tracking.domain.short_links import link_key
from services.tracking.domain.visits import VISITOR_COOKIE, read_visit
from services.tracking.pipeline.record_clicks import ClickRecorder
from services.tracking.store.link_table import LinkFound
from shared.api.openapi import problems
from shared.http.body import Router
from shared.http.problems import Problem, busy_problem

Fields = Sequence[tuple[bytes, bytes]]

# One year: journeys are judged over weeks; browsers cap it further as they like.
VISITOR_SECONDS: Final = 365 * 24 * 60 * 60

_COMMON: Final = (
    (b"cache-control", b"no-store"),
    (b"content-length", b"0"),
    (b"referrer-policy", b"no-referrer-when-downgrade"),
)


class RedirectResponder:
    """Short links over HTTP: which link a request asks for, and the headers of the 302 that answers it."""

    def __init__(self, visits: ClickRecorder, *, secure: bool) -> None:
        self._visits = visits
        self._links = visits.catalog.links
        flags = f"; Path=/; Max-Age={VISITOR_SECONDS}; HttpOnly; SameSite=Lax"
        self._cookie_flags = flags + "; Secure" if secure else flags

    def respond(self, path: bytes, query: bytes, headers: Fields) -> Fields | None:
        """Record a GET of a working link and give the headers of its 302; None for everything else."""
        # A path that is no code is the key of no link.
        link = self._find(path[1:].lower(), headers) if path[:1] == b"/" else None
        if link is None or not link.destination:
            return None
        return self.follow(link, query, headers)

    def find(self, path: str, headers: Fields) -> LinkFound | None:
        """The link of a path, working or not."""
        key = link_key(path[1:])
        return None if key is None else self._find(key.encode(), headers)

    def follow(self, link: LinkFound, query: bytes, headers: Fields) -> Fields:
        """Record the visit to a working link; the headers of its 302."""
        to = self._visits.follow(link, read_visit(headers, query))
        answer = [(b"location", to.location), *_COMMON]
        if to.visitor_id is not None:
            cookie = f"{VISITOR_COOKIE}={to.visitor_id}{self._cookie_flags}"
            answer.append((b"set-cookie", cookie.encode("ascii")))
        return answer

    def explain(self, link: LinkFound | None) -> Problem:
        """Why a visit is not redirected; counts it."""
        if link is None and not self._visits.catalog.is_complete:
            return busy_problem("the links are not loaded yet")
        self._visits.tally.count("unknown" if link is None else "gone")
        return Problem(404) if link is None else Problem(410, None, "this link was switched off")

    def _find(self, key: bytes, headers: Fields) -> LinkFound | None:
        return self._links.find(key, host_of(headers) if self._links.has_hosts else b"")


def redirect_router(responder: RedirectResponder) -> Router:
    """The route of short links; include it last, it matches every path of one segment."""
    router = Router(tags=["links"])

    @router.head("/{code}", include_in_schema=False)
    @router.get(
        "/{code}",
        status_code=302,
        response_class=Response,
        summary="Follow a short link",
        responses=problems(410)
        | {302: {"description": "To the destination, with the click id appended"}},
    )
    async def follow(
        code: Annotated[  # noqa: ARG001 - declared for the document; read from the path
            str, Path(description="The short code of the link.", examples=["mia-bag"])
        ],
        request: Request,
    ) -> Response:
        scope = request.scope
        link = responder.find(scope["path"], scope["headers"])
        if link is None or not link.destination:
            raise responder.explain(link)
        response = Response(status_code=302)
        if request.method == "HEAD":
            response.raw_headers = [(b"location", link.destination), *_COMMON[:2]]
        else:
            headers = responder.follow(link, scope["query_string"], scope["headers"])
            response.raw_headers = [*headers]
        return response

    return router


def host_of(headers: Fields) -> bytes:
    """The host a request names, without its port, in lower case."""
    for name, value in headers:
        if name == b"host":
            host: bytes = value.lower()
            return host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return b""
