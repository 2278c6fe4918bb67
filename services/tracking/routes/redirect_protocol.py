"""The redirect shortcut: answer a GET of a working short link before uvicorn starts a task for it.

Promise: the answer is the same as the route's, byte for byte, and made by the same functions. A
test compares the two over real sockets. uvicorn's own code handles every other request and every
limit, timer and error.

What can go wrong: the uvicorn names used here are not a public API. If an upgrade breaks the
shortcut, `LAUREL_REDIRECT_SHORTCUT=0` switches it off, and the route answers all redirects.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.telemetry import get_logger

# Header fields: names in lower case, and values.
Fields = Sequence[tuple[bytes, bytes]]
Respond = Callable[[bytes, bytes, Fields], bytes | None]

# Headers that change how a request is read or answered. The application handles them.
_LEFT_TO_THE_APP: Final = frozenset(
    (b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"x-request-id")
)
_log = get_logger(__name__)


class RedirectProtocol(HttpToolsProtocol):
    """One connection. `respond` is bound by `redirect_protocol`."""

    respond: ClassVar["staticmethod[[bytes, bytes, Fields], bytes | None]"]
    _is_answered = False

    @override
    def on_headers_complete(self) -> None:
        head = self._redirect() if self._may_answer() else None
        if head is None:
            # An earlier answer to the same packet has started the keep-alive timer.
            self._unset_keepalive_if_required()
            super().on_headers_complete()
            return
        defaults = [b"%b: %b\r\n" % field for field in self.server_state.default_headers]
        self.transport.write(b"".join((STATUS_LINE[302], *defaults, head)))
        self._is_answered = True
        self.on_response_complete()

    @override
    def on_message_complete(self) -> None:
        # uvicorn has no request cycle for a request that was answered here.
        if self._is_answered:
            self._is_answered = False
        else:
            super().on_message_complete()

    def _may_answer(self) -> bool:
        """Whether an answer can be written now and the connection stays open after it."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.flow.write_paused
            and not self.transport.is_closing()
            # uvicorn logs and counts only requests that it starts, so these options exclude us.
            and not self.config.access_log
            and self.limit_concurrency is None
        )

    def _redirect(self) -> bytes | None:
        """Return the head of the 302, or None when the application must answer."""
        path, _, query = self.url.partition(b"?")
        # These are left to the application: it decodes an escape in the path and refuses a NUL,
        # and uvicorn removes a fragment.
        if b"%" in path or b"#" in query or b"%00" in query:
            return None
        if not _LEFT_TO_THE_APP.isdisjoint(dict(self.headers)):
            return None
        try:
            return self.respond(path, query, self.headers)
        except Exception:  # noqa: BLE001 - the parser would answer 400, the route 500
            _log.exception("redirect_failed")
            return None


def redirect_protocol(respond: Respond) -> type[HttpToolsProtocol]:
    """Return a protocol class for uvicorn's option `http`.

    `respond` takes path, query and headers. It returns the headers of a 302 as bytes, up to the
    empty line after them, or None when the application must answer.
    """
    return type("BoundRedirectProtocol", (RedirectProtocol,), {"respond": staticmethod(respond)})
