"""The errors in the OpenAPI document, and the examples of requests.

Promise: the document lists every error status of an operation; each is a problem. FastAPI's own
error schemas are removed, because no service sends them. Statuses that follow from a body, a key
or an id in the path are declared here. A route declares its other statuses with `problems(409)`.
There are no wildcards, so the fuzzer reports every status that is not listed.
"""

from typing import Any, Final

from shared.http.problems import PROBLEM_MEDIA_TYPE

_METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options")
_WITH_BODY: Final = ("put", "post", "patch")
_FRAMEWORK_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")

MEANINGS: Final = {
    400: "Malformed JSON, or an address that holds a NUL",
    401: "No key, or one that is unknown; a webhook whose signature is wrong",
    403: "The key lacks the scope, or does not allow this origin",
    404: "Unknown, or of another workspace",
    409: "Taken, or an Idempotency-Key that was used before with another request",
    410: "Switched off",
    413: "The body is too large",
    415: "The body is not JSON, or compressed",
    422: "A field is wrong; `errors` names it",
    429: "Too many requests or events of this caller; `Retry-After` says when to come back",
    500: "A bug; tell us the request id",
    503: "Busy, or a part of the service is unavailable; `Retry-After` says when to try again",
}
# Every operation: a bad address, a body that is too large, too much load, a bug.
_ALWAYS: Final = frozenset({400, 413, 500, 503})

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details; `errors` names the fields.",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "description": "Always `about:blank`: the status tells the kind.",
        },
        "title": {"type": "string", "description": "The kind of problem, as a short phrase."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened, as a sentence for people."},
        "errors": {
            "type": "array",
            "description": "The wrong fields; empty where the problem is not about a field.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "The field as a path, such as `person.email`.",
                    },
                    "message": {"type": "string", "description": "What is wrong with it."},
                },
            },
        },
        "request_id": {
            "type": "string",
            "description": "The id of the request, also in the log and in `X-Request-Id`.",
        },
    },
}


# The kinds of objects in examples. An example id says the kind of the object that replaces it.
EXAMPLE_KINDS: Final = (
    "creator",
    "campaign",
    "placement",
    "link",
    "code",
    "policy",
    "connection",
    "key",
    "agent",
    "cost",
    "store",
    "goal",
    "rate",
    "import",
)


# The external id of every object in examples.
EXAMPLE_EXTERNAL_ID: Final = "import-17"


def example_body(example: Any) -> dict[str, Any]:
    """Return the example of a JSON body for the `openapi_extra=` of a route."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}


def example_id(kind: str) -> str:
    """Return the id of a kind of object in examples. Tests replace it by a real id."""
    return f"01900000-0000-7000-8000-{EXAMPLE_KINDS.index(kind) + 1:012}"


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses=` of a route: problems that do not follow from its parameters."""
    return {status: {"description": MEANINGS[status]} for status in statuses}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Add the problems to an OpenAPI document in place, and return it."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["responses"] = {f"Problem{status}": _response(status) for status in MEANINGS}
    for path, operations in document.get("paths", {}).items():
        for method in _METHODS:
            if method in operations:
                _declare(path, method, operations[method])
    return document


def _response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": MEANINGS[status], "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}}}


def _declare(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    own = {int(status) for status in responses if status.isdecimal() and int(status) >= 400}
    for status in sorted(own | _implied_statuses(path, method, operation)):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _implied_statuses(path: str, method: str, operation: dict[str, Any]) -> frozenset[int]:
    """Return the statuses that follow from the parameters of an operation."""
    found = _ALWAYS
    if operation.get("security"):
        found |= {401, 403}
    if "{" in path:
        found |= {404}
    if operation.get("parameters"):
        found |= {422}
    if method in _WITH_BODY:
        found |= {415, 422}
    return found
