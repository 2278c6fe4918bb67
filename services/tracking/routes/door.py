"""The door: answers a visit to a working short link on the spot, before there is a task, an ASGI cycle or an app.

Promise: it answers what the route behind it would answer, from the same functions, at a fraction of the cost. Everything but a plain
GET of a working link goes on to the app.
"""

from typing import Final

from starlette.types import Scope

from services.tracking.domain.links import link_key
from services.tracking.domain.visits import VISITOR_COOKIE, read_visit
from services.tracking.pipeline import Answer, Visits
from services.tracking.store.links import LinkFound
from shared.http.protocol import Fields

# One year: journeys are judged over weeks; browsers cap it further as they like.
VISITOR_SECONDS: Final = 365 * 24 * 60 * 60

_COMMON: Final = (
    (b"cache-control", b"no-store"),
    (b"content-length", b"0"),
    (b"referrer-policy", b"no-referrer-when-downgrade"),
)
_END: Final = b"\r\n" + b"".join(b"%b: %b\r\n" % field for field in _COMMON)


class Redirects:
    """Short links over HTTP: which link a request asks for, and the 302 that answers it."""

    def __init__(self, visits: Visits, *, secure: bool) -> None:
        self._visits = visits
        self._links = visits.catalog.links
        flags = f"; Path=/; Max-Age={VISITOR_SECONDS}; HttpOnly; SameSite=Lax"
        self._cookie_flags = flags + "; Secure" if secure else flags

    def answer(self, target: bytes, fields: Fields) -> bytes | None:
        """Record a visit to a working link and answer it; None when this is no such visit. (A `Prompt` of the server.)"""
        path, _, query = target.partition(b"?")
        # What is no code, an escaped one too, is nobody's: the app reads it.
        link = self._find(path[1:].lower(), fields)
        if link is None or not link.destination:
            return None
        to = self._follow(link, fields, query)
        if to.visitor_id is None:
            return b"".join((b"location: ", to.location, _END, b"\r\n"))
        cookie = self._cookie(to.visitor_id)
        return b"".join((b"location: ", to.location, _END, b"set-cookie: ", cookie, b"\r\n\r\n"))

    def find(self, scope: Scope) -> LinkFound | None:
        """The link of a request's path, working or not."""
        path: str = scope["path"]
        key = link_key(path[1:]) if path[:1] == "/" else None
        return None if key is None else self._find(key.encode(), scope["headers"])

    def headers(self, scope: Scope, link: LinkFound) -> Fields:
        """Record the visit to a working link; the headers of its 302."""
        to = self._follow(link, scope["headers"], scope["query_string"])
        headers = [(b"location", to.location), *_COMMON]
        if to.visitor_id is not None:
            headers.append((b"set-cookie", self._cookie(to.visitor_id)))
        return headers

    def count(self, outcome: str) -> None:
        """Count a visit that was not redirected."""
        self._visits.tally.count(outcome)

    @property
    def is_complete(self) -> bool:
        """Whether the whole catalog is known, so that a code that is not there does not exist."""
        return self._visits.catalog.is_complete

    def _find(self, key: bytes, fields: Fields) -> LinkFound | None:
        return self._links.find(key, host_of(fields) if self._links.has_hosts else b"")

    def _follow(self, link: LinkFound, fields: Fields, query: bytes) -> Answer:
        return self._visits.follow(link, read_visit(fields, query))

    def _cookie(self, visitor_id: str) -> bytes:
        return f"{VISITOR_COOKIE}={visitor_id}{self._cookie_flags}".encode("ascii")


def host_of(fields: Fields) -> bytes:
    """The host a request names, without its port, in lower case."""
    for name, value in fields:
        if name == b"host":
            host: bytes = value.lower()
            return host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return b""
