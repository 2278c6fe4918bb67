"""A webhook delivery as it comes in: whether its signature is the shop's, and its JSON as the vendor means it.

Promise: the comparison is of bytes and takes the same time whatever differs; a malformed, doubled or foreign signature is
simply wrong. Numbers become Decimal, never float. What can go wrong: `None` from `read_json`, for what is no JSON.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

# A SHA-256 signature in base64 has 44 characters; a longer header is not decoded at all.
SIGNATURE_LENGTH_MAX: Final = 64
DIGITS_MAX: Final = 40  # no id and no amount is longer; int() is quadratic


def is_signed(body: bytes, signatures: Sequence[bytes], secrets: Iterable[bytes]) -> bool:
    """Whether the one signature given is the base64 HMAC-SHA256 of the body under one of the secrets."""
    if len(signatures) != 1 or len(signatures[0]) > SIGNATURE_LENGTH_MAX:
        return False
    try:
        given = base64.b64decode(signatures[0].strip(), validate=True)
    except (ValueError, binascii.Error):
        return False
    # Every secret is tried, so the time does not tell which one fits.
    matches = [
        hmac.compare_digest(given, hmac.digest(secret, body, "sha256")) for secret in secrets
    ]
    return any(matches)


def read_json(body: bytes) -> Any | None:
    """The payload with exact numbers; None when it is no JSON."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _integer(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise ValueError("a number is too long")
    return int(text)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    parse_float=Decimal, parse_int=_integer, parse_constant=_constant
)
