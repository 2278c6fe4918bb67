"""The one shortcut: a GET of a working short link is answered from its head, before uvicorn starts a task for it.

Promise: the answer is, byte for byte, what the route behind it gives, by the same functions; a test compares the two over
real sockets. Every other request, and every limit, timer and error, is left to uvicorn's own code.

What can go wrong: uvicorn does not call the names used here public. When an upgrade breaks the shortcut,
`LAUREL_REDIRECT_SHORTCUT=0` switches it off, and redirects take the ordinary road.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.http.middleware import complete_headers
from shared.ids import new_id
from shared.telemetry import get_logger

Fields = Sequence[tuple[bytes, bytes]]
Respond = Callable[[bytes, bytes, Fields], Fields | None]

# Headers that change how a request is read or answered: uvicorn and the app know how.
_LEFT_TO_THE_APP: Final = frozenset(
    (b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"x-request-id")
)
_log = get_logger(__name__)


class RedirectProtocol(HttpToolsProtocol):
    """One connection."""

    respond: ClassVar["staticmethod[[bytes, bytes, Fields], Fields | None]"]
    _is_answered = False

    @override
    def on_headers_complete(self) -> None:
        headers = self._redirect() if self._may_answer() else None
        if headers is None:
            # An answer before this one in the same packet has started the timer.
            self._unset_keepalive_if_required()
            super().on_headers_complete()
            return
        fields = (*self.server_state.default_headers, *headers)
        lines = [b"%b: %b\r\n" % field for field in fields]
        self.transport.write(b"".join((STATUS_LINE[302], *lines, b"\r\n")))
        self._is_answered = True
        self.on_response_complete()

    @override
    def on_message_complete(self) -> None:
        # uvicorn has no cycle for a request that was answered here.
        if self._is_answered:
            self._is_answered = False
        else:
            super().on_message_complete()

    def _may_answer(self) -> bool:
        """Whether an answer may be written now, and the connection goes on after it."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.flow.write_paused
            and not self.transport.is_closing()
            # uvicorn logs and counts the requests that it starts: all of them, when it is asked to.
            and not self.config.access_log
            and self.limit_concurrency is None
        )

    def _redirect(self) -> Fields | None:
        """The headers of the 302, or None: ask the app."""
        path, _, query = self.url.partition(b"?")
        # uvicorn cuts a fragment off; the app refuses a NUL; an escape in the path is decoded behind it.
        if b"%" in path or b"#" in query or b"%00" in query:
            return None
        if not _LEFT_TO_THE_APP.isdisjoint(dict(self.headers)):
            return None
        try:
            headers = self.respond(path, query, self.headers)
        except Exception:  # noqa: BLE001 - the parser would answer 400; the route answers 500 and counts it
            _log.exception("redirect_failed")
            return None
        return None if headers is None else complete_headers(headers, new_id())


def redirect_protocol(respond: Respond) -> type[HttpToolsProtocol]:
    """For uvicorn's option `http`. `respond` takes path, query and headers; it gives the headers of a 302, or None."""
    return type("BoundRedirectProtocol", (RedirectProtocol,), {"respond": staticmethod(respond)})
