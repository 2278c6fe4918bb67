"""Short links: the form of a link's code, and the destination as a `Location` header.

Promise: a `Location` is the stored destination with Laurel's parameters before the fragment. What
a visitor sends cannot change its scheme or host, and it has no character that ends a header.
What can go wrong: a destination that is not canonical gives None, and its link does not work.
"""

import re
from typing import Final
from urllib.parse import quote, urlsplit

from shared.catalog import LINK_CODE, RESERVED_WORDS

DESTINATION_LENGTH_MAX: Final = 2048  # every browser accepts this in a Location

_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_ASCII_PRINTABLE: Final = "".join(chr(code) for code in range(0x21, 0x7F))


def link_key(code: str) -> str | None:
    """Return a code in lower case, as it is looked up; None when no link can have it."""
    if not LINK_CODE.fullmatch(code):
        return None
    key = code.lower()
    return None if key in RESERVED_WORDS else key


def canonical_destination(text: str) -> str | None:
    """Return the destination as it goes into a header: percent-encoded ASCII.

    None when it is not an absolute http or https URL that is safe in a header.
    """
    if any(ord(letter) < 0x21 or 0x7F <= ord(letter) < 0xA0 or letter == "\\" for letter in text):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
        encoded = quote(text, safe=_ASCII_PRINTABLE)
    except ValueError:  # a port above 65535, a broken IPv6 host, or half of a surrogate pair
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or port == 0:
        return None
    host = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc
    if not _HOST.fullmatch(host) or len(encoded) > DESTINATION_LENGTH_MAX:
        return None
    return encoded


def around_click(destination: bytes) -> tuple[bytes, bytes]:
    """Return the text before and after the click id when `lclid` is added to a destination.

    The destination's own query and fragment stay unchanged.
    """
    head, hash_mark, fragment = destination.partition(b"#")
    parameter = b"?lclid=" if b"?" not in head else b"lclid=" if head[-1:] in b"?&" else b"&lclid="
    return head + parameter, hash_mark + fragment
