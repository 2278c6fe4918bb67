"""Where a request's body ends, decided before it is read: one way to say its length, no fields behind it.

Promise: what two parsers could frame differently is refused. What can go wrong: a `Problem` with status 400.
"""

from collections.abc import Mapping

from typing_extensions import override

from shared.http.problems import Problem


class Trailers(list[tuple[bytes, bytes]]):
    """Where uvicorn puts the fields behind a chunked body: beside the headers, where a proxy never looked. None is taken."""

    @override
    def append(self, _field: tuple[bytes, bytes]) -> None:
        raise Problem(400, None, "trailer fields are not taken")


def has_body(given: Mapping[bytes, bytes], method: str, version: str) -> bool:
    """Whether a body follows a head with these fields."""
    coding, length = given.get(b"transfer-encoding"), given.get(b"content-length")
    if coding is None and length is None:
        return False
    if coding is not None:
        # httptools takes a list of codings that ends in chunked, also from HTTP/1.0.
        if coding.strip(b" \t").lower() != b"chunked" or length is not None:
            raise Problem(400, None, "Transfer-Encoding can only be chunked, and stands alone")
        if version != "1.1":
            raise Problem(400, None, "HTTP/1.0 has no Transfer-Encoding")
    # RFC 9110, 9.3.1: such a body has no meaning and is what smuggling is made of.
    has_bytes = length is None or length.strip(b" \t0") != b""
    if has_bytes and method in ("GET", "HEAD"):
        raise Problem(400, None, "a GET or HEAD has no body")
    return True
