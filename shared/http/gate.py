"""The gate: whole bodies within a size and a time, and no more requests at once than a process answers in good time.

Promise: one gate for every way into a service. A request counts against the limit when its body is there, so a caller that
trickles one holds nobody else up; bodies that are still on their way share a budget of bytes. Beyond the limit a request is
refused and not queued, because that would only make every answer late; the refusals leave one by one at an even pace, so callers
that come back at once cannot spend the process on refusing them.

What can go wrong: 413 and 408, after which the connection closes; 503 with Retry-After when there is too much of anything.
"""

import asyncio
from types import TracebackType
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from shared.http.direct import direct_of
from shared.http.problems import Problem, busy_problem

# uvicorn has no deadline of its own for a body that trickles in; 10 s is far above any honest one of 256 KiB.
BODY_SECONDS: Final = 10.0
# Bodies of which a part is still on its way, together: 64 of the largest. One that comes in a single packet is never among them.
WAITING_BYTES_MAX: Final = 64 * 1024 * 1024
# One process answers a few thousand requests a second: 256 at once is some 100 ms of work.
IN_FLIGHT_MAX: Final = 256
# A refused caller waits for its answer: this long for each that waits already, and no longer than HOLD_SECONDS, which every client's
# deadline of seconds leaves room for. A refusal costs some 150 µs: 500 a second are 8 % of a core, and so it stays up to 500 callers.
TURN_SECONDS: Final = 0.002
HOLD_SECONDS: Final = 1.0
# Held at once, at 10 KiB each: 20 MiB, a fifth of the connections, and 2,048 refusals a second are a third of a core.
HELD_MAX: Final = 2_048

TOO_MANY: Final = "too many requests at once"
_CLOSE: Final = {"Connection": "close"}


class Gate:
    """What one process lets in."""

    def __init__(
        self,
        *,
        body_limit_bytes: int,
        body_seconds: float = BODY_SECONDS,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
        in_flight_max: int = IN_FLIGHT_MAX,
        held_max: int = HELD_MAX,
        hold_seconds: float = HOLD_SECONDS,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self.body_limit_bytes = body_limit_bytes
        self._body_seconds = body_seconds
        self._waiting_bytes_max = waiting_bytes_max
        self._in_flight_max = in_flight_max
        self._held_max = held_max
        self._hold_seconds = hold_seconds
        self._turn_seconds = turn_seconds
        self._waiting_bytes = 0
        self._in_flight = 0
        self._working = _Working(self)
        self._held: set[asyncio.Timeout] = set()
        self._is_stopping = False

    @property
    def is_full(self) -> bool:
        """Whether the next request is to be refused."""
        return self._in_flight >= self._in_flight_max

    def working(self) -> "_Working":
        """The time between a request's whole body and its answer."""
        return self._working

    @property
    def held(self) -> int:
        """How many refused callers wait for their answer."""
        return len(self._held)

    async def hold(self, receive: Receive) -> None:
        """Let a refused caller wait, the longer the more wait already; `receive` after the body. Whoever hangs up has waited enough."""
        if self._is_stopping or len(self._held) >= self._held_max:
            return
        end = asyncio.timeout(min(self._hold_seconds, (len(self._held) + 1) * self._turn_seconds))
        self._held.add(end)
        try:
            async with end:
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            pass
        finally:
            self._held.discard(end)

    def stop(self) -> None:
        """Hold nobody any more: a process that ends must not wait for those it refuses."""
        self._is_stopping = True
        now = asyncio.get_running_loop().time()
        for end in self._held:
            if not end.expired():
                end.reschedule(now)

    async def body(self, announced: bytes, scope: Scope, receive: Receive) -> bytes:
        """The whole body; `announced` is its Content-Length, empty when it comes in chunks."""
        if announced and (not announced.isdigit() or int(announced[:20]) > self.body_limit_bytes):
            raise self._too_large()
        direct = direct_of(scope)
        # Nearly every body has come with its head: a deadline for it would cost more than the body.
        body = None if direct is None else direct.take_body(scope)
        if body is None:
            body = await self._awaited(receive)
        if len(body) > self.body_limit_bytes:
            raise self._too_large()
        return body

    async def _awaited(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self._body_seconds):
                part, is_more = _part(await receive())
                return await self._rest(part, receive) if is_more else part
        except TimeoutError:
            seconds = self._body_seconds
            raise Problem(
                408, None, f"the body did not end within {seconds:g} s", (), _CLOSE
            ) from None

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        parts, size, is_more = [first], 0, True
        part = first
        try:
            while True:
                size += len(part)
                self._waiting_bytes += len(part)
                if size > self.body_limit_bytes:
                    raise self._too_large()
                if self._waiting_bytes > self._waiting_bytes_max:
                    raise busy_problem("too many bodies at once", headers=_CLOSE)
                if not is_more:
                    return b"".join(parts)
                part, is_more = _part(await receive())
                parts.append(part)
        finally:
            self._waiting_bytes -= size

    def _too_large(self) -> Problem:
        return Problem(
            413, None, f"the body is larger than {self.body_limit_bytes} bytes", (), _CLOSE
        )


class _Working:
    """Counts one request in and out. There is one for all: it holds nothing, and a generator for each would cost ten times as much."""

    __slots__ = ("_gate",)

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __enter__(self) -> None:
        self._gate._in_flight += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate._in_flight -= 1


def announced_body(scope: Scope) -> bytes | None:
    """The Content-Length of a request, empty when its body comes in chunks; None for a request without a body."""
    announced = None
    for name, value in scope["headers"]:
        if name == b"content-length":
            announced = bytes(value)
        elif name == b"transfer-encoding":
            return b""
    return announced


def replay(body: bytes, receive: Receive) -> Receive:
    """A body that was received, then what comes after it: the wait for a disconnect."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def _part(message: Message) -> tuple[bytes, bool]:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)
