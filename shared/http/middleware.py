"""The middleware of every service: request id, limits, security headers, metrics, problems.

Promise: every answer has a request id. Each refusal, each `Transient` (503 with Retry-After) and
each bug (500, logged with its traceback) is a problem. A request above `in_flight_max` is refused
at once, because a queue would delay every answer. A body larger than `body_bytes_max` is answered
413. No answer is buffered.
What can go wrong: an error after the start of an answer ends the connection; it is logged.
The proxy limits slow callers, header sizes and connections (`deploy/nginx.conf`).
"""

import re
from functools import lru_cache
from time import perf_counter
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from shared.errors import Transient
from shared.http.problems import Problem, busy_problem, field_errors, problem_response
from shared.ids import new_id
from shared.private_texts import has_id_form
from shared.telemetry import Metric, Telemetry, get_logger

# One process answers a few thousand requests a second: 256 at once are some 100 ms of work.
IN_FLIGHT_MAX: Final = 256
# Ten times the largest webhook among the vendors' samples. A body is held in memory.
BODY_BYTES_MAX: Final = 262_144

# No other page may frame an answer; a browser may neither guess its type nor load anything for it.
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

# A caller's own id is used if a log line and a header can hold it, and it has the form of an id, so
# that no log line names a person. Otherwise a new id is made.
_SAFE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Headers = list[tuple[bytes, bytes]]
_log = get_logger(__name__)


class RequestMiddleware:
    """The middleware around the router of a service."""

    def __init__(
        self, app: ASGIApp, telemetry: Telemetry, *, body_bytes_max: int, in_flight_max: int
    ) -> None:
        self._app = app
        self._telemetry = telemetry
        self._body_bytes_max = body_bytes_max
        self._in_flight_max = in_flight_max
        self._in_flight = 0
        self._meters: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id, length, is_chunked = _read_headers(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        # uvicorn runs each request in its own task, so the variable needs no reset.
        bind_contextvars(request_id=request_id)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = complete_headers(message.get("headers", ()), request_id)
            await send(message)

        self._in_flight += 1
        try:
            self._check(scope, length)
            limited = self._limited(receive) if is_chunked else receive
            await self._app(scope, limited, answer)
        except ClientDisconnect:
            _log.info("client_disconnected", route=_route(scope))
        except Exception as error:
            problem = self._problem(scope, error)
            if status:
                raise
            await problem_response(problem, request_id)(scope, receive, answer)
        finally:
            self._in_flight -= 1
            self._count(scope, status, perf_counter() - began)

    def _check(self, scope: Scope, length: bytes) -> None:
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            # Postgres cannot store a NUL.
            raise Problem(400, None, "the address holds a NUL character")
        if length and (not length.isdigit() or int(length[:20]) > self._body_bytes_max):
            raise self._too_large()
        # Health checks are exempt: an orchestrator restarts a process that does not answer them.
        if self._in_flight > self._in_flight_max and not scope["path"].startswith("/health/"):
            raise busy_problem("too many requests at once")

    def _limited(self, receive: Receive) -> Receive:
        """Return `receive` with a count of the bytes: a chunked body announces no length."""
        size_bytes = 0

        async def counted() -> Message:
            nonlocal size_bytes
            message = await receive()
            size_bytes += len(message.get("body", b""))
            if size_bytes > self._body_bytes_max:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> Problem:
        return Problem(413, None, f"the body is larger than {self._body_bytes_max} bytes")

    def _problem(self, scope: Scope, error: Exception) -> Problem:
        problem = as_problem(error)
        if problem.status == 500:
            _log.error("request_failed", exc_info=error, route=_route(scope))
            self._telemetry.count(Metric.HTTP_FAILURES, route=_route(scope))
        return problem

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        key = (_route(scope), scope["method"], status)
        meters = self._meters.get(key)
        if meters is None:
            route, method, _ = key
            known = method if method in _METHODS else "other"
            meters = self._meters[key] = (
                self._telemetry.bound(
                    Metric.HTTP_REQUESTS, route=route, method=known, status=status
                ),
                self._telemetry.bound(Metric.HTTP_SECONDS, route=route),
            )
        requests, latency = meters
        requests.inc()
        latency.observe(seconds)


def complete_headers(headers: Any, request_id: str) -> Headers:
    """Return the headers of an answer with its request id and the missing security headers."""
    missing = _missing_security_headers(tuple([name for name, _ in headers]))
    return [*headers, (b"x-request-id", request_id.encode("ascii")), *missing]


# Cached: answers have few combinations of names, and every redirect comes through here.
@lru_cache(maxsize=256)
def _missing_security_headers(given: tuple[bytes, ...]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(pair for pair in SECURITY_HEADERS if pair[0] not in given)


def as_problem(error: Exception) -> Problem:
    """Return the problem that answers an exception."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        errors = field_errors(error.errors())
        detail = "; ".join(f"{item.field}: {item.message}" for item in errors[:3])
        return Problem(422, None, detail, errors)
    if isinstance(error, HTTPException):
        return Problem(error.status_code, None, str(error.detail), (), error.headers)
    if isinstance(error, Transient):
        _log.warning("request_deferred", reason=str(error))
        return busy_problem("a part of the service is unavailable; try again")
    return Problem(500, None, "an unexpected error; tell us the request id")


def _read_headers(headers: Headers) -> tuple[str, bytes, bool]:
    """Return the request id, the Content-Length (or empty), and whether the body is chunked."""
    request_id, length, is_chunked = "", b"", False
    for name, value in headers:
        if name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name == b"content-length":
            length = value
        elif name == b"transfer-encoding":
            is_chunked = True
    if not (request_id and _SAFE_REQUEST_ID.fullmatch(request_id) and has_id_form(request_id)):
        request_id = new_id()
    return request_id, length, is_chunked


def _route(scope: Scope) -> str:
    """Return the template of the route. With the path there would be a label for each request."""
    return getattr(scope.get("route"), "path", None) or "unmatched"
