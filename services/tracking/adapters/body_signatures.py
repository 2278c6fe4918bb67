"""Checks of signatures over the raw body, for several vendors.

Promise: every secret is tried, and each comparison takes constant time, so that the time of an
answer reveals nothing. A missing, malformed, repeated or foreign signature gives False, no error.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

# A SHA-256 signature in base64 has 44 characters. A longer header is not decoded.
SIGNATURE_LENGTH_MAX: Final = 64


def is_signed_base64(body: bytes, signatures: Sequence[bytes], secrets: Iterable[bytes]) -> bool:
    """Whether there is one signature, and it is the body's base64 HMAC-SHA256 with a secret."""
    if len(signatures) != 1 or len(signatures[0]) > SIGNATURE_LENGTH_MAX:
        return False
    try:
        given = base64.b64decode(signatures[0].strip(), validate=True)
    except (ValueError, binascii.Error):
        return False
    matches = [
        hmac.compare_digest(given, hmac.digest(secret, body, "sha256")) for secret in secrets
    ]
    return any(matches)
