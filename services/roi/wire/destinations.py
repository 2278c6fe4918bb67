"""The canonical form of web addresses; every stored destination is checked here.

Promise: every absolute http(s) address that browsers open is taken and stored as browsers write it
(the URL standard of the WHATWG): ASCII, host in lower case and in its international form, dot
segments resolved, never the default port. The same address always gives the same text. What can be
read in two ways is refused: user info, backslashes, control characters, an escaped host, missing
slashes, an IP address in another form than four decimal numbers. So nobody takes one host for
another, and nothing that a visitor sends can change it.
What can go wrong: `ValueError`; its message says what to change.
"""

import re
import unicodedata
from typing import Final

from ada_url import URL, HostType

# Browsers, proxies and mail programs handle this length without truncation.
URL_CHARACTERS_MAX: Final = 2_048
HOST_CHARACTERS_MAX: Final = 253

# What people paste around an address.
_BLANKS: Final = " \u00a0\u3000"

_BEGINS: Final = re.compile(r"https?://(?P<authority>[^/?#]+)", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)
_PLAIN_IPV4: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII)


def canonical_url(text: str) -> str:
    """Return the canonical form of an absolute http(s) URL; ValueError when it is invalid."""
    text = text.strip(_BLANKS)
    if len(text) > URL_CHARACTERS_MAX:
        raise ValueError(f"is longer than {URL_CHARACTERS_MAX} characters")
    authority = _authority(text)
    found = _parsed(text)
    _check_host(authority, found)
    if found.port == "0":
        raise ValueError("the port must be between 1 and 65535")
    if len(found.href) > URL_CHARACTERS_MAX:
        raise ValueError(f"is longer than {URL_CHARACTERS_MAX} characters")
    return found.href


def canonical_origin(text: str) -> str:
    """Return the canonical form of a web origin: scheme, host and port; else ValueError."""
    canonical = canonical_url(text)
    if not canonical.endswith("/") or canonical.count("/") != 3:
        raise ValueError("send an origin such as https://shop.example, without a path")
    return canonical[:-1]


def host_of(canonical: str) -> str:
    """Return host and port of a canonical URL."""
    return canonical.split("/", 3)[2]


def canonical_host(host: str) -> str:
    """Return the canonical form of a host name or IP address; ValueError when invalid."""
    canonical = canonical_url(f"https://{host}")
    found = _parsed(canonical)
    if found.port or canonical != f"https://{found.hostname}/":
        raise ValueError("send a host name such as shop.example, without a port or a path")
    return found.hostname


def _authority(text: str) -> str:
    """Return host and port as typed; `ValueError` for what can be read in two ways."""
    if "\\" in text:
        raise ValueError("may not hold a backslash")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("may not hold control characters")
    begins = _BEGINS.match(text)
    if begins is None:
        raise ValueError("send an absolute address that starts with https:// or http://")
    authority = begins["authority"]
    if "@" in authority:
        raise ValueError("may not hold a user name or password")
    if "%" in authority:
        raise ValueError("the host may not be percent-encoded")
    return authority


def _parsed(text: str) -> URL:
    try:
        return URL(text)
    except ValueError:
        raise ValueError("has no valid host and port") from None


def _check_host(authority: str, found: URL) -> None:
    """Raise `ValueError` for a host that no name server knows, or that hides an IP address."""
    if found.host_type == HostType.IPV4:
        typed = unicodedata.normalize("NFKC", authority).partition(":")[0]
        if not _PLAIN_IPV4.fullmatch(typed) or typed != found.hostname:
            raise ValueError("write an IPv4 address as four decimal numbers")
    elif found.host_type == HostType.DEFAULT:
        labels = found.hostname.removesuffix(".").split(".")
        if len(found.hostname) > HOST_CHARACTERS_MAX or not all(map(_LABEL.fullmatch, labels)):
            raise ValueError("the host is not a valid name")
