"""What the OpenAPI document says about errors: every status that an operation can answer, each a problem.

Promise: FastAPI's own error shapes, which no Laurel service ever sends, are taken out. What follows from an operation's shape (a body, a
key, an id in the path) is declared here; what only a route knows, it declares with `problems(409)`. No wildcards: a status that is
not listed is a bug of the document, and the fuzzer finds it.
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
    429: "Too many requests of this key at work; `Retry-After` says when to come back",
    500: "A bug; tell us the request id",
    503: "Busy, or a part of the service is away; `Retry-After` says when to come back",
}
# Whatever is called: an address or a body that no route sees, too much load, a bug.
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


# Kinds of objects that examples name. An example id says which kind of object to put in its place.
EXAMPLE_KINDS: Final = (
    "creator",
    "campaign",
    "placement",
    "link",
    "code",
    "policy",
    "connection",
    "key",
    "cost",
)


# The caller's own id that examples use for every object.
EXAMPLE_EXTERNAL_ID: Final = "import-17"


def example_body(example: Any) -> dict[str, Any]:
    """For a route's `openapi_extra=`: the example of its JSON body."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}


def example_id(kind: str) -> str:
    """The id that examples use for an object of a kind; the tests put the id of a real one there."""
    return f"01900000-0000-7000-8000-{EXAMPLE_KINDS.index(kind) + 1:012}"


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses=`: the problems that do not follow from its shape."""
    return {status: {"description": MEANINGS[status]} for status in statuses}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The same document with problems declared; changes and returns it."""
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
    for status in sorted(own | _following(path, method, operation)):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _following(path: str, method: str, operation: dict[str, Any]) -> frozenset[int]:
    """The statuses that follow from what an operation takes."""
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
