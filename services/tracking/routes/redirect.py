"""`GET /{code}`: the redirect of a short link.

Promise: `RedirectResponder` makes every 302, for the route here and for the shortcut in
`redirect_protocol.py`. A HEAD request records no click.
What can go wrong: 404 for an unknown code, 429 when there were too many of them, 410 for a disabled
or deleted link, 503 while the links are not loaded.
"""

from typing import Annotated, Any, Final

from fastapi import Path, Request, Response

from services.tracking.domain.short_links import link_key
from services.tracking.domain.visits import VISITOR_COOKIE, read_visit
from services.tracking.pipeline.record_clicks import ClickRecorder, RedirectTarget
from services.tracking.routes.redirect_protocol import Fields
from services.tracking.store.link_table import LinkFound
from services.tracking.store.quotas import Counted, Quotas
from shared.api.openapi import problems
from shared.http.body import Router
from shared.http.middleware import complete_headers
from shared.http.problems import Problem, busy_problem
from shared.ids import new_id

# One year. Attribution windows have weeks; some browsers shorten the life of a cookie.
VISITOR_SECONDS: Final = 365 * 24 * 60 * 60

_COMMON: Final = (
    (b"cache-control", b"no-store"),
    (b"content-length", b"0"),
    (b"referrer-policy", b"no-referrer-when-downgrade"),
)


class RedirectResponder:
    """Finds the link of a request and makes the headers of its 302, as fields or as bytes."""

    def __init__(self, recorder: ClickRecorder, quotas: Quotas, *, secure: bool) -> None:
        self._recorder = recorder
        self._quotas = quotas
        self._links = recorder.catalog.links
        flags = f"; Path=/; Max-Age={VISITOR_SECONDS}; HttpOnly; SameSite=Lax"
        self._cookie_flags = flags + "; Secure" if secure else flags
        self._head_with_visitor, self._head = self._template("%b"), self._template(None)

    def respond(self, path: bytes, query: bytes, headers: Fields) -> bytes | None:
        """Record a GET of a working link and return all headers of its 302; else return None."""
        # No link has a key that is not a code, so the path needs no check.
        link = self._find(path[1:].lower(), headers) if path[:1] == b"/" else None
        if link is None or not link.destination:
            return None
        target = self._recorder.record(link, read_visit(headers, query))
        request_id = new_id().encode()
        if target.visitor_id is None:
            return self._head % (target.location, request_id)
        return self._head_with_visitor % (target.location, target.visitor_id.encode(), request_id)

    def find(self, path: str, headers: Fields) -> LinkFound | None:
        """Return the link of a path, working or not; None when there is none."""
        key = link_key(path[1:])
        return None if key is None else self._find(key.encode(), headers)

    def follow(self, link: LinkFound, query: bytes, headers: Fields) -> Fields:
        """Record the visit to a working link and return the headers of its 302."""
        return self._fields(self._recorder.record(link, read_visit(headers, query)))

    def _fields(self, target: RedirectTarget) -> Fields:
        answer = [(b"location", target.location), *_COMMON]
        if target.visitor_id is not None:
            cookie = f"{VISITOR_COOKIE}={target.visitor_id}{self._cookie_flags}"
            answer.append((b"set-cookie", cookie.encode("ascii")))
        return answer

    def _template(self, visitor_id: str | None) -> bytes:
        """Return the head of a 302 with a `%b` for location, visitor id and request id.

        The fields are those of the route and its middleware. All but three values are always the
        same, so they are written once.
        """
        fields = complete_headers(self._fields(RedirectTarget(b"%b", visitor_id)), "%b")
        return b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n"

    def explain(self, link: LinkFound | None) -> Problem:
        """Count a visit that is not redirected, and return the problem that answers it.

        Raises a 429 when visitors guess too many codes.
        """
        if link is None and not self._recorder.catalog.is_complete:
            return busy_problem("the links are not loaded yet")
        if link is None:
            self._quotas.take_of_visitors(Counted.UNKNOWN_CODES)
        self._recorder.counts.count("unknown" if link is None else "gone")
        return Problem(404) if link is None else Problem(410, None, "this link was switched off")

    def _find(self, key: bytes, headers: Fields) -> LinkFound | None:
        return self._links.find(key, host_of(headers) if self._links.has_hosts else b"")


SUB_SOURCE: Final[dict[str, Any]] = {
    "name": "s",
    "in": "query",
    "required": False,
    "description": "Where the link stands, such as `bio` or `video-2`. Other words are hashed.",
    "schema": {"type": "string", "examples": ["bio"]},
}


def redirect_router(responder: RedirectResponder) -> Router:
    """Return the route of short links. Include it last: it matches every path of one segment."""
    router = Router(tags=["links"])

    @router.head("/{code}", include_in_schema=False)
    @router.get(
        "/{code}",
        status_code=302,
        response_class=Response,
        summary="Follow a short link",
        openapi_extra={"parameters": [SUB_SOURCE]},
        responses=problems(410, 429)
        | {302: {"description": "To the destination, with the click id appended"}},
    )
    async def follow(
        code: Annotated[  # noqa: ARG001 - declared for OpenAPI; the value is read from the path
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
    """Return the host of a request in lower case, without its port; empty when none is given."""
    for name, value in headers:
        if name == b"host":
            host: bytes = value.lower()
            return host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return b""
