"""Problems: the one shape (RFC 9457) in which every refusal and every failure leaves a service.

Promise: `type, title, status, detail, errors, request_id`, always as `application/problem+json`, in ASCII, so that nothing
a caller sent can break the line it is logged or shown in. `errors` names the fields.
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

# A body with a thousand wrong fields is one mistake made a thousand times; the first 50 show it.
ERRORS_MAX: Final = 50
# Long enough for any sentence of ours; what a caller sent is not echoed at length.
TEXT_CHARACTERS_MAX: Final = 300
# A database or log that is away is usually back within seconds.
RETRY_AFTER_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field and what is wrong with it; `field` is a path such as `lines.0.net`."""

    field: str
    message: str


class Problem(HTTPException):
    """Raise it anywhere in a request to answer with it."""

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
    """The problem of one wrong field."""
    return Problem(status, None, f"{field}: {message}", (FieldError(field, message),))


def busy_problem(detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """503 with the moment to come back: nothing was done, the same call may succeed later."""
    moment = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return Problem(503, None, detail, (), {**moment, **(headers or {})})


class ProblemResponse(Response):
    """A problem on its way out."""

    media_type = PROBLEM_MEDIA_TYPE

    @override
    def render(self, content: Any) -> bytes:
        # ASCII only: a lone surrogate in a caller's field name must not become a 500 here.
        return json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()


def problem_response(problem: Problem, request_id: str) -> ProblemResponse:
    """The answer to a problem."""
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
    """pydantic's error dicts (of a request or of one item of a batch) as fields and sentences."""
    return tuple(FieldError(_path(item["loc"]), _sentence(item)) for item in errors)


def phrase(status: int) -> str:
    """The standard words for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _path(location: Sequence[str | int]) -> str:
    """`("body", "lines", 0, "net")` as `lines.0.net`: where a value was sent is left out, the field's path stays."""
    inner = location[1:] if location and location[0] in _PLACES else location
    return ".".join(str(part) for part in inner) or str(location[0] if location else "body")


_PLACES: Final = ("body", "query", "path", "header", "cookie")


def _sentence(item: Mapping[str, Any]) -> str:
    message = str(item["msg"])
    if item["type"] == "extra_forbidden":
        return "unknown field"
    if item["type"] == "missing":
        return "this field is required"
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
