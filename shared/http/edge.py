"""The outermost layer of every service: request id, the gate, security headers, counts, and the last resort.

Promise: whatever happens inside, the caller gets an answer with a request id: a problem for every refusal, for a
`Transient` (503 with Retry-After) and for a bug (500, logged with its traceback). The app hears of a request when its
body is whole. Pure ASGI: nothing here buffers an answer or loses context variables.

What can go wrong: an error after the answer has begun can only end the connection; it is logged and counted.
"""

import asyncio
import re
from typing import Any, Final

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Transient
from shared.http.gate import TOO_MANY, Gate, announced_body, replay
from shared.http.problems import Problem, busy_problem, problem_response
from shared.ids import new_id
from shared.telemetry import Metric, Telemetry, get_logger

# A caller's own id is taken when it can stand in a log line and a header; otherwise one is made.
_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{8,128}")

# Answers are data or a page of ours: nothing may frame them, sniff them or run what they did not bring.
SECURITY_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}

# As ASGI carries them: encoded once, not per answer.
DEFAULT_HEADERS: Final = tuple(
    (name.encode("ascii"), value.encode("ascii")) for name, value in SECURITY_HEADERS.items()
)

_log = get_logger(__name__)


class Edge:
    """Wraps an ASGI app. Headers that the app sets itself win over the defaults above."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, gate: Gate) -> None:
        self._app = app
        self._telemetry = telemetry
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own_id = request_id(Headers(scope=scope).get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = own_id
        with structlog.contextvars.bound_contextvars(request_id=own_id):
            await self._answer(scope, receive, send, own_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, own_id: str) -> None:
        began = asyncio.get_running_loop().time()
        answer = _Answer(send, own_id)
        try:
            _check_target(scope)
            await self._pass(scope, receive, answer.send)
        except ClientDisconnect:
            _log.info("client_disconnected", path=scope["path"])
        except Exception as error:  # noqa: BLE001 - the last resort: every failure is answered, and a bug is logged
            await self._fail(scope, receive, answer, error)
        route = _route(scope)
        seconds = asyncio.get_running_loop().time() - began
        self._telemetry.observe(Metric.HTTP_SECONDS, seconds, route=route)
        self._telemetry.count(
            Metric.HTTP_REQUESTS, route=route, method=_method(scope), status=answer.status
        )

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = announced_body(scope)
        again = receive
        if announced is not None:
            again = replay(await self._gate.body(announced, scope, receive), receive)
        # Health still answers, or a busy process would be taken for a dead one.
        if self._gate.is_full and not scope["path"].startswith("/health/"):
            # A caller that is held keeps no body in memory.
            del again
            await self._gate.hold(receive)
            raise busy_problem(TOO_MANY)
        with self._gate.working():
            await self._app(scope, again, send)

    async def _fail(
        self, scope: Scope, receive: Receive, answer: "_Answer", error: Exception
    ) -> None:
        problem = as_problem(error)
        if problem.status == 500:
            _log.error("request_failed", exc_info=error, path=scope["path"])
            self._telemetry.count(Metric.HTTP_FAILURES, route=_route(scope))
        if answer.begun:
            raise error
        await problem_response(problem, answer.request_id)(scope, receive, answer.send)


class _Answer:
    """The way out: adds the common headers and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            given = {name for name, _ in headers}
            headers.append((b"x-request-id", self.request_id.encode("ascii")))
            headers.extend(pair for pair in DEFAULT_HEADERS if pair[0] not in given)
            message["headers"] = headers
        await self._send(message)


def as_problem(error: Exception) -> Problem:
    """What a caller is told about an exception."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return Problem(error.status_code, None, str(error.detail), (), error.headers)
    if isinstance(error, Transient):
        _log.warning("request_deferred", reason=str(error))
        return busy_problem("a part of the service is away; try again")
    return Problem(500, None, "an unexpected error; tell us the request id")


def request_id(offered: str) -> str:
    """The id of a request: the caller's own when it is sane, else a new one."""
    return offered if _SANE_REQUEST_ID.fullmatch(offered) else new_id()


def _check_target(scope: Scope) -> None:
    """Refuse what no store can hold before any route sees it."""
    if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
        raise Problem(400, None, "the address holds a NUL character")


def _route(scope: Scope) -> str:
    """The route's template, never the path itself: a label must not grow with what strangers ask for."""
    return getattr(scope.get("route"), "path", None) or "unmatched"


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def request_id_of(scope: Scope) -> str:
    """The id of the request being handled."""
    state: dict[str, Any] = scope.get("state", {})
    return str(state.get("request_id", ""))
