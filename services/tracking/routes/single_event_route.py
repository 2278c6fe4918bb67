"""The route class of calls that report one event.

FastAPI documents these calls; this class runs them at a third of the cost of FastAPI's solver of
dependencies, because they are nearly all of a shop's load. Promise: a function declared as
`(body, principal, retry_key)` is answered as by FastAPI. Other functions run in FastAPI.
What can go wrong: 401 and 403 for the key; 413, 415, 400 and 422 for the body.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from typing_extensions import override

from services.tracking.wire.event_batch import REPORT_BYTES_MAX
from shared.http.body import StrictRoute, check_content_encoding, check_content_type, parse_json
from shared.http.problems import Problem, field_problem

RETRY_KEY_HEADER: Final = "Idempotency-Key"
RETRY_KEY_LENGTH_MAX: Final = 255

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SingleEventRoute(StrictRoute):
    """A route whose functions with the three known parameters skip FastAPI's solver."""

    @override
    def get_route_handler(self) -> Handler:
        parameters = inspect.signature(self.endpoint).parameters
        if list(parameters) != ["body", "principal", "retry_key"]:
            return super().get_route_handler()
        call, status = self.endpoint, self.status_code or 200
        model = parameters["body"].annotation
        principal_of = parameters["principal"].annotation.__metadata__[0].dependency

        async def handle(request: Request) -> Response:
            check_content_encoding(request)
            body = await request.body()
            if len(body) > REPORT_BYTES_MAX:
                raise Problem(413, None, f"the body is larger than {REPORT_BYTES_MAX} bytes")
            check_content_type(request, body)
            principal = await principal_of(request, None)
            if not body:
                raise field_problem("body", "this field is required")
            try:
                value = model.model_validate(parse_json(body))
            except ValidationError as error:
                raise RequestValidationError(error.errors()) from None
            answer = await call(value, principal, retry_key_of(request))
            return Response(answer.model_dump_json(), status, media_type="application/json")

        return handle


def retry_key_of(request: Request) -> str | None:
    """Return the request's `Idempotency-Key`. Raises 422 when it is too long."""
    key = request.headers.get(RETRY_KEY_HEADER)
    if key is not None and len(key) > RETRY_KEY_LENGTH_MAX:
        raise field_problem(
            RETRY_KEY_HEADER, f"must have at most {RETRY_KEY_LENGTH_MAX} characters"
        )
    return key
