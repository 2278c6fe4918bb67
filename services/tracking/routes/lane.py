"""The lane: a small pure-ASGI app in front of FastAPI that takes sound conversions and adjustments, and nothing else.

Promise: what is accepted here is what the route behind it would accept, by the same parser, the same model and the same
rules; only the framework around them is left out, which costs several times what they do. Whatever is not plainly sound (a second
header of a name, a wrong field, a foreign key) goes on to the app with its body, and the app says what is wrong.
Nothing has happened by then, so judging it again is harmless. What can go wrong: 503 with Retry-After while the disk refuses.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, NamedTuple

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.tracking.pipeline import Intake
from services.tracking.routes.intake import RETRY_KEY_LENGTH_MAX, claimed_event
from services.tracking.wire.shapes import AdjustmentIn, ConversionIn
from shared.errors import Transient
from shared.events import AnyEvent
from shared.http.auth import bearer_token, check, key_hash
from shared.http.body import parse_json
from shared.http.direct import direct_of
from shared.http.edge import DEFAULT_HEADERS, as_problem, request_id
from shared.http.gate import TOO_MANY, Gate, replay
from shared.http.problems import Problem, busy_problem, problem_response
from shared.ids import new_id
from shared.telemetry import Metric, Telemetry

# What an answer depends on. Any other header changes nothing.
_READ: Final = frozenset(
    (
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"idempotency-key",
        b"origin",
        b"transfer-encoding",
        b"x-request-id",
    )
)
_JSON: Final = b"application/json"
_JSON_HEADER: Final = (b"content-type", _JSON)

# The same in one piece, as `Direct.answer` takes it: the length, the request's id and the body are to be filled in.
_WHOLE: Final = b"".join(
    (
        b"content-length: %d\r\ncontent-type: application/json\r\nx-request-id: %b\r\n",
        *(b"%b: %b\r\n" % field for field in DEFAULT_HEADERS),
        b"\r\n%b",
    )
)

Given = Mapping[bytes, bytes]


class _Call(NamedTuple):
    """One call of the lane: the scope that its key needs, and the model of its body."""

    key_scope: str
    model: type[ConversionIn | AdjustmentIn]


_CALLS: Final[Mapping[str, _Call]] = {
    "/v1/conversions": _Call("collect", ConversionIn),
    "/v1/adjustments": _Call("track", AdjustmentIn),
}


class _Work(NamedTuple):
    """A request that was found sound: its route, the status when it is done, and what is left to do."""

    route: str
    status: int
    finish: Callable[[], Awaitable[bytes]]


# The app's own refusal, made once.
_BUSY: Final = problem_response(busy_problem(TOO_MANY), "%b")
_BUSY_BODY: Final = bytes(_BUSY.body)
_BUSY_HEADERS: Final = tuple(pair for pair in _BUSY.raw_headers if pair[0] != b"content-length")

_SUCCESS: Final = dict.fromkeys(_CALLS, 202)


class Lane:
    """The ASGI app between the door and FastAPI."""

    def __init__(self, app: ASGIApp, intake: Intake, telemetry: Telemetry, gate: Gate) -> None:
        self._app = app
        self._intake = intake
        self._gate = gate
        self._seconds = {
            route: telemetry.bound(Metric.HTTP_SECONDS, route=route) for route in _SUCCESS
        }
        self._answers = {
            (route, status): telemetry.bound(
                Metric.HTTP_REQUESTS, route=route, method="POST", status=status
            )
            for route, success in _SUCCESS.items()
            for status in (success, 503)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take it, or hand it over."""
        given = self._given(scope) if scope["type"] == "http" else None
        if given is None:
            await self._app(scope, receive, send)
            return
        began = asyncio.get_running_loop().time()
        try:
            body = await self._gate.body(given[b"content-length"], scope, receive)
        except (Problem, ClientDisconnect) as end:
            await self._app(scope, _ended(end), send)
            return
        if self._gate.is_full:
            # A caller that is held keeps no body in memory.
            del body
            await self._gate.hold(receive)
            await self._turn_away(scope["path"], given, send)
            return
        work = self._judge(scope["path"], given, body)
        status = None
        if work is not None:
            with self._gate.working():
                status = await self._finish(work, given, scope, receive, send)
        if work is None or status is None:
            await self._app(scope, replay(body, receive), send)
            return
        self._seconds[work.route].observe(asyncio.get_running_loop().time() - began)
        self._answers[work.route, status].inc()

    def _given(self, scope: Scope) -> Given | None:
        """The headers that matter; None for a request that is not the lane's or not plain."""
        path: str = scope["path"]
        if path not in _CALLS or scope["method"] != "POST" or scope["query_string"]:
            return None
        given: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _READ:
                if name in given:
                    return None
                given[name] = value
        length = given.get(b"content-length", b"")
        is_plain = (
            b"content-encoding" not in given
            and b"transfer-encoding" not in given
            and length.isdigit()
        )
        return given if is_plain else None

    def _judge(self, path: str, given: Given, body: bytes) -> _Work | None:
        """What is to be done; None when anything at all is the matter with the request."""
        try:
            event = self._claim(_CALLS[path], given, body)
        except Exception:  # noqa: BLE001 - the app meets it again, answers it, and logs it if it is a bug
            return None
        return None if event is None else _Work(path, 202, partial(self._accept, event))

    def _claim(self, call: _Call, given: Given, body: bytes) -> AnyEvent | None:
        retry_key = given.get(b"idempotency-key")
        media_type = given.get(b"content-type", b"").partition(b";")[0].strip()
        if media_type != _JSON or len(retry_key or b"") > RETRY_KEY_LENGTH_MAX:
            return None
        token = bearer_token([given.get(b"authorization", b"").decode("latin-1")])
        principal = self._intake.catalog.principal(key_hash(token))
        if principal is None:
            return None
        origin = given.get(b"origin")
        check(principal, call.key_scope, None if origin is None else origin.decode("latin-1"))
        claim = call.model.model_validate(parse_json(body)).claim()
        retry_text = None if retry_key is None else retry_key.decode("latin-1")
        return claimed_event(self._intake, claim, principal, retry_text)

    async def _accept(self, event: AnyEvent) -> bytes:
        await self._intake.keep((event,))
        return b'{"event_id":"%b","accepted":true}' % event.event_id.encode("ascii")

    async def _turn_away(self, path: str, given: Given, send: Send) -> None:
        """Refuse without the app: a caller that comes back too soon must not cost what an accepted one does."""
        own_id = _own_id(given)
        body = _BUSY_BODY % own_id.encode("ascii")
        headers = [(b"content-length", b"%d" % len(body)), *_BUSY_HEADERS, *_common(own_id)]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._answers[path, 503].inc()

    async def _finish(
        self, work: _Work, given: Given, scope: Scope, receive: Receive, send: Send
    ) -> int | None:
        """Answer once the events are durable; the status, or None when the app has to do it."""
        own_id = _own_id(given)
        try:
            body = await work.finish()
        except Transient as error:
            refusal = problem_response(as_problem(error), own_id)
            refusal.raw_headers += _common(own_id)
            await refusal(scope, receive, send)
            return refusal.status_code
        except Exception:  # noqa: BLE001 - a bug: the app meets it again, answers 500 and logs it
            return None
        direct = direct_of(scope)
        whole = _WHOLE % (len(body), own_id.encode("ascii"), body)
        if direct is not None and direct.answer(scope, work.status, whole):
            return work.status
        headers = [(b"content-length", b"%d" % len(body)), _JSON_HEADER, *_common(own_id)]
        await send({"type": "http.response.start", "status": work.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return work.status


def _own_id(given: Given) -> str:
    offered = given.get(b"x-request-id")
    return new_id() if offered is None else request_id(offered.decode("latin-1"))


def _common(own_id: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-request-id", own_id.encode("ascii")), *DEFAULT_HEADERS]


def _ended(end: Exception) -> Receive:
    """A body that did not come; the app says why."""

    async def receive() -> Message:
        raise end

    return receive
