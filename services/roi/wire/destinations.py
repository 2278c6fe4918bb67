"""The canonical form of web addresses; every stored destination is checked here.

Promise: an accepted address is an absolute http(s) URL in ASCII, whose host every browser reads in
the same way: lower case, IDNA 2008 (non-transitional, as browsers map), no user info, a port from 1
to 65535 and never the default one, no unusual form of an IP address, no control character, space
or backslash. The same address always gives the same text. It is parsed by the grammar of RFC 3986
and not by `urlsplit`, which silently repairs invalid URLs.
What can go wrong: `ValueError`; its message says what to change.
"""

import ipaddress
import re
import unicodedata
from typing import Final
from urllib.parse import quote

import idna

# Browsers, proxies and mail programs handle this length without truncation.
URL_CHARACTERS_MAX: Final = 2_048
PORT_MAX: Final = 65_535
HOST_CHARACTERS_MAX: Final = 253

_PARTS: Final = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)"
    r"(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.IGNORECASE,
)
_AUTHORITY: Final = re.compile(
    r"(?P<host>\[[^\[\]]*\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
_PLAIN_HOST: Final = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
    re.ASCII,
)
_LOOKS_NUMERIC: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
_BAD_PERCENT: Final = re.compile(r"%(?![0-9a-fA-F]{2})", re.ASCII)
_PERCENT: Final = re.compile(r"%[0-9a-fA-F]{2}", re.ASCII)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# RFC 3986: the characters that stay unquoted in a path, and those of a query or fragment. "%" is
# among them because `_quoted` has checked it.
_PATH_SAFE: Final = "/%:@!$&'()*+,;=-._~"
_QUERY_SAFE: Final = _PATH_SAFE + "?"


def canonical_url(text: str) -> str:
    """Return the canonical form of an absolute http(s) URL; ValueError when it is invalid."""
    _refuse_unseen(text)
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError("send an absolute address that starts with https:// or http://")
    scheme = parts["scheme"].lower()
    authority = _canonical_authority(scheme, parts["authority"])
    path = _quoted(parts["path"] or "/", _PATH_SAFE)
    tail = "".join(
        mark + _quoted(found[1:], _QUERY_SAFE)
        for mark, found in (("?", parts["query"]), ("#", parts["fragment"]))
        if found is not None
    )
    canonical = f"{scheme}://{authority}{path}{tail}"
    if len(canonical) > URL_CHARACTERS_MAX:
        raise ValueError(f"is longer than {URL_CHARACTERS_MAX} characters")
    return canonical


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
    if host.startswith("["):
        return _ipv6(host[1:-1])
    if "%" in host:
        raise ValueError("the host may not be percent-encoded")
    name = host.lower() if host.isascii() else host
    if not host.isascii() or any(label.startswith("xn--") for label in name.split(".")):
        name = _idna(name)
    if _LOOKS_NUMERIC.fullmatch(name.rsplit(".", 1)[-1]):
        return _ipv4(name)
    if not _PLAIN_HOST.fullmatch(name):
        raise ValueError("the host is not a valid name")
    return name


def _refuse_unseen(text: str) -> None:
    if len(text) > URL_CHARACTERS_MAX:
        raise ValueError(f"is longer than {URL_CHARACTERS_MAX} characters")
    if "\\" in text:
        raise ValueError("may not hold a backslash")
    if any(unicodedata.category(character)[0] in "CZ" for character in text):
        raise ValueError("may not hold spaces, control or invisible characters")


def _canonical_authority(scheme: str, authority: str) -> str:
    if "@" in authority:
        raise ValueError("may not hold a user name or password")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError("has no valid host and port")
    host = canonical_host(found["host"])
    if found["port"] is None:
        return host
    port = int(found["port"])
    if not 1 <= port <= PORT_MAX:
        raise ValueError(f"the port must be between 1 and {PORT_MAX}")
    return host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"


def _idna(name: str) -> str:
    try:
        return idna.encode(name, uts46=True, std3_rules=True, transitional=False).decode()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("the host is not a valid international name") from None


def _ipv4(name: str) -> str:
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        raise ValueError("write an IPv4 address as four decimal numbers") from None


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise ValueError("is not a valid IPv6 address") from None
    if address.scope_id is not None:
        raise ValueError("an IPv6 address may not name a zone")
    return f"[{address.compressed}]"


def _quoted(text: str, safe: str) -> str:
    if _BAD_PERCENT.search(text):
        raise ValueError("holds a % that is not followed by two hexadecimal digits")
    return _PERCENT.sub(lambda found: found[0].upper(), quote(text, safe=safe))
