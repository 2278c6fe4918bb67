"""Strict parsing of JSON bodies, so that every accepted value can be stored and summed.

Promise: a compressed body is answered 415. Malformed text, NaN, infinities, duplicate keys,
numbers beyond 64 bits and deep nesting are answered 400. NUL and lone surrogates, which Postgres
cannot store, are answered 422 with the name of the field. Webhooks do not use this: the adapter
of the vendor verifies and parses their bodies.
What can go wrong: `Problem`.
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute, APIRouter
from typing_extensions import override

from shared.http.problems import Problem, field_problem

# The deepest body (an array of events) has 4 levels; Python's recursion limit is 1,000.
DEPTH_MAX: Final = 32
INTEGER_MAX: Final = 2**63 - 1

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_ESCAPED_TROUBLE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text. Raises `Problem`."""
    try:
        value = _DECODER.decode(body.removeprefix(BOM_UTF8).decode())
    except Problem:
        raise
    except (ValueError, RecursionError) as error:
        raise Problem(
            400, "Malformed JSON", f"the body is not valid JSON: {_reason(error)}"
        ) from None
    if body.count(b"[") + body.count(b"{") > DEPTH_MAX:
        _check_depth(value, DEPTH_MAX)
    if b"\\u" in body and _ESCAPED_TROUBLE.search(body) is not None:
        _check_text(value, "")
    return value


class StrictRequest(Request):
    """A request whose `json()` is `parse_json`."""

    @override
    async def json(self) -> Any:
        return parse_json(await self.body())


class StrictRoute(APIRoute):
    """A route with strict JSON; other content types and any content encoding are answered 415."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        takes_body = not _WITH_BODY.isdisjoint(self.methods or ())

        async def strict(request: Request) -> Response:
            incoming = StrictRequest(request.scope, request.receive)
            if takes_body:
                check_content_encoding(incoming)
            if self.body_field is not None:
                check_content_type(incoming, await incoming.body())
            return await handler(incoming)

        return strict


class Router(APIRouter):
    """The router for all routes of a service: FastAPI's router with strict JSON."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=StrictRoute, redirect_slashes=False, **options)


def check_content_encoding(request: Request) -> None:
    """Raise a 415 for a compressed body."""
    encodings = {value.strip().lower() for value in request.headers.getlist("content-encoding")}
    if not encodings <= _PLAIN:
        raise Problem(415, None, "send the body without a Content-Encoding", (), _ACCEPTED)


_PLAIN: Final = frozenset({"", "identity"})
# RFC 9110, 12.5.3: a 415 for an encoding names the accepted encodings in this header.
_ACCEPTED: Final = {"Accept-Encoding": "identity"}


def check_content_type(request: Request, body: bytes) -> None:
    """Raise a 415 for a body whose content type is not JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if body and not is_json:
        raise Problem(415, None, "send the body as Content-Type: application/json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise field_problem(twice, "this key is given twice", 400)
    return value


def _integer(text: str) -> int:
    # Every 64-bit number has at most 20 characters. Conversion of longer texts is slow.
    value = int(text) if len(text) <= 20 else INTEGER_MAX + 1
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise ValueError("a number is beyond 64 bits")
    return value


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is beyond the range of a double")
    return value


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_real, parse_constant=_constant
)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _check_depth(value: Any, levels_left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if levels_left == 0:
        raise Problem(400, "Malformed JSON", f"the body is nested deeper than {DEPTH_MAX} levels")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, levels_left - 1)


def _check_text(value: Any, path: str) -> None:
    if isinstance(value, str) and _UNSTORABLE.search(value) is not None:
        raise field_problem(path or "body", "holds a NUL or half of a surrogate pair")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_text(name, f"{path}.{name}".lstrip("."))
            _check_text(item, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_text(item, f"{path}.{index}".lstrip("."))
