"""Problem details (RFC 9457): the one form of every refusal and every failure over HTTP.

Promise: a problem is `application/problem+json` with `type, title, status, detail, errors,
request_id`. `errors` names the wrong fields. The text is ASCII, so input from a caller cannot
break a log line.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import HTTPException
from starlette.responses import Response
from typing_extensions import override

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"

# A thousand wrong fields are mostly one repeated mistake; the first 50 show it.
ERRORS_MAX: Final = 50
# Longer than any message of Laurel; long input from a caller is cut.
TEXT_CHARACTERS_MAX: Final = 300
# An unavailable database or log usually returns within seconds.
RETRY_AFTER_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field and what is wrong with it; `field` is a path such as `lines.0.net`."""

    field: str
    message: str


class Problem(HTTPException):
    """Raise it in a request to answer with it."""

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.title = title or phrase(status)
        super().__init__(status, detail or self.title, dict(headers or {}))
        self.errors = tuple(errors)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.status_code


def field_problem(field: str, message: str, status: int = 422) -> Problem:
    """Return the problem of one wrong field."""
    return Problem(status, None, f"{field}: {message}", (FieldError(field, message),))


def busy_problem(detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """Return a 503 with Retry-After: nothing was done, the same call may succeed later."""
    moment = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Problem(503, None, detail, (), {**moment, **(headers or {})})


class ProblemResponse(Response):
    """The response of a problem."""

    media_type = PROBLEM_MEDIA_TYPE

    @override
    def render(self, content: Any) -> bytes:
        # ASCII only: a lone surrogate in a caller's field name must not become a 500 here.
        return json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()


def problem_response(problem: Problem, request_id: str) -> ProblemResponse:
    """Return the response of a problem."""
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": str(problem.detail)[:TEXT_CHARACTERS_MAX],
        "errors": [
            {
                "field": error.field[:TEXT_CHARACTERS_MAX],
                "message": error.message[:TEXT_CHARACTERS_MAX],
            }
            for error in problem.errors[:ERRORS_MAX]
        ],
        "request_id": request_id,
    }
    return ProblemResponse(body, problem.status, headers=problem.headers)


def field_errors(errors: Sequence[Any]) -> tuple[FieldError, ...]:
    """Return the fields and sentences of pydantic's errors of a request or of a batch item."""
    return tuple(FieldError(_path(item["loc"]), _sentence(item)) for item in errors)


def phrase(status: int) -> str:
    """Return the standard phrase of a status, or "Error"."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _path(location: Sequence[str | int]) -> str:
    """Return `lines.0.net` for `("body", "lines", 0, "net")`: the path without its location."""
    inner = location[1:] if location and location[0] in _LOCATIONS else location
    return ".".join(str(part) for part in inner) or str(location[0] if location else "body")


_LOCATIONS: Final = ("body", "query", "path", "header", "cookie")


def _sentence(item: Mapping[str, Any]) -> str:
    message = str(item["msg"])
    if item["type"] == "extra_forbidden":
        return "unknown field"
    if item["type"] == "missing":
        return "this field is required"
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
