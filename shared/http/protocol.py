"""The protocol of every connection: uvicorn's own over httptools, with the deadlines, limits and refusals that both leave out.

Promise: a request's head ends within its deadline and its size; what two parsers could read differently (framing, host, target, trailers)
is refused before the app hears of it; each refusal is one problem with a request id, after the answers to the requests before it, and
then the connection closes. A caller that reads no answers is cut off.

What can go wrong: uvicorn calls none of this a public interface. What is used of it is held by tests over real sockets.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast
from urllib.parse import unquote

import httptools
from typing_extensions import override
from uvicorn._types import ASGI3Application, ASGIVersions, HTTPScope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from shared.http.direct import EXTENSION, DirectProtocol
from shared.http.edge import DEFAULT_HEADERS
from shared.http.framing import Trailers, has_body
from shared.http.limits import ConnectionLimits
from shared.http.problems import Problem, busy_problem, problem_response
from shared.ids import new_id
from shared.telemetry import Metric, Telemetry, get_logger

Fields = list[tuple[bytes, bytes]]


class Prompt(Protocol):
    """What answers a GET without a body at once, on the spot, where a task and an ASGI cycle would cost more than the answer."""

    def __call__(self, target: bytes, fields: Fields) -> bytes | None:
        """The whole answer after its status line and the server's own fields (302 is the only status), or None: ask the app.
        `target` is the path and query as sent, `fields` the head's with names in lower case."""
        ...


# A name, an IPv4 or an IPv6 address, and a port: nothing that a log, a proxy or a list of hosts could read in two ways.
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_log = get_logger(__name__)
_ASGI: Final[ASGIVersions] = {"version": "3.0", "spec_version": "2.3"}
# What decides where a request goes and where it ends: given twice, each of these would have two meanings.
_WEIGHTY: Final = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect"))


class GuardedProtocol(DirectProtocol):
    """One connection."""

    def __init__(
        self,
        *args: Any,
        limits: ConnectionLimits,
        telemetry: Telemetry | None,
        prompt: Prompt | None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._prompt = prompt
        self._prompted = 0
        self._is_prompted = False
        self._limits = limits
        self._telemetry = telemetry
        self._head_bytes_max = limits.head_bytes_max
        self._headers_max = limits.headers_max
        self._target_bytes_max = limits.target_bytes_max
        self._connections_max = limits.connections_max
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._weighty: dict[bytes, bytes] = {}
        self._is_deaf = False
        # What no host is: None stands for a missing header.
        self._sound_host: bytes = b"/"

    # -- the connection ------------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._is_deaf = True
        for timer in (self._head_timer, self._write_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    @override
    def data_received(self, data: bytes | memoryview) -> None:
        if len(data) > self._head_bytes_max:
            self._take_in_pieces(memoryview(data))
            return
        if self._is_deaf:
            return
        self._prompted = 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request is answered as if it had not asked; what follows it would be another protocol.
            self._is_deaf = True
        except httptools.HttpParserError as error:
            self._refuse(_problem_of(error))
            return
        cycle = self.cycle
        is_idle = not self._prompted and (cycle is None or cycle.response_complete)
        if self._is_in_head or is_idle:
            self._await_more(len(data))

    def _take_in_pieces(self, data: memoryview) -> None:
        """So that an endless head is noticed before it is parsed."""
        piece_bytes = self._limits.head_bytes_max
        for start in range(0, len(data), piece_bytes):
            self.data_received(data[start : start + piece_bytes])

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            seconds = self._limits.write_seconds
            self._write_timer = self.loop.call_later(seconds, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def part(self) -> None:
        """Close after the last answer, once the caller had a moment to read it; what it still sends is dropped."""
        self._is_deaf = True
        self.pipeline.clear()
        if self.transport.is_closing() or self._end_timer is not None:
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self._end_timer = self.loop.call_later(self._limits.parting_seconds, self._end)

    # -- the head ------------------------------------------------------------------------------------------

    @override
    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._weighty = {}
        self._is_in_head = True
        self._is_prompted = False

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in _WEIGHTY:
            if name in self._weighty:
                raise Problem(400, None, f"{name.decode()} is given more than once")
            self._weighty[name] = value
        self.headers.append((name, value))

    @override
    def on_headers_complete(self) -> None:
        """uvicorn's own step with our checks before it and without its second parser: the target is a path by then."""
        parser, headers, target = self.parser, self.headers, self.url
        version = parser.get_http_version()
        method = parser.get_method().decode("ascii")
        given = self._weighty
        self._is_in_head = False
        if (
            len(target) > self._target_bytes_max
            or len(headers) > self._headers_max
            or self._head_timer is not None
            or self.pipeline
            or self._prompted
            or len(self.connections) > self._connections_max
        ):
            self._check_size(len(headers), len(target))
        # A whole address would name a second host beside the header's, and only one of them would be believed.
        if target[:1] != b"/" or b"#" in target or method == "CONNECT":
            raise Problem(400, None, "the request's target must be a path")
        if version != "1.1" or given.get(b"host") != self._sound_host:
            self._check_host(given.get(b"host"), version)
        is_plain = len(given) == 1 and b"host" in given
        if is_plain and method == "GET" and self._is_answered_promptly(version):
            return
        with_body = not is_plain and has_body(given, method, version)
        self.scope = self._new_scope(method, version)
        before = self.cycle
        self.cycle = cycle = self._new_cycle(given, may_stay=version == "1.1")
        if with_body:
            if method != "HEAD":
                # Typed as the extensions of the standard are: no object of ours among them.
                self.scope["extensions"] = cast("Any", {EXTENSION: self})
            cycle.transport = cast("asyncio.Transport", _Parting(self))
            self.headers = Trailers()
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    @override
    def on_message_complete(self) -> None:
        if not self._is_prompted:
            super().on_message_complete()

    def _is_free(self, version: str) -> bool:
        """Whether an answer may be written now: nothing before it waits, the caller reads, and the connection goes on after it."""
        cycle, parser = self.cycle, self.parser
        return (
            (cycle is None or cycle.response_complete)
            and not self.flow.write_paused
            and version == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        )

    def _is_answered_promptly(self, version: str) -> bool:
        if self._prompt is None or not self._is_free(version):
            return False
        try:
            answer = self._prompt(self.url, self.headers)
        except Exception:  # noqa: BLE001 - the parser would make it the caller's fault; behind the app, a bug is a 500
            _log.exception("prompt_failed")
            return False
        if answer is not None:
            self._tell(answer)
        return answer is not None

    def _tell(self, answer: bytes) -> None:
        self._prompted += 1
        self._is_prompted = True
        self._write_whole(302, answer)
        self._answered_on_the_spot()

    def _new_scope(self, method: str, version: str) -> HTTPScope:
        raw_path, _, query = self.url.partition(b"?")
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "root_path": "",
            "method": method,
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def _new_cycle(self, given: Mapping[bytes, bytes], *, may_stay: bool) -> RequestResponseCycle:
        return RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=b"expect" in given and given[b"expect"].lower() == b"100-continue",
            keep_alive=may_stay
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade(),
            on_response=self.on_response_complete,
        )

    def _check_size(self, headers: int, target_bytes: int) -> None:
        limits = self._limits
        if target_bytes > limits.target_bytes_max:
            raise Problem(414, None, f"the address is longer than {limits.target_bytes_max} bytes")
        if headers > limits.headers_max:
            raise Problem(431, None, f"more than {limits.headers_max} header fields")
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
            if self._head_bytes:
                self._check_sum()
        if len(self.pipeline) + self._prompted >= limits.pipelined_max:
            raise Problem(429, None, f"more than {limits.pipelined_max} requests ahead")
        if len(self.connections) > limits.connections_max:
            raise busy_problem("too many connections")

    def _check_sum(self) -> None:
        """The pieces in which a head came also held other things: only its own sum says how long it was."""
        self._head_bytes = 0
        whole = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if whole > self._limits.head_bytes_max:
            raise self._too_large()

    def _check_host(self, host: bytes | None, version: str) -> None:
        if version not in ("1.1", "1.0"):
            raise Problem(400, None, "speak HTTP/1.1, or 1.0")
        if host is None:
            if version == "1.1":
                raise Problem(400, None, "the Host header is missing")
            return
        if not _HOST.fullmatch(host):
            raise Problem(400, None, "the Host header is not a host")
        self._sound_host = host

    # -- deadlines and refusals ----------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._limits.head_seconds, self._head_is_late)

    def _await_more(self, arrived_bytes: int) -> None:
        """Between two requests, or in the middle of a head."""
        if self._head_timer is None:
            # This piece may have ended the request before: only what comes after it is surely head.
            self._await_head()
            return
        self._head_bytes += arrived_bytes
        if self._head_bytes > self._limits.head_bytes_max:
            self._give_up(self._too_large())

    def _head_is_late(self) -> None:
        if self.flow.read_paused:
            # It is us who do not read: the requests before it are being answered.
            self._await_head()
            return
        self._head_timer = None
        seconds = self._limits.head_seconds
        self._give_up(Problem(408, None, f"the request's head did not end within {seconds:g} s"))

    def _give_up(self, problem: Problem) -> None:
        # A caller that never began to ask is told nothing: it would take the words for the answer to its next request.
        if self._is_in_head:
            self._refuse(problem)
        else:
            self.part()

    def _too_large(self) -> Problem:
        return Problem(431, None, f"the head is larger than {self._limits.head_bytes_max} bytes")

    def _refuse(self, problem: Problem) -> None:
        """Answer behind the requests before this one, then close; nothing more is read."""
        self._is_deaf = True
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        last = self.cycle
        is_idle = last is None or last.response_complete
        if not is_idle and last.more_body:
            # The body of the last request is what was wrong: this is its answer.
            if last.response_started:
                self.transport.close()
                return
            is_queued = bool(self.pipeline) and self.pipeline[0][0] is last
            if is_queued:
                self.pipeline.popleft()
            else:
                last.disconnected = is_idle = True
                last.message_event.set()
        own_id = new_id()
        answer = problem_response(problem, own_id)
        request_id = (b"x-request-id", own_id.encode("ascii"))
        answer.raw_headers += [request_id, (b"connection", b"close"), *DEFAULT_HEADERS]
        if self._telemetry is not None:
            self._telemetry.count(
                Metric.HTTP_REQUESTS, route="unmatched", method="other", status=problem.status
            )
        self.scope = cast("HTTPScope", {"type": "http", "method": "GET", "path": "", "headers": []})
        self.cycle = self._new_cycle({}, may_stay=False)
        self.cycle.transport = cast("asyncio.Transport", _Parting(self))
        if is_idle:
            self._start_asgi_task(self.cycle, cast("ASGI3Application", answer))
        else:
            self.pipeline.appendleft((self.cycle, cast("ASGI3Application", answer)))


class _Parting:
    """The transport of a request that may be answered before it was read: its close parts, and does not reset."""

    __slots__ = ("_protocol", "is_closing", "write")

    def __init__(self, protocol: GuardedProtocol) -> None:
        self._protocol = protocol
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        self._protocol.part()


def _problem_of(error: httptools.HttpParserError) -> Problem:
    """Our own refusal when one was raised under the parser, else the parser's words."""
    if isinstance(error.__context__, Problem):
        return error.__context__
    reason = "" if error.__context__ is not None else f": {error}"
    return Problem(400, None, f"this is not a request that HTTP allows{reason}")
