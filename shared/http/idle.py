"""How long a connection may be idle: one timer for many answers, where uvicorn makes and cancels one for each.

Promise: a connection closes when so long nothing was under way on it, never in the middle of a request. An answer given on the spot leaves
its time and nothing else: a timer for each would cost as much as signing its click.
What can go wrong: a caller that does not read its last answer is cut off.
"""

from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class IdleProtocol(HttpToolsProtocol):
    """The part of every connection that ends it in silence."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_in_head = False
        self._prompted_at = 0.0

    def _answered_on_the_spot(self) -> None:
        """What `on_response_complete` is to an answer of the app's; no request waits behind this one."""
        self._prompted_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1

    @override
    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        cycle = self.cycle
        if self._is_in_head or (cycle is not None and not cycle.response_complete):
            return  # its answer sets the next timer
        left_seconds = self._prompted_at + self.timeout_keep_alive - self.loop.time()
        if left_seconds > 0:
            self.timeout_keep_alive_task = self.loop.call_later(
                left_seconds, self.timeout_keep_alive_handler
            )
        else:
            self._end()

    def _end(self) -> None:
        """A close waits for the caller to read everything: one that does not is cut off."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.close()
