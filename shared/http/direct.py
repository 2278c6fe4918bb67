"""The short way between our server and an app that it serves: a whole body and a whole answer, each by one plain call.

Promise: the caller of the service sees the same bytes as over `receive` and `send`. What is not plain (a body still on its way, an answer
that would have to wait, a connection that ends after it) is declined; then nothing has happened, and the ordinary way is open.
It saves a fifth of what a conversion costs: uvicorn looks at each header of an answer with two regular expressions.

What can go wrong: an answer is written as it is given, so it holds nothing of a stranger's that was not checked. Whoever wraps `send` or
`receive` and must see everything hands on a copy of the scope: a copy is declined.
"""

from typing import Any, Final, Protocol

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shared.http.idle import IdleProtocol

EXTENSION: Final = "laurel.direct"


class Direct(Protocol):
    """What the server offers with a request that has a body, under `EXTENSION` among the scope's extensions."""

    def take_body(self, scope: Scope) -> bytes | None:
        """The body as one `receive` would give it when all of it is there; else None, and nothing was taken."""
        ...

    def answer(self, scope: Scope, status: int, rest: bytes) -> bool:
        """Send a whole answer; `rest` is what follows the status line and the server's own fields, the body's length among it.
        False when it has to go over `send`."""
        ...


def direct_of(scope: Scope) -> Direct | None:
    """The short way of this request; None from any other server."""
    extensions = scope.get("extensions")
    return extensions.get(EXTENSION) if extensions else None


class DirectProtocol(IdleProtocol):
    """The server's side, in every connection: whether a request is the one to answer now, it asks of its own cycle."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._own_fields: list[tuple[bytes, bytes]] = []
        self._status = 0
        self._preamble = b""

    def take_body(self, scope: Scope) -> bytes | None:
        """What the cycle's `receive` would give without a wait, when it is the last of the body."""
        cycle = self.cycle
        if (
            cycle.scope is not scope
            or cycle.more_body
            or cycle.disconnected
            or cycle.response_complete
            or cycle.waiting_for_100_continue
            or not cycle.message_event.is_set()
        ):
            return None
        self.flow.resume_reading()
        cycle.message_event.clear()
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def answer(self, scope: Scope, status: int, rest: bytes) -> bool:
        """What the cycle's `send` would do with the start and the end of an answer, when neither waits and the connection stays."""
        cycle = self.cycle
        if (
            cycle.scope is not scope
            or cycle.response_started
            or cycle.disconnected
            or not cycle.keep_alive
            or self.flow.write_paused
        ):
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self._write_whole(status, rest)
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _write_whole(self, status: int, rest: bytes) -> None:
        """A whole answer: its status line, the server's own fields, and the rest."""
        if self._own_fields is not self.server_state.default_headers or self._status != status:
            # A new list each second, with the date; a connection's answers are nearly always of one status.
            self._own_fields, self._status = self.server_state.default_headers, status
            lines = [b"%b: %b\r\n" % field for field in self._own_fields]
            self._preamble = b"".join((STATUS_LINE[status], *lines))
        self.transport.write(self._preamble + rest)
