"""Short links: which words may be a link's code, and where a link leads.

Promise: a `Location` is the stored destination plus our own parameters before the fragment; nothing a visitor sends can
change its scheme or host, and it holds no character that could end a header. What can go wrong: a destination that is
not canonical gives `None`, and its link does not work.
"""

import re
from typing import Final
from urllib.parse import quote, urlsplit

from shared.catalog import LINK_CODE, RESERVED_WORDS

DESTINATION_LENGTH_MAX: Final = 2048  # what every browser takes in a Location

_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_ASCII_PRINTABLE: Final = "".join(chr(code) for code in range(0x21, 0x7F))


def link_key(code: str) -> str | None:
    """How a code is looked up (codes match without case), or None when no link can have it."""
    if not LINK_CODE.fullmatch(code):
        return None
    key = code.lower()
    return None if key in RESERVED_WORDS else key


def canonical_destination(text: str) -> str | None:
    """The destination as it goes into a header, or None when it is not an absolute http(s) URL that is safe there."""
    if any(ord(letter) < 0x21 or 0x7F <= ord(letter) < 0xA0 or letter == "\\" for letter in text):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
        encoded = quote(text, safe=_ASCII_PRINTABLE)
    except ValueError:  # a port beyond 65535, a broken IPv6 host, or half of a surrogate pair
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or port == 0:
        return None
    host = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc
    if not _HOST.fullmatch(host) or len(encoded) > DESTINATION_LENGTH_MAX:
        return None
    return encoded


def around_click(destination: bytes) -> tuple[bytes, bytes]:
    """What stands before and after a click id in the destination with `lclid` appended; its own query and fragment stay as they are."""
    head, hash_mark, fragment = destination.partition(b"#")
    joint = b"?lclid=" if b"?" not in head else b"lclid=" if head[-1:] in b"?&" else b"&lclid="
    return head + joint, hash_mark + fragment
