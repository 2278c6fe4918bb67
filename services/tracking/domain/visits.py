"""A visit to a short link, read from the browser's request: consent, visitor id, agent, prefetch.

Promise: no IP address is read. Nothing here raises: a malformed value counts as absent, because a
click is always redirected.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from shared.events import TEXT_LENGTH_MAX

VISITOR_COOKIE: Final = "lvid"
# Every known crawler names itself within this length. A longer text only costs time.
AGENT_CHARACTERS_MAX: Final = 512

# 16 bytes in base64. Its last character has only four values, so most other texts do not match.
_VISITOR_ID: Final = re.compile(rb"(?:^|;\s*)lvid=([A-Za-z0-9_-]{21}[AQgw])(?:;|$)", re.ASCII)
_PREFETCH_WORDS: Final = (b"prefetch", b"prerender", b"preview")
_PREFETCH_HEADERS: Final = frozenset((b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"))
_REFUSAL_HEADERS: Final = frozenset((b"sec-gpc", b"dnt"))
_READ_HEADERS: Final = _PREFETCH_HEADERS | _REFUSAL_HEADERS | {b"cookie", b"user-agent"}


@dataclass(slots=True)
class Visit:
    """What a request to a short link contains. `visitor_id` is the value of the cookie."""

    consent: bool = True
    visitor_id: str | None = None
    user_agent: str = ""
    is_prefetch: bool = False
    sub_source: str | None = None


def read_visit(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> Visit:
    """Return the visit that a request's headers (names in lower case) and query describe."""
    visit = Visit()
    for name, value in headers:
        if name in _READ_HEADERS:
            _read_header(visit, name, value)
    if query:
        _read_query(visit, query)
    return visit


def _read_header(visit: Visit, name: bytes, value: bytes) -> None:
    if name == b"user-agent":
        visit.user_agent = value[:AGENT_CHARACTERS_MAX].decode("latin-1")
    elif name == b"cookie":
        found = _VISITOR_ID.search(value)
        if found is not None:
            visit.visitor_id = found[1].decode()
    elif name in _REFUSAL_HEADERS:
        visit.consent = visit.consent and value.strip() != b"1"
    else:
        text = value.lower()
        visit.is_prefetch = visit.is_prefetch or any(word in text for word in _PREFETCH_WORDS)


def _read_query(visit: Visit, query: bytes) -> None:
    for part in query.split(b"&"):
        if part == b"consent=0":
            visit.consent = False
        elif part.startswith(b"s=") and visit.sub_source is None:
            visit.sub_source = _storable(part[2 : 2 + 3 * TEXT_LENGTH_MAX])


def _storable(raw: bytes) -> str | None:
    text = unquote_plus(raw.decode("latin-1"), errors="replace").strip()[:TEXT_LENGTH_MAX]
    return text if text and text.isprintable() else None
